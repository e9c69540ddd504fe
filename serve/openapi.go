package serve

import (
	"embed"
	"fmt"
	"html/template"
	"net/http"
	"strings"

	"github.com/gradus-ml/gradus/data"
)

// openAPI describes the server in OpenAPI 3.1: for each model what a row must have.
func (s *Server) openAPI(x *exchange) error {
	type object = map[string]any
	schemas, paths := object{"error": object{"type": "object", "properties": object{"error": object{"type": "string"}}, "required": []string{"error"}}}, object{}
	content := func(schema any) object { return object{"application/json": object{"schema": schema}} }
	answers := func(schema any) object {
		failed := func(what string) object {
			return object{"description": what, "content": content(object{"$ref": "#/components/schemas/error"})}
		}
		return object{
			"200": object{"description": "The predictions.", "content": content(schema)}, "400": failed("The request is wrong; the error says what."),
			"404": failed("There is no such model."), "413": failed("The body or the number of rows is too large."), "503": failed("The server has too much to do; Retry-After says when to try again."),
		}
	}
	ref := func(name string) object { return object{"$ref": "#/components/schemas/" + name} }
	array := func(of any) object { return object{"type": "array", "items": of} }
	var any1 object // a row of any model
	var names []any
	for _, name := range s.names() {
		m, err := s.find(name, "")
		if err != nil {
			return err
		}
		l := m.now()
		row := l.InputSchema()
		row.Schema, row.Title = "", name
		schemas[name] = row
		names = append(names, ref(name))
		predictions := object{"type": "object", "properties": object{"predictions": array(object{})}}
		paths["/v1/models/"+name+":predict"] = object{"post": object{
			"summary":     "Predict rows with " + name + ".",
			"requestBody": object{"required": true, "content": content(object{"type": "object", "required": []string{"instances"}, "properties": object{"instances": array(ref(name))}})},
			"responses":   answers(predictions),
		}}
		paths["/v2/models/"+name] = object{"get": object{"summary": "Inputs and outputs of " + name + " (Open Inference Protocol).", "responses": answers(object{"type": "object"})}}
		paths["/v2/models/"+name+"/infer"] = object{"post": object{
			"summary": "Predict tensors with " + name + " (Open Inference Protocol).",
			"requestBody": object{"required": true, "content": content(object{"type": "object", "required": []string{"inputs"}, "properties": object{
				"id": object{"type": "string"}, "parameters": object{"type": "object"}, "outputs": array(object{"type": "object"}),
				"inputs": array(object{"type": "object", "required": []string{"name", "shape", "datatype"}, "properties": object{
					"name": object{"type": "string"}, "shape": array(object{"type": "integer"}), "datatype": object{"type": "string"}, "data": object{"type": "array"}, "parameters": object{"type": "object"},
				}}),
			}})},
			"responses": answers(object{"type": "object"}),
		}}
	}
	any1 = object{"anyOf": names}
	which := []object{{"name": "model", "in": "query", "description": "Which model, if there are several.", "schema": object{"type": "string"}}}
	paths["/predict"] = object{"post": object{
		"summary": "Predict a row, or a list of rows.", "parameters": which,
		"requestBody": object{"required": true, "content": content(object{"anyOf": []any{any1, array(any1)}})}, "responses": answers(object{"type": "object"}),
	}}
	paths["/invocations"] = object{"post": object{
		"summary": "Predict rows as MLflow has them.", "parameters": which,
		"requestBody": object{"required": true, "content": content(object{"type": "object", "properties": object{"dataframe_split": object{"type": "object"}, "dataframe_records": array(any1), "instances": object{"type": "array"}, "inputs": object{"type": "array"}}})},
		"responses":   answers(object{"type": "object"}),
	}}
	for _, path := range []string{"/v2", "/v2/health/live", "/v2/health/ready", "/v1/models", "/metrics"} {
		paths[path] = object{"get": object{"responses": object{"200": object{"description": "What it says."}}}}
	}
	description := object{
		"openapi": "3.1.0", "info": object{"title": "gradus", "version": s.o.Version, "description": "Predictions of " + strings.Join(s.names(), ", ") + "."},
		"paths": paths, "components": object{"schemas": schemas},
	}
	if s.o.Token != "" {
		description["components"].(object)["securitySchemes"] = object{"token": object{"type": "http", "scheme": "bearer"}}
		description["security"] = []object{{"token": []string{}}}
	}
	writeJSON(x.w, http.StatusOK, description)
	return nil
}

//go:embed page
var pageFiles embed.FS

var pageTemplate = template.Must(template.ParseFS(pageFiles, "page/index.html"))

// pagePolicy lets the page use nothing but the server's own files.
const pagePolicy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// page is a form on which a row can be tried by hand.
func (s *Server) page(x *exchange) error {
	type field struct {
		Name, Kind, Value string
		Levels            []string
	}
	type form struct {
		Name, Says string
		Fields     []field
	}
	var forms []form
	for _, name := range s.names() {
		m, err := s.find(name, "")
		if err != nil {
			return err
		}
		l := m.now()
		f := form{Name: name, Says: fmt.Sprintf("Predicts %s (%s).", strings.Join(l.targets, ", "), l.Task())}
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
	return ignore(pageTemplate.Execute(x.w, forms))
}

// pageFile is the page's script or style.
func (s *Server) pageFile(x *exchange) error {
	file := x.r.PathValue("file")
	if file != "page.js" && file != "page.css" {
		return refuse(http.StatusNotFound, "there is no file %q of the page", file)
	}
	http.ServeFileFS(x.w, x.r, pageFiles, "page/"+file)
	return nil
}
