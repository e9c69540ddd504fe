package lab

import (
	"strings"
	"testing"
)

// TestBuild builds a network and its training on the page. The command and the run follow every choice.
func TestBuild(t *testing.T) {
	p := openTab(t, Options{})
	p.tab("build")
	p.choose("f-activation", "tanh")
	p.write("f-hidden", "5,3")
	p.choose("f-method", "mini-batch")
	p.write("f-batch-size", "3")
	p.choose("f-optimizer", "adam")
	p.write("f-lr", "0.02")
	p.write("f-beta1", "0.8")
	p.choose("f-norm", "layer")
	p.write("f-dropout", "0.25")
	p.write("f-l2", "0.01")
	p.choose("f-schedule", "cosine")
	p.write("f-seed", "7")
	p.click("#f-bias")
	e := ExampleOf("notebook")
	setup := e.Setup
	o := &setup.Options
	o.Activation, o.Hidden, o.Method, o.BatchSize, o.Optimizer, o.LearningRate, o.Schedule, o.Seed, o.NoBias =
		"tanh", []int{5, 3}, "mini-batch", 3, "adam", new(0.02), "cosine", 7, false
	o.Beta1, o.Norm, o.Dropout, o.L2 = new(0.8), "layer", 0.25, 0.01
	table, err := e.Table()
	if err != nil {
		t.Fatal(err)
	}
	f := library(t, setup, table)
	same(t, "the loss", p.value("#loss"), f.Result().Loss)
	want := "gradus train notebook.csv --scale none --hidden 5,3 --activation tanh --output-activation sigmoid --norm layer --init uniform --seed 7 --loss half-squared --reduction sum --method mini-batch --batch-size 3 --optimizer adam --lr 0.02 --beta1 0.8 --schedule cosine --dropout 0.25 --l2 0.01 --epochs 10000 --tolerance 0.001 --precision float64 --validation none --members 1"
	if got := p.text("#command"); got != want {
		t.Errorf("the command is\n%s\nwant\n%s", got, want)
	}
	p.screen("build")
	p.click("[data-do=epoch]")
	forward(t, f, 2)
	same(t, "the loss", p.value("#loss"), f.Result().Loss)
	p.write("f-lr", "fast")
	if note := p.text("#note"); !strings.Contains(note, "Rate is \"fast\"") {
		t.Errorf("a rate that is not a number: got the note %q, want one that quotes it", note)
	}
	if p.text("#update") != "2" {
		t.Error("a refused change has changed the run")
	}
}
