package lab

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/gradus-ml/gradus/data"
)

// Long work is canceled at once and leaves nothing running and nothing shown.
func TestCancel(t *testing.T) {
	s := newSession(t, "spirals")
	if err := s.Change(map[string]string{"hidden": "120,120", "epochs": "100000"}); err != nil {
		t.Fatal(err)
	}
	jobs := map[string]func(context.Context, *Frame) (any, error){"verify": verify, "race": race(raceRates), "surface": surface("principal", nil)}
	for name, work := range jobs {
		hidden := "120,120"
		if name == "verify" { // takes a few seconds
			hidden = "400,400"
		}
		if err := s.Change(map[string]string{"hidden": hidden}); err != nil {
			t.Fatal(err)
		}
		before := goleak.IgnoreCurrent()
		s.begin(name, work)
		if text := execute("panel-"+name, s.Frame()); !strings.Contains(text, `data-do="cancel" data-job="`+name+`"`) {
			t.Errorf("%s: got no button to cancel the running job, want one: %s", name, text)
		}
		if j, ok := s.Frame().Jobs[name]; !ok || !j.busy {
			t.Fatalf("%s: the job ended before it was canceled: %v", name, j.err)
		}
		s.cancel(name)
		if _, there := s.Frame().Jobs[name]; there {
			t.Errorf("%s: the job is still there after it was canceled", name)
		}
		nothingLeft(t, name+", canceled", before)
		if _, there := s.Frame().Jobs[name]; there {
			t.Errorf("%s: the job has a result after it was canceled", name)
		}
	}
	if err := s.Change(map[string]string{"hidden": "120,120"}); err != nil {
		t.Fatal(err)
	}
	// Pause, a closed page and another jump also cancel a jump to a far update.
	if err := s.Goto(ctx, 30); err != nil {
		t.Fatal(err)
	}
	for _, how := range []string{"pause", "leave", "another"} {
		before := goleak.IgnoreCurrent()
		leaving, leave := context.WithCancel(ctx)
		gone := make(chan error)
		go func() { gone <- s.Goto(leaving, 1<<30) }()
		eventually(t, "the run moves", func() bool { return s.Frame().Running })
		switch how {
		case "pause":
			s.Pause()
		case "leave":
			leave()
		case "another":
			if err := s.Goto(ctx, 3); err != nil {
				t.Fatal(err)
			}
		}
		if err := <-gone; err == nil {
			t.Errorf("%s: the run reached the far update, want an error", how)
		}
		f := s.Frame()
		if f.Running || how == "another" && f.At != 3 {
			t.Errorf("%s: running %v at update %d", how, f.Running, f.At)
		}
		if !bits(f.Net.Params(), plain(t, f.Setup, s.table, f.At)) {
			t.Errorf("%s: the weights at update %d differ from those of a plain run", how, f.At)
		}
		leave()
		nothingLeft(t, how, before)
	}
}

// A report is made while the page continues, and is canceled like other work.
func TestReportIsCanceled(t *testing.T) {
	var text strings.Builder
	text.WriteString("a,b,y\n")
	for i := range 60000 {
		fmt.Fprintf(&text, "%d,%d,%d\n", i%17, i*i%23, i*3%41)
	}
	table, err := data.Read(data.Stdin, data.ReadOptions{Stdin: strings.NewReader(text.String())})
	if err != nil {
		t.Fatal(err)
	}
	s := newSession(t, "notebook")
	setup := ownSetup()
	setup.Options.Hidden = []int{300, 300}
	if err := s.Load(setup, table); err != nil {
		t.Fatal(err)
	}
	s.Look(func(v *View) { v.Tab = "share" })
	before := goleak.IgnoreCurrent()
	s.begin("report", s.report)
	for f := s.Frame(); ; f = s.Frame() {
		if f.At == 0 {
			s.Batch()
			continue
		}
		if j := f.Jobs["report"]; !j.busy {
			t.Fatalf("the report was done before it was canceled: %v", j.err)
		}
		break // an update was made meanwhile
	}
	if text := execute("panel-share", s.Frame()); !strings.Contains(text, `data-do="cancel" data-job="report"`) {
		t.Errorf("got no button to cancel the running report, want one: %s", text)
	}
	s.cancel("report")
	nothingLeft(t, "a report, canceled", before)
	if _, there := s.Frame().Jobs["report"]; there {
		t.Error("the report is still there after it was canceled")
	}
}
