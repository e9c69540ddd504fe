package model_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/internal/rng"
	"github.com/gradus-ml/gradus/model"
)

// A member is a run of one network on its training rows, scored on its fold. An out-of-fold prediction comes from
// members that have not seen the row.
func TestMembersAreHonest(t *testing.T) {
	table := mixed(t)
	for _, members := range []int{2, 5, 11} { // 11 members have 6 folds, drawn twice
		m, f := fitMembers(t, memberOptions(data.Multiclass, members))
		if got := m.Training.Rows; got != (model.Rows{Train: 80}) || f.Members() != members {
			t.Errorf("%d members have the rows %+v", members, got)
		}
		seen := map[uint64]bool{}
		validation := 0
		for k, member := range m.Members() {
			seed := member.Options.Seed
			if want := rng.Uint64(1, rng.Member, uint64(k), 0) >> 32; k == 0 && seed != 1 || k > 0 && seed != want || seen[seed] {
				t.Errorf("member %d has the seed %d", k, seed)
			}
			seen[seed] = true
			r := member.Training.Rows
			if r.Train+r.Validation != 80 || r.Validation == 0 || r.Test != 0 {
				t.Errorf("member %d has the rows %+v", k, r)
			}
			validation += r.Validation
		}
		if members < 9 && validation != 80 {
			t.Errorf("%d rows are in a fold", validation)
		}
		j, err := f.OutOfFold(m)
		if err != nil || j.What != "out-of-fold" || len(j.Rows) != 80 || !slices.IsSorted(j.Rows) {
			t.Fatalf(`got %v %v, want no error and j.What = "out-of-fold" and len(j.Rows) = 80 and slices.IsSorted(j.Rows)`, j, err)
		}
		whole := make([][]float64, members)
		for k, member := range m.Members() {
			if whole[k], _, err = member.Predict(table); err != nil {
				t.Fatal(err)
			}
		}
		if members > 8 {
			continue
		}
		// Each row's prediction comes from the one member that has not seen it.
		used := map[int]int{}
		for i := range j.Rows {
			says, found := j.Says[3*i:][:3], -1
			for k := range whole {
				if slices.Equal(whole[k][3*i:][:3], says) {
					found = k
				}
			}
			used[found]++
		}
		for k, member := range m.Members() {
			if used[k] != member.Training.Rows.Validation {
				t.Errorf("member %d predicts %d rows out of fold, want the %d of its fold", k, used[k], member.Training.Rows.Validation)
			}
		}
		right := 0.0
		for i, y := range j.Truth {
			says := j.Says[3*i:][:3]
			if slices.Index(says, slices.Max(says)) == int(y) {
				right++
			}
		}
		if got, _ := m.Training.Metrics.OutOfFold.Get("accuracy"); got != right/80 {
			t.Errorf("the out-of-fold accuracy is %v, and %v of 80 are right", got, right)
		}
		if best, of := m.Training.Metrics.Best(); best != m.Training.Metrics.OutOfFold || of != "out-of-fold" {
			t.Errorf("the most honest scores are those of %s, want out-of-fold", of)
		}
	}
}

// If the validation rows are given, are the last in time or are few, all members share them.
func TestMembersShareValidationRows(t *testing.T) {
	for name, change := range map[string]func(*model.Options, *model.Tables){
		"a part":  func(o *model.Options, _ *model.Tables) { v := 0.25; o.Validation = &v },
		"none":    func(o *model.Options, _ *model.Tables) { v := 0.0; o.Validation = &v },
		"in time": func(o *model.Options, _ *model.Tables) { o.Split = "time:day" },
		"a table": func(o *model.Options, t *model.Tables) { t.Validation = t.Train },
	} {
		t.Run(name, func(t *testing.T) {
			o, tables := memberOptions(data.Regression, 3), model.Tables{Train: mixed(t)}
			change(&o, &tables)
			f, err := model.Prepare(tables, o, nil)
			if err != nil {
				t.Fatal(err)
			}
			for _, err := range f.Strides(context.Background()) {
				if err != nil {
					t.Fatal(err)
				}
			}
			m, err := f.Model()
			if err != nil {
				t.Fatal(err)
			}
			if m.Training.Metrics.OutOfFold != nil || (m.Training.Metrics.Validation == nil) != (name == "none") {
				t.Errorf("got the scores %+v, want validation scores where there are such rows, and none out of fold", m.Training.Metrics)
			}
			for k, member := range m.Members() {
				if member.Training.Rows != m.Training.Rows {
					t.Errorf("member %d has the rows %+v, want the %+v of the ensemble", k, member.Training.Rows, m.Training.Rows)
				}
			}
			if m.Members()[0].WeightsSHA256() == m.Members()[1].WeightsSHA256() {
				t.Error("two members are the same")
			}
			o.Members = 0
			f, err = model.Prepare(tables, o, nil)
			if err != nil {
				t.Fatal(err)
			}
			for range f.Strides(context.Background()) {
			}
			if one, err := f.Model(); err != nil || one.WeightsSHA256() != m.Members()[0].WeightsSHA256() {
				t.Error("the first member differs from the single network of the same call", err)
			}
		})
	}
}

// Groups stay whole in the folds of the members. If there are more members than groups, folds are drawn again.
func TestMembersOfGroups(t *testing.T) {
	o := memberOptions(data.Regression, 4)
	o.Group = "color" // red, green and blue, and NA in some rows, which is refused
	if _, _, err := model.Train(context.Background(), mixed(t), o); err == nil {
		t.Fatal("a row without a group is accepted")
	}
	o.Group = "kind"
	o.Ignore = slices.DeleteFunc(o.Ignore, func(name string) bool { return name == "kind" })
	m, f := fitMembers(t, o)
	j, err := f.OutOfFold(m)
	if err != nil || len(j.Rows) != 80 {
		t.Fatal(err)
	}
	sizes := map[string]int{}
	table := mixed(t)
	for row := range table.Rows() {
		sizes[table.Cell(row, table.Index("kind"))]++
	}
	for k, member := range m.Members() {
		whole := false
		for _, n := range sizes {
			whole = whole || n == member.Training.Rows.Validation
		}
		if !whole {
			t.Errorf("the fold of member %d has %d rows, want the size of one of the groups %v", k, member.Training.Rows.Validation, sizes)
		}
	}
}

// A cross-validation trains an ensemble in each fold.
func TestCrossValidateMembers(t *testing.T) {
	o := memberOptions(data.Binary, 3)
	cv, err := model.CrossValidate(context.Background(), model.Tables{Train: mixed(t)}, o, 3, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i, m := range cv.Folds {
		if len(m.Members()) != 3 || m.Training.Metrics.Test == nil || m.Training.Metrics.OutOfFold == nil || m.Training.Rows.Train+m.Training.Rows.Test != 80 {
			t.Errorf("fold %d: %d members, rows %+v", i, len(m.Members()), m.Training.Rows)
		}
	}
}

// Options that no ensemble can have are refused in one sentence.
func TestMembersRefused(t *testing.T) {
	m, _ := fitMembers(t, memberOptions(data.Binary, 2))
	file, err := model.LoadWeights(save(t, m))
	if err != nil {
		t.Fatal(err)
	}
	for want, try := range map[string]func() error{
		"Members -2: give a whole number of at least 1": func() error {
			o := memberOptions(data.Binary, -2)
			_, _, err := model.Train(context.Background(), mixed(t), o)
			return err
		},
		"Members: hinge gives decision values": func() error {
			o := memberOptions(data.Binary, 2)
			o.Loss = "hinge"
			_, _, err := model.Train(context.Background(), mixed(t), o)
			return err
		},
		"an ensemble of 2 members begins anew": func() error {
			_, err := model.Prepare(model.Tables{Train: mixed(t)}, memberOptions(data.Binary, 2), file)
			return err
		},
		"are those of several networks": func() error {
			_, err := model.Prepare(model.Tables{Train: mixed(t)}, memberOptions(data.Binary, 0), file)
			return err
		},
	} {
		if err := try(); !errors.Is(err, model.ErrOptions) || !strings.Contains(fmt.Sprint(err), want) {
			t.Errorf("got %v, want an error that says %q", err, want)
		}
	}
}

// A class with a single row is noted once. The note says what becomes of the row: a single model trains on it, but the
// member whose fold it is in does not. One note names all such classes.
func TestNoteOfLonelyClasses(t *testing.T) {
	for _, c := range []struct {
		lonely  int
		options model.Options
		want    string
	}{
		{1, model.Options{}, `The class "lone0" has a single row, which is kept in training.`},
		{1, model.Options{Members: 5}, `The class "lone0" has a single row, which the member whose fold it is in does not train on.`},
		{1, model.Options{Members: 3, Validation: new(0.2)}, `The class "lone0" has a single row, which is kept in training.`},
		{12, model.Options{Members: 5}, `12 classes have a single row each, which the member whose fold it is in does not train on: "lone0", "lone1", "lone10", "lone11", "lone2", "lone3", "lone4", "lone5" and 4 more.`},
		{0, model.Options{Members: 5}, ""},
		{1, model.Options{Members: 5, Group: "g"}, ""},
	} {
		var text strings.Builder
		text.WriteString("a,g,y\n")
		for i := range 200 {
			class := []string{"u", "v"}[i%2]
			if i < c.lonely {
				class = fmt.Sprint("lone", i)
			}
			fmt.Fprintf(&text, "%d.5,%d,%s\n", i*37%101, i%20, class)
		}
		table, err := data.ReadFrom(strings.NewReader(text.String()), "t.csv", data.ReadOptions{})
		if err != nil {
			t.Fatal(err)
		}
		c.options.Epochs, c.options.Hidden, c.options.Seed = 1, []int{2}, 1
		f, err := model.Prepare(model.Tables{Train: table}, c.options, nil)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, n := range f.Notes {
			if s := n.String(); strings.Contains(s, "single row") {
				got = append(got, s)
			}
		}
		if strings.Join(got, "\n") != c.want {
			t.Errorf("%d lonely classes, %d members: noted %q, want %q", c.lonely, c.options.Members, got, c.want)
		}
	}
}
