package lab

import (
	"strings"
	"testing"
)

// Every panel can be drawn whatever the network is.
func TestPanelsOfAnyNet(t *testing.T) {
	for _, c := range []struct {
		example string
		change  map[string]string
	}{
		{"notebook", nil}, {"sine", nil}, {"circles", map[string]string{"hidden": "0"}}, {"circles", map[string]string{"norm": "batch"}},
		{"circles", map[string]string{"norm": "layer", "dropout": "0.5"}}, {"spirals", map[string]string{"optimizer": "lbfgs", "lr": "", "method": "auto"}},
		{"xor", map[string]string{"loss": "hinge", "output-activation": "auto"}}, {"circles", map[string]string{"bias": "off", "class-weight": "balanced", "l1": "0.1"}},
	} {
		s := newSession(t, c.example)
		if err := s.Change(c.change); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			for _, tab := range tabs {
				s.Look(func(v *View) { v.Tab = tab.Name })
				if tab.Name == "verify" {
					if _, err := verify(ctx, s.Frame()); err != nil {
						t.Error(err)
					}
				}
				for name, html := range Render(s.Frame()) {
					if strings.Contains(html, "template:") || strings.Contains(html, "ZgotmplZ") || strings.Contains(html, `class="bad"`) {
						t.Errorf("%v: %s of the tab %s: %s", c, name, tab.Name, html)
					}
				}
			}
			s.Epoch(ctx)
		}
	}
}
