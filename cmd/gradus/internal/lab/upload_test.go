package lab

import (
	"bytes"
	"compress/gzip"
	"html"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/model"
)

// The page and its downloads show a table's name, but not its folders.
func TestNamesWithoutFolders(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "secret-folder")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]string{"my people.csv": "gradus train 'my people.csv' ", "-x.tsv": "gradus train ./-x.tsv ", "p.csv.gz": "gradus train p.csv.gz "} {
		path := filepath.Join(dir, file)
		text := "a,b\n1,2\n2,3\n3,4\n4,6\n"
		var packed bytes.Buffer
		switch filepath.Ext(file) {
		case ".tsv":
			text = strings.ReplaceAll(text, ",", "\t")
		case ".gz":
			z := gzip.NewWriter(&packed)
			io.WriteString(z, text)
			z.Close()
			text = packed.String()
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		table, err := data.Read(path, data.ReadOptions{})
		if err != nil {
			t.Fatal(err)
		}
		_, web := newServer(t, Options{Table: table})
		v := visit(t, web)
		var all []string
		for _, tab := range tabs {
			for _, part := range v.do("do", "tab", "tab", tab.Name).HTML {
				all = append(all, part)
			}
		}
		all = append(all, v.do("do", "build", "target", "none").HTML["note"], v.do("do", "build", "target", "b", "loss", "poisson", "output-activation", "exp").HTML["note"])
		v.do("do", "report")
		for busy := true; busy; {
			busy = strings.Contains(v.do("do", "tab", "tab", "share").HTML["panel"], "cancel-report")
		}
		for _, name := range []string{"/report.html", "/history.csv", "/data.csv", "/model.safetensors", "/figure.svg?name=network"} {
			sep := "?"
			if strings.Contains(name, "?") {
				sep = "&"
			}
			resp, err := v.client.Get(web + name + sep + "s=" + v.id)
			if err != nil {
				t.Fatal(err)
			}
			b, err := io.ReadAll(resp.Body)
			resp.Body.Close()
			if err != nil || resp.StatusCode != http.StatusOK {
				t.Fatalf("%s: got %v %s, want no error and status http.StatusOK", name, err, resp.Status)
			}
			all = append(all, string(b))
		}
		found := false
		for _, part := range all {
			if strings.Contains(part, "secret-folder") {
				t.Errorf("%s: its folder is in %.300s", file, part)
			}
			found = found || strings.Contains(html.UnescapeString(part), want)
		}
		if !found {
			t.Errorf("%s: no command says %q", file, want)
		}
	}
}

// If its last column cannot be a target, a table opens with another target, and the page says so.
func TestTargetThatIsNone(t *testing.T) {
	for text, want := range map[string]string{
		"a,b,y\n1,2,yes\n2,4,yes\n3,5,yes\n4,9,yes\n":                                "b",
		"a,b,c,d\n1,2,x,\n2,4,x,\n3,5,x,\n4,9,x,\n":                                  "b",
		"a,b,when\n1,2,2020-01-01\n2,4,2020-01-02\n3,5,2020-01-03\n4,9,2020-01-04\n": "b",
	} {
		e := &entry{Session: newSession(t, "notebook")}
		if err := take(e, "t.csv", []byte(text)); err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		f := e.Frame()
		if got := f.Fit.Encoding.Targets[0].Name; got != want || f.Failed || !strings.Contains(f.Note, "\""+want+"\" is the target here") {
			t.Errorf("%q: the target is %s, the note %q", text, got, f.Note)
		}
		if err := e.Change(map[string]string{"target": "a"}); err != nil || e.Frame().Note != "" {
			t.Errorf("%q: changing the target: got %v and the note %q, want neither", text, err, e.Frame().Note)
		}
	}
	e := &entry{Session: newSession(t, "notebook")}
	if err := take(e, "t.csv", []byte("a,y\nu,x\nu,x\nu,x\n")); err == nil || e.Frame().Setup.Example != "notebook" {
		t.Errorf("with no possible target: got %v and the example %q, want an error and notebook", err, e.Frame().Setup.Example)
	}
}

// A link waits for its table, whatever other tables are dropped before.
func TestLinkWaitsForItsTable(t *testing.T) {
	own, other := []byte("a,b\n1,2\n2,4\n3,5\n4,9\n"), []byte("a,b\n1,2\n2,4\n3,5\n4,8\n")
	e := &entry{Session: newSession(t, "notebook")}
	if err := take(e, "own.csv", own); err != nil {
		t.Fatal(err)
	}
	if err := e.Change(map[string]string{"hidden": "7"}); err != nil {
		t.Fatal(err)
	}
	link := e.Frame().Setup.Link()
	e = &entry{Session: newSession(t, "notebook")}
	if err := e.begins(ctx, link, place{}, nil, false); err == nil {
		t.Fatal("a link opens without its table")
	}
	if err := take(e, "other.csv", other); err != nil {
		t.Fatal(err)
	}
	if f := e.Frame(); f.Failed || !strings.Contains(f.Note, "not the table of the link") || f.Net.Layer(0).Units != 4 {
		t.Errorf("another table: got %d hidden units and the note %q, want 4 and a note", f.Net.Layer(0).Units, f.Note)
	}
	if err := take(e, "own.csv", own); err != nil {
		t.Fatal(err)
	}
	if f := e.Frame(); f.Note != "" || f.Net.Layer(0).Units != 7 {
		t.Errorf("the link's table: got %d hidden units and the note %q, want 7 and no note", f.Net.Layer(0).Units, f.Note)
	}
}

// take gives a session a table as an upload does.
func take(e *entry, name string, raw []byte) error {
	t, err := readTable(name, raw)
	if err != nil {
		return err
	}
	return e.take(t)
}

// A model file is not a table. The page says what it is, and keeps its run.
func TestModelIsNoTable(t *testing.T) {
	table, err := data.Read("../../../../examples/data/iris.csv", data.ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	m, _, err := model.Train(t.Context(), table, model.Options{Members: 3, Epochs: 1})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "three.safetensors")
	if err := m.Save(path); err != nil {
		t.Fatal(err)
	}
	p := openTab(t, Options{})
	p.do(chromedp.SetUploadFiles("#file", []string{path}))
	p.until("document.querySelector('#note .bad')")
	if note, want := p.text("#note"), "three.safetensors is a model file, an ensemble of 3 networks"; !strings.HasPrefix(note, want) {
		t.Errorf("the page says %q, want it to begin with %q", note, want)
	}
	p.click("[data-do=batch]")
	if p.text("#update") != "1" {
		t.Errorf("after that the page is at update %s, want 1", p.text("#update"))
	}
}
