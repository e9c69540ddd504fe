package lab

import (
	"fmt"
	"strings"
	"testing"
)

// The pass plays by itself, one part a second, and stops when asked. A factor of the formula
// and its part of the picture are highlighted together. Each factor has a line in words.
func TestPassPlaysAndFactorsAreTied(t *testing.T) {
	p := openTab(t, Options{})
	p.click("#pass")
	p.until("document.getElementById('pass').dataset.phase === '2'")
	if n := js[int](p, "document.querySelectorAll('.flow:not(.back)').length"); n != 12 {
		t.Errorf("%d of the first layer's 12 weights carry values forward", n)
	}
	p.click("#pass")
	at := p.text("#phase")
	p.wait("new Promise((later) => setTimeout(later, 1200))") // longer than the timer that plays the next part
	if now := p.text("#phase"); now != at {
		t.Errorf("a paused pass goes from %q to %q", at, now)
	}
	js[any](p, "act('phase', { to: 5 }); null")
	p.until("document.querySelectorAll('.flow.back').length === 4")

	path := p.session().Frame()
	e, err := path.Explain()
	if err != nil {
		t.Fatal(err)
	}
	factors := e.Paths[0].Factors
	if n := js[int](p, "document.querySelectorAll('.path [data-ties]').length"); n != len(factors) {
		t.Errorf("%d of %d factors are tied to the picture", n, len(factors))
	}
	for i := range factors {
		if words := js[[]string](p, "[...document.querySelectorAll('.path [data-ties] .says')].map((e) => e.textContent)")[i]; words == "" {
			t.Errorf("factor %d has no words", i)
		}
		name := js[[]string](p, "[...document.querySelectorAll('.path [data-ties]')].map((e) => e.dataset.ties)")[i]
		p.point("[data-ties='" + name + "']")
		p.until("document.getElementById('" + name + "').classList.contains('tied')")
		p.point("h1")
		p.until("!document.querySelector('.tied')")
		p.point("#" + name)
		p.until("document.querySelector(\"[data-ties='" + name + "']\").classList.contains('tied')")
	}
}

// A drag along the loss goes to the updates there, and a typed number goes to that update, also beyond
// the updates made so far. The page shows the progress and a button to stop it.
func TestLossIsTimeline(t *testing.T) {
	p := openTab(t, Options{})
	p.write("goto", "300")
	p.until("document.getElementById('update').textContent === '300'")
	f := exampleRun(t, "notebook")
	forward(t, f, 300)
	same(t, "the loss", p.value("#loss"), f.Result().Loss)
	drag := func(update int) {
		js[any](p, fmt.Sprintf(`{ const s = document.querySelector('#curve svg'), d = s.dataset, m = s.getScreenCTM(), c = document.getElementById('curve');
			const x = m.e + m.a * (+d.left + (%d - d.low) / (d.high - d.low) * (d.right - d.left)), y = s.getBoundingClientRect().y + 20;
			c.setPointerCapture = () => {};
			s.dispatchEvent(new PointerEvent('pointerdown', { bubbles: true, button: 0, clientX: x - 30, clientY: y, pointerId: 1 }));
			s.dispatchEvent(new PointerEvent('pointermove', { bubbles: true, clientX: x, clientY: y, pointerId: 1 }));
			c.dispatchEvent(new PointerEvent('pointerup', { bubbles: true, pointerId: 1 })); null }`, update))
		p.until(fmt.Sprintf("document.getElementById('update').textContent === '%d'", update))
		p.settled()
	}
	drag(40)
	drag(250)
	for _, example := range []string{"notebook-stochastic", "notebook-per-sample"} { // several updates an epoch
		p.choose("example", example)
		p.write("goto", "103")
		most := js[int](p, "at")
		for _, update := range []int{most - 1, 1, most / 2, most} {
			drag(update)
		}
	}
	p.choose("example", "spirals")
	if err := p.session().Change(map[string]string{"hidden": "64,64", "epochs": "100000"}); err != nil {
		t.Fatal(err)
	}
	const far = 900_000 // updates, minutes away
	js[any](p, fmt.Sprintf("act('goto', { n: %d, ahead: 1 }); null", far))
	p.until("document.querySelector('#note progress')")
	js[any](p, "document.getElementById('stop-going').click(); null")
	p.until("!document.querySelector('#note progress') && !running")
	if at := js[int](p, "at"); at >= far {
		t.Errorf("the stopped run is at update %d, want one before the target", at)
	}
	if strings.Contains(p.text("#note"), "canceled") {
		t.Errorf("after a stop the note is %q, want no word of a canceled context", p.text("#note"))
	}
}

// Going forward over updates that were made already uses the kept states, as going back does.
func TestGoingForwardsUsesMemories(t *testing.T) {
	s := newSession(t, "notebook-stochastic")
	const far = 4 * memoriesBegin
	if err := s.Goto(ctx, far+10); err != nil {
		t.Fatal(err)
	}
	want := s.Frame()
	if err := s.Goto(ctx, 1); err != nil {
		t.Fatal(err)
	}
	made := 0
	s.mu.Lock()
	if !s.run.memories.between(s.run.at, far+10) {
		t.Error("there is no kept state ahead")
	}
	if err := s.run.recall(far + 10); err != nil {
		t.Fatal(err)
	}
	for s.run.at < far+10 && s.step() {
		made++
	}
	s.mu.Unlock()
	if made != 10 {
		t.Errorf("%d updates were made from the last kept state, want 10", made)
	}
	if err := s.Goto(ctx, 1); err != nil {
		t.Fatal(err)
	}
	if err := s.Goto(ctx, far+10); err != nil {
		t.Fatal(err)
	}
	got := s.Frame()
	for i, w := range want.Net.Params() {
		if got.Net.Params()[i] != w {
			t.Fatalf("after going back and forward, weight %d is %v, want %v", i, got.Net.Params()[i], w)
		}
	}
}

// An answer to a click has only what changed for the page that asks. A page that gets frames and
// answers in any order ends with the whole picture.
func TestAnswersHaveWhatChanged(t *testing.T) {
	_, web := newServer(t, Options{})
	v := visit(t, web)
	first := v.do("do", "look")
	if again := v.post("/do?s="+v.id+"&have="+fmt.Sprint(first.Have), map[string][]string{"do": {"look"}}); again != nil {
		var m message
		v.decode(again, &m)
		if len(m.HTML) != 0 {
			t.Errorf("with nothing changed the answer has %d parts, want 0", len(m.HTML))
		}
	}
	have, shown := first.Have, first.HTML
	for _, do := range []string{"batch", "phase", "batch", "back", "sample", "batch"} {
		var m message
		v.decode(v.post("/do?s="+v.id+"&have="+fmt.Sprint(have), map[string][]string{"do": {do}, "by": {"1"}}), &m)
		if _, ok := m.HTML["tabs"]; ok {
			t.Errorf("%s sends the tabs again", do)
		}
		for id, html := range m.HTML {
			shown[id] = html
		}
		have = m.Have
		for id, html := range v.do("do", "look").HTML {
			if shown[id] != html {
				t.Errorf("after %s the part %s is not what the page has", do, id)
			}
		}
	}
	// After a frame that was overtaken, the page needs everything again.
	var d drawn
	s := newSession(t, "notebook")
	old := s.Frame()
	s.Batch()
	d.draw(s.Frame(), 0)
	if late := d.draw(old, old.Version); late.Have != 0 || len(late.HTML) < 5 {
		t.Errorf("an overtaken frame has %d parts and counts as version %d", len(late.HTML), late.Have)
	}
}
