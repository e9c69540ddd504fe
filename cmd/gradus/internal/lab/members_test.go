package lab

import (
	"fmt"
	"strings"
	"testing"

	"github.com/gradus-ml/gradus/model"
)

// Any member of an ensemble can be chosen on the page. It equals the member that training makes, to the bit, with its
// own rows, seed and optimizer.
func TestMemberIsChosen(t *testing.T) {
	p := openTab(t, Options{})
	p.choose("example", "circles")
	if js[bool](p, "!!document.getElementById('member')") {
		t.Error("the page offers a choice of members for a single network")
	}
	p.tab("data")
	p.choose("f-validation", "") // in folds
	p.tab("build")
	p.choose("f-epochs", "3")
	p.choose("f-members", "3")
	setup := p.session().Frame().Setup
	all, _, err := model.Train(ctx, p.session().table, func() model.Options {
		o, none := setup.Options, 0
		o.Patience = &none
		return o
	}())
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]bool{}
	for k, member := range all.Members() {
		p.choose("member", fmt.Sprint(k))
		p.choose("speed", "full")
		p.click("#run")
		p.until("!running && at > 0")
		if note := p.text("#note"); strings.Contains(note, "network") {
			t.Errorf("network %d: the page says %q", k, note)
		}
		p.tab("share")
		if got := p.text("#sha"); got != member.WeightsSHA256() {
			t.Errorf("network %d has the weights %s on the page and %s in the ensemble", k, got, member.WeightsSHA256())
		}
		if want := fmt.Sprintf("this is member %d.", k); !strings.Contains(p.text("#panel"), want) {
			t.Errorf("network %d: the text beside the command lacks %q", k, want)
		}
		f := p.session().Frame()
		rows[fmt.Sprint(f.Training.Rows)] = true
		if loss := member.Training.Loss; f.Loss != loss {
			t.Errorf("network %d: the loss is %v on the page and %v in the ensemble", k, f.Loss, loss)
		}
		p.tab("weight")
		if got, want := js[string](p, "document.getElementById('member').selectedOptions[0].textContent"), fmt.Sprintf("%d of 3", k); got != want {
			t.Errorf("the page shows network %q, want %q", got, want)
		}
	}
	if len(rows) != 3 {
		t.Errorf("3 networks have %d sets of training rows, want 3", len(rows))
	}
	// A link leads to the chosen network.
	p.tab("share")
	q := openURL(t, p.server, p.text("#place"))
	if got := js[string](q, "document.getElementById('member').value"); got != "2" {
		t.Errorf("a link opens on network %s, want 2", got)
	}
}
