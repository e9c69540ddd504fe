package cli

import (
	"strings"
	"testing"
)

func TestEvaluate(t *testing.T) {
	place(t, map[string]string{"t.csv": rows(60, "a,num,two,l1,l2", number, number, cycle("no", "yes"), cycle("0", "1"), cycle("1", "0", "0"))})
	for target, metrics := range map[string]string{
		"num":   "loss rmse mae r2",
		"two":   "loss accuracy balanced_accuracy auc log_loss",
		"l1,l2": "loss accuracy label_accuracy auc log_loss",
	} {
		o := trainQuietly(t, 0, "t.csv", "--target", target, "--epochs", "2", "--validation", "none", "-o", "m.safetensors")
		r := must(t, 0, "evaluate", "m.safetensors", "t.csv", "--json")
		e := parseJSON(t, r.out)
		if e.number(t, "rows") != 60 || r.err != "" {
			t.Errorf("%s%s", r.out, r.err)
		}
		text := must(t, 0, "evaluate", "m.safetensors", "t.csv").out
		for _, m := range strings.Fields(metrics) {
			if e.number(t, "metrics", m) != o.number(t, "metrics", "train", m) {
				t.Errorf("%s: %s is %v on the rows it was trained on, train said %v", target, m, e.number(t, "metrics", m), o.number(t, "metrics", "train", m))
			}
			if !strings.Contains(text, "\n"+m+" ") {
				t.Errorf("%s: the text lacks %s:\n%s", target, m, text)
			}
		}
	}
}

// TestEvaluateUnlabelled: rows without a target are left out; one class alone has no AUC.
func TestEvaluateUnlabelled(t *testing.T) {
	place(t, map[string]string{
		"t.csv": rows(60, "a,y", number, cycle("u", "v")),
		"p.csv": "y,a\nu,0.5\nNA,0.5\n,0.1\nu,0.7\n",
		"n.csv": "y,a\nNA,0.5\n",
	})
	must(t, 0, "train", "t.csv", "--epochs", "2", "--quiet", "-o", "m.safetensors")
	o := parseJSON(t, must(t, 0, "evaluate", "m.safetensors", "p.csv", "--json").out)
	if o.number(t, "rows") != 2 {
		t.Error(o)
	}
	if auc, there := o.at(t, "metrics").(map[string]any)["auc"]; there && auc != nil {
		t.Errorf("the AUC of one class is %v", auc)
	}
	for _, problem := range refused(call("evaluate", "m.safetensors", "n.csv"), 1, []string{"n.csv", "no row has a target"}) {
		t.Error(problem)
	}
}
