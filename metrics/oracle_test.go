package metrics

import (
	"encoding/json"
	"math"
	"os"
	"testing"
)

const tolerance = 1e-12

// near compares a score with the oracle's. If the oracle has nil, the score must be absent.
func near(t *testing.T, what string, r Scores, name string, want *float64) {
	t.Helper()
	got, ok := r.Get(name)
	switch {
	case want == nil && ok:
		t.Errorf("%s: %s = %v, want none", what, name, got)
	case want != nil && !ok:
		t.Errorf("%s: no %s, want %v", what, name, *want)
	case want != nil && !(math.Abs(got-*want) <= tolerance*max(1, math.Abs(*want))):
		t.Errorf("%s: %s = %v, want %v", what, name, got, *want)
	}
}

func nearMatrix(t *testing.T, what string, got, want [][]float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d rows in the confusion matrix, want %d", what, len(got), len(want))
	}
	for i := range want {
		for j := range want[i] {
			if math.Abs(got[i][j]-want[i][j]) > tolerance*max(1, want[i][j]) {
				t.Errorf("%s: confusion[%d][%d] = %v, want %v", what, i, j, got[i][j], want[i][j])
			}
		}
	}
}

// mean returns the mean of the values that exist, or nil if there are none.
func mean(of []*float64) *float64 {
	var sum, n float64
	for _, v := range of {
		if v != nil {
			sum += *v
			n++
		}
	}
	if n == 0 {
		return nil
	}
	sum /= n
	return &sum
}

func flat(rows [][]float64) []float64 {
	var out []float64
	for _, r := range rows {
		out = append(out, r...)
	}
	return out
}

func must(t *testing.T) func(Report, error) Report {
	return func(r Report, err error) Report {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
}

// The metrics agree with scikit-learn's on the same vectors, which testdata/oracle.py computed.
func TestAgainstSklearn(t *testing.T) {
	type matrix = [][]float64
	var file struct {
		Binary []struct {
			Name             string
			Y, P, Weights    []float64
			Accuracy         *float64
			BalancedAccuracy *float64 `json:"balanced_accuracy"`
			AUC              *float64 `json:"roc_auc"`
			LogLoss          *float64 `json:"log_loss"`
			Confusion        matrix
			More             map[string]*float64
		}
		Multiclass []struct {
			Name             string
			Classes          int
			Y                []float64
			P                matrix
			Accuracy         *float64
			BalancedAccuracy *float64   `json:"balanced_accuracy"`
			Macro            *float64   `json:"roc_auc_ovr_macro"`
			Each             []*float64 `json:"roc_auc_ovr"`
			LogLoss          *float64   `json:"log_loss"`
			Confusion        matrix
			More             map[string]*float64
		}
		Multilabel []struct {
			Name   string
			Y, P   matrix
			Subset *float64   `json:"subset_accuracy"`
			Label  *float64   `json:"label_accuracy"`
			Macro  *float64   `json:"roc_auc_macro"`
			Each   []*float64 `json:"roc_auc"`
			More   map[string]*float64
		}
		Regression []struct {
			Name          string
			Y, P          matrix
			Weights       []float64
			RMSE, MAE, R2 *float64
			RMSEEach      []*float64 `json:"rmse_each"`
			MAEEach       []*float64 `json:"mae_each"`
			R2Each        []*float64 `json:"r2_each"`
			More          map[string]*float64
		}
	}
	raw, err := os.ReadFile("testdata/oracle.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, &file); err != nil {
		t.Fatal(err)
	}
	for what, n := range map[string]int{
		"binary": len(file.Binary), "multiclass": len(file.Multiclass),
		"multilabel": len(file.Multilabel), "regression": len(file.Regression),
	} {
		if n == 0 {
			t.Errorf("the oracle has no %s case", what)
		}
	}

	more := func(what string, kind Kind, r Report, want map[string]*float64) {
		t.Helper()
		named := 0
		for name, v := range want {
			if _, err := kind.ParseNames([]string{name}); err == nil {
				near(t, what, r.Scores, name, v)
				named++
			}
		}
		if named != len(want) || named == 0 {
			t.Errorf("%s: %d more metrics, of which %d are known, want all", what, len(want), named)
		}
	}
	for _, c := range file.Binary {
		what := "binary, " + c.Name
		r := must(t)(Binary(c.Y, c.P, c.Weights, OfTwo.Names()...))
		more(what, OfTwo, r, c.More)
		near(t, what, r.Scores, "accuracy", c.Accuracy)
		near(t, what, r.Scores, "balanced_accuracy", c.BalancedAccuracy)
		near(t, what, r.Scores, "auc", c.AUC)
		near(t, what, r.Scores, "log_loss", c.LogLoss)
		nearMatrix(t, what, r.Confusion, c.Confusion)
	}
	for _, c := range file.Multiclass {
		what := "multiclass, " + c.Name
		p := flat(c.P)
		r := must(t)(Multiclass(c.Y, p, c.Classes, nil, OfClasses.Names()...))
		more(what, OfClasses, r, c.More)
		macro := mean(c.Each)
		if c.Macro != nil {
			macro = c.Macro
		}
		near(t, what, r.Scores, "accuracy", c.Accuracy)
		near(t, what, r.Scores, "balanced_accuracy", c.BalancedAccuracy)
		near(t, what, r.Scores, "auc", macro)
		near(t, what, r.Scores, "log_loss", c.LogLoss)
		nearMatrix(t, what, r.Confusion, c.Confusion)
		for k, want := range c.Each {
			var each Scores
			if auc, ok := new(ranking).auc(c.Y, float64(k), p, c.Classes, k, nil); ok {
				each.Set("auc", auc)
			}
			near(t, what+", one class", each, "auc", want)
		}
	}
	for _, c := range file.Multilabel {
		what := "multilabel, " + c.Name
		r := must(t)(Multilabel(flat(c.Y), flat(c.P), len(c.Y[0]), nil, OfLabels.Names()...))
		more(what, OfLabels, r, c.More)
		macro := mean(c.Each)
		if c.Macro != nil {
			macro = c.Macro
		}
		near(t, what, r.Scores, "accuracy", c.Subset)
		near(t, what, r.Scores, "label_accuracy", c.Label)
		near(t, what, r.Scores, "auc", macro)
		for j, want := range c.Each {
			near(t, what+", one label", r.Outputs[j].Scores, "auc", want)
		}
	}
	for _, c := range file.Regression {
		what := "regression, " + c.Name
		outputs := len(c.Y[0])
		r := must(t)(Regression(flat(c.Y), flat(c.P), outputs, c.Weights, append(OfNumbers.Names(), "pinball:0.9", "tweedie_deviance:1.2")...))
		more(what, OfNumbers, r, c.More)
		near(t, what, r.Scores, "rmse", c.RMSE)
		near(t, what, r.Scores, "mae", c.MAE)
		near(t, what, r.Scores, "r2", c.R2)
		each := r.Outputs
		if outputs == 1 {
			each = []Report{r}
		}
		for j := range each {
			near(t, what+", one output", each[j].Scores, "rmse", c.RMSEEach[j])
			near(t, what+", one output", each[j].Scores, "mae", c.MAEEach[j])
			near(t, what+", one output", each[j].Scores, "r2", c.R2Each[j])
		}
	}
}
