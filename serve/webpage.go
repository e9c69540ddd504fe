package serve

import (
	"embed"
	"fmt"
	"html/template"
	"net/http"
	"strings"

	"github.com/gradus-ml/gradus/data"
)

//go:embed page
var pageFiles embed.FS

var pageTemplate = template.Must(template.ParseFS(pageFiles, "page/index.html"))

// pagePolicy allows the page only the server's own files.
const pagePolicy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// page serves a form in which a row can be tried out.
func (s *Server) page(x *exchange) error {
	type field struct {
		Name, Kind, Value string
		Levels            []string
	}
	type form struct {
		Name, Says string
		Fields     []field
		Sure       string  // the parameter that asks for the certainty; "" if the model has none
		Level      float64 // for it
		Reasons    bool    // whether they can be requested
	}
	var forms []form
	for _, name := range s.names() {
		m, err := s.find(name, "")
		if err != nil {
			return err
		}
		l := m.now()
		f := form{Name: name, Says: fmt.Sprintf("Predicts %s (%s).", strings.Join(l.targets, ", "), l.Task()), Reasons: l.explainer != nil}
		f.Sure, f.Level = l.sure()
		for i := range l.Encoding.Inputs {
			in := &l.Encoding.Inputs[i]
			v := field{Name: in.Name, Kind: string(in.Kind)}
			switch in.Kind {
			case data.KindNumber:
				v.Value = fmt.Sprint(in.Median)
			case data.KindCategory:
				v.Levels = append(in.Levels[:len(in.Levels):len(in.Levels)], in.RareOf...)
				if len(v.Levels) > 0 {
					v.Value = v.Levels[0]
				}
			case data.KindBoolean:
				v.Levels, v.Value = []string{"true", "false"}, "true"
			}
			f.Fields = append(f.Fields, v)
		}
		forms = append(forms, f)
	}
	x.w.Header().Set("Content-Type", "text/html; charset=utf-8")
	x.w.Header().Set("Content-Security-Policy", pagePolicy)
	_ = pageTemplate.Execute(x.w, forms) // the client may have disconnected
	return nil
}

// pageFile serves the page's script or style.
func (s *Server) pageFile(x *exchange) error {
	file := x.r.PathValue("file")
	if file != "page.js" && file != "page.css" {
		return refuse(http.StatusNotFound, "there is no file %q of the page", file)
	}
	http.ServeFileFS(x.w, x.r, pageFiles, "page/"+file)
	return nil
}
