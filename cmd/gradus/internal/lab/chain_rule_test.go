package lab

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/gradus-ml/gradus/cmd/gradus/internal/lesson"
	"github.com/gradus-ml/gradus/model"
)

// TestChainRule checks the page's chain rule for a weight of a 3-4-4-2 network on the visitor's own table. It equals
// the output of gradus explain for the downloaded model, and it equals the numeric derivative.
func TestChainRule(t *testing.T) {
	table, err := filepath.Abs(filepath.Join("..", "..", "..", "..", "examples", "data", "diabetes.csv"))
	if err != nil {
		t.Fatal(err)
	}
	p := openTab(t, Options{})
	p.do(chromedp.SetUploadFiles("#file", []string{table}))
	p.until("document.getElementById('columns')")
	p.settled()
	for _, c := range []string{"sex", "s1", "s2", "s3", "s4", "s6"} {
		js[any](p, fmt.Sprintf(`{ const e = document.querySelector('[name="type:%s"]'); e.value = 'ignore'; e.dispatchEvent(new Event('change', { bubbles: true })); null }`, c))
		p.settled()
	}
	p.write("f-target", "s5,progression")
	p.tab("build")
	p.write("f-hidden", "4,4")
	p.tab("weight")
	if d := p.session().Frame(); model.Describe(d.Net.Inputs(), d.Net.Layers()) != "3 - 4 tanh - 4 tanh - 2 identity" {
		t.Fatalf("the network is %s, want 3 - 4 tanh - 4 tanh - 2 identity", model.Describe(d.Net.Inputs(), d.Net.Layers()))
	}
	for range 3 {
		p.click("[data-do=batch]")
	}
	p.write("weight", "0.1.2")
	p.click("#digits")
	p.click("[data-row='1']")
	dir := t.TempDir()
	file := filepath.Join(dir, "lab.safetensors")
	if err := os.WriteFile(file, p.get("/model.safetensors"), 0o644); err != nil {
		t.Fatal(err)
	}
	row := p.session().Frame().Training.Rows[1]
	program := buildGradus(t)
	explain := func(flags ...string) []byte {
		cmd := exec.Command(program, append([]string{"explain", file, table, "--row", strconv.Itoa(row), "--weight", "0.1.2"}, flags...)...)
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("gradus explain: %v", err)
		}
		return out
	}
	var e lesson.Explanation
	if err := json.Unmarshal(explain("--json"), &e); err != nil {
		t.Fatal(err)
	}
	same(t, "the gradient", p.value("#gradient"), e.Gradient)
	same(t, "the numeric derivative", p.value("#numeric"), e.Numeric)
	same(t, "the sum of the paths", p.value("#sum"), e.Sum)
	if len(e.Paths) != 8 {
		t.Fatalf("got %d paths, want 8", len(e.Paths))
	}
	paths := js[[]string](p, `[...document.querySelectorAll('.path')].map((el) => [...el.querySelectorAll('[data-value]')].map((n) => n.dataset.value).join(' '))`)
	for i, path := range e.Paths {
		var want []string
		for _, f := range path.Factors {
			want = append(want, full(f.Value))
		}
		want = append(want, full(path.Product))
		if got := paths[i]; got != strings.ReplaceAll(strings.Join(want, " "), "\u2212", "-") {
			t.Errorf("path %d has the factors\n%s on the page and\n%s by gradus explain", i+1, got, strings.Join(want, " "))
		}
	}
	text := string(explain()) // the text output has the same digits
	for _, id := range []string{"#sum", "#gradient"} {
		if got := strings.ReplaceAll(strings.Fields(p.text(id))[0], "−", "-"); !strings.Contains(text, "dL/dw = "+got) {
			t.Errorf("%s says %s, which gradus explain does not print:\n%s", id, got, text)
		}
	}
	if math.Abs(e.Gradient-e.Numeric) > 1e-7*math.Abs(e.Gradient) {
		t.Errorf("the gradient %v and the numeric derivative %v differ", e.Gradient, e.Numeric)
	}
	p.screen("chain-rule")
	// Adam's equations give the weight that the next update sets.
	for range 3 {
		next := p.value("#next")
		p.click("[data-do=batch]")
		same(t, "the weight after the update", p.value("#moved"), next)
	}
}
