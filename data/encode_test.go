package data

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// fit infers a schema and fits an encoding on all rows.
func fit(t testing.TB, table *Table, opt SchemaOptions, scale Scaling) (*Encoding, *Schema) {
	t.Helper()
	s, err := Infer(table, opt)
	if err != nil {
		t.Fatal(err)
	}
	e, err := s.Fit(table, nil, scale, true)
	if err != nil {
		t.Fatal(err)
	}
	return e, s
}

// inputs returns the encoded inputs of all rows.
func inputs(t testing.TB, e *Encoding, table *Table) ([]float64, Counts) {
	t.Helper()
	b, err := e.Bind(table)
	if err != nil {
		t.Fatal(err)
	}
	x := make([]float64, table.Rows()*e.Width())
	counts, err := Inputs(b, nil, x)
	if err != nil {
		t.Fatal(err)
	}
	return x, counts
}

// matrixColumn returns one column of a row-major matrix.
func matrixColumn(x []float64, width, col int) []float64 {
	var out []float64
	for i := col; i < len(x); i += width {
		out = append(out, x[i])
	}
	return out
}

var near = cmpopts.EquateApprox(0, 1e-15)

func TestScaling(t *testing.T) {
	// Sorted: 1 2 3 4 10. Mean 4, variance (9+4+1+0+36)/5 = 10. Median 3, quartiles 2 and 4.
	table := readText(t, "x,y\n4,0.5\n1,0\n10,0\n2,0\n3,0\n")
	soft := func(z float64) float64 { return z / math.Sqrt(1+z*z/9) }
	r3 := math.Sqrt(3)
	for _, test := range []struct {
		scale Scaling
		want  []float64
	}{
		{ScaleStandard, []float64{0, -3 / math.Sqrt(10), 6 / math.Sqrt(10), -2 / math.Sqrt(10), -1 / math.Sqrt(10)}},
		{ScaleMinMax, []float64{3. / 9, 0, 1, 1. / 9, 2. / 9}},
		{ScaleRobust, []float64{0.5, -1, 3.5, -0.5, 0}},
		{ScaleNone, []float64{4, 1, 10, 2, 3}},
		// The ranks of 5 values are 0.1 (half of the least value is below it), 0.3, 0.5, 0.7 and 0.9.
		{ScaleAuto, []float64{soft(0.5), 0.4 * r3, soft(-1), -0.8 * r3, soft(3.5), 0.8 * r3, soft(-0.5), -0.4 * r3, 0, 0}},
	} {
		e, _ := fit(t, table, SchemaOptions{}, test.scale)
		x, _ := inputs(t, e, table)
		if diff := cmp.Diff(test.want, x, near); diff != "" {
			t.Errorf("%s: x mismatch (-want +got):\n%s", test.scale, diff)
		}
	}
	// If the interquartile range is 0, the scaled value is 2 (x - median) / (max - min).
	table = readText(t, "x,y\n0,0.5\n0,0\n0,0\n0,0\n8,0\n")
	e, _ := fit(t, table, SchemaOptions{}, ScaleRobust)
	x, _ := inputs(t, e, table)
	if diff := cmp.Diff([]float64{0, 0, 0, 0, 2}, x); diff != "" {
		t.Errorf("x mismatch (-want +got):\n%s", diff)
	}
}

func TestRanks(t *testing.T) {
	// Equal values share a rank. Between points the rank is on a straight line, and beyond them it is 0 or 1.
	at, of := ranks([]float64{1, 2, 2, 2, 5, 5, 9, 9})
	if diff := cmp.Diff([]float64{1, 2, 5, 9}, at); diff != "" {
		t.Errorf("at mismatch (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]float64{0.5 / 8, 2.5 / 8, 5. / 8, 7. / 8}, of); diff != "" {
		t.Errorf("of mismatch (-want +got):\n%s", diff)
	}
	r3 := math.Sqrt(3)
	for x, want := range map[float64]float64{0: -r3, 10: r3, 5: (2*5./8 - 1) * r3, 3.5: (2*3.75/8 - 1) * r3} {
		if got := rankIn(at, of, x); math.Abs(got-want) > 1e-15 {
			t.Errorf("rank(%v) = %v, want %v", x, got, want)
		}
	}
	if at, _ := ranks([]float64{1, 1, 2}); at != nil {
		t.Errorf("two distinct values have the ranks %v, want none", at)
	}
	// If there are many values, few points are kept, and no rank is far off. A third of the values are ties.
	var many []float64
	for i := range 3000 {
		many = append(many, math.Floor(math.Max(1000, float64(i)))*math.Max(1, float64(i-2990)))
	}
	at, of = ranks(many)
	if len(at) > mostRanks || at[0] != 1000 || at[len(at)-1] != many[2999] {
		t.Errorf("got %d points from %v to %v, want at most mostRanks, from the least value to the greatest", len(at), at[0], at[len(at)-1])
	}
	for i, x := range many {
		share := (rankIn(at, of, x)/r3 + 1) / 2
		if i > 1000 && math.Abs(share-float64(i)/3000) > 0.01 {
			t.Errorf("the rank of value %d of 3000 is %v, want its share within 0.01", i, share)
		}
	}
}

func TestFitOnTrainingRowsOnly(t *testing.T) {
	table := readText(t, "x,c,y\n1,a,0.5\n3,a,0\n1000,b,0\n,b,1000\n")
	s, err := Infer(table, SchemaOptions{})
	if err != nil {
		t.Fatal(err)
	}
	e, err := s.Fit(table, []int{0, 1}, ScaleMinMax, true)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"x", "c=a"}, e.InputNames()); diff != "" {
		t.Errorf("e.InputNames() mismatch (-want +got):\n%s", diff)
	}
	x, counts := inputs(t, e, table)
	if diff := cmp.Diff([]float64{0, 1, 1, 1, 499.5, 0, 0.5, 0}, x); diff != "" {
		t.Errorf("x mismatch (-want +got):\n%s", diff)
	}
	want := Counts{{Column: "x", Imputed: 1, Beyond: 1, Low: "1", High: "3"}, {Column: "c", Unseen: 2, Example: "b"}}
	if diff := cmp.Diff(want, counts); diff != "" {
		t.Errorf("counts mismatch (-want +got):\n%s", diff)
	}
	if y := e.Targets[0]; y.Center != 0 || y.Scale != 0.5 {
		t.Errorf("got the target %+v, want the center 0 and the scale 0.5", y)
	}
	// A column that is constant in the training rows is 0 for every value.
	if e, err = s.Fit(table, []int{1}, ScaleAuto, true); err != nil {
		t.Fatal(err)
	}
	x, _ = inputs(t, e, table)
	if diff := cmp.Diff([]float64{0, 0, 0, 0}, matrixColumn(x, e.Width(), 0)); diff != "" {
		t.Errorf("matrixColumn(x, e.Width(), 0) mismatch (-want +got):\n%s", diff)
	}
}

func TestMissingNumbers(t *testing.T) {
	table := readText(t, "x,y\n1,0.5\n?,0\n3,0\nNA,0\n5,0\n")
	e, _ := fit(t, table, SchemaOptions{}, ScaleNone)
	if diff := cmp.Diff([]string{"x", "x (missing)"}, e.InputNames()); diff != "" {
		t.Errorf("e.InputNames() mismatch (-want +got):\n%s", diff)
	}
	x, counts := inputs(t, e, table)
	if diff := cmp.Diff([]float64{1, 0, 3, 1, 3, 0, 3, 1, 5, 0}, x); diff != "" {
		t.Errorf("x mismatch (-want +got):\n%s", diff)
	}
	if counts.Imputed() != 2 || counts.Unseen() != 0 {
		t.Errorf("got the counts %v, want 2 imputed cells and no unseen level", counts)
	}
}

func TestCategories(t *testing.T) {
	var b strings.Builder
	b.WriteString("c,y\n")
	for r := range 40 {
		level := [...]string{"red", " green ", "", "red"}[r%4]
		if r == 7 || r == 11 {
			level = "odd"
		}
		fmt.Fprintf(&b, "%s,%d.5\n", level, r)
	}
	e, _ := fit(t, readText(t, b.String()), SchemaOptions{}, ScaleAuto)
	if diff := cmp.Diff([]string{"c=green", "c=red", "c=(rare)", "c=(missing)"}, e.InputNames()); diff != "" {
		t.Fatalf("e.InputNames() mismatch (-want +got):\n%s", diff)
	}
	x, counts := inputs(t, e, readText(t, "c\nred\ngreen\nodd\nnew\n?\n"))
	want := []float64{0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 1}
	if diff := cmp.Diff(want, x); diff != "" {
		t.Errorf("x mismatch (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(Counts{{Column: "c", Imputed: 1, Unseen: 1, Example: "new"}}, counts); diff != "" {
		t.Errorf("counts mismatch (-want +got):\n%s", diff)
	}
}

func TestManyLevels(t *testing.T) {
	var b strings.Builder
	b.WriteString("c,y\n")
	for r := range 3 * 300 {
		fmt.Fprintf(&b, "l%03d,%d.5\n", r%300, r)
	}
	e, _ := fit(t, readText(t, b.String()), SchemaOptions{}, ScaleAuto)
	if in := e.Inputs[0]; len(in.Levels) != 256 || in.Levels[255] != "l255" || len(in.RareOf) != 44 || e.Width() != 257 {
		t.Errorf("got %d levels up to %s, %d rare, width %d, want 256 levels up to l255, 44 rare, width 257", len(in.Levels), in.Levels[255], len(in.RareOf), e.Width())
	}
}

func TestBooleansAndDates(t *testing.T) {
	table := readText(t, "b,d,y\nYes,1970-01-01,0.5\nno,1970-04-01 06:00,0\n?,1970-07-02,0\n")
	e, s := fit(t, table, SchemaOptions{}, ScaleNone)
	if s.Columns[0].Kind != KindBoolean || s.Columns[1].Kind != KindDate {
		t.Fatalf("got the columns %+v, want a boolean and a date", s.Columns)
	}
	want := []string{"b", "d", "d month cos", "d month sin", "d weekday cos", "d weekday sin", "d hour cos", "d hour sin"}
	if diff := cmp.Diff(want, e.InputNames()); diff != "" {
		t.Fatalf("e.InputNames() mismatch (-want +got):\n%s", diff)
	}
	x, _ := inputs(t, e, table)
	week := func(day float64) (float64, float64) {
		return math.Cos(2 * math.Pi * day / 7), math.Sin(2 * math.Pi * day / 7)
	}
	c3, s3 := week(3) // April 1, 1970, was a Wednesday
	c4, s4 := week(4) // January 1 and July 2, 1970, were Thursdays
	wantX := []float64{
		1, 0, 1, 0, c4, s4, 1, 0,
		-1, 90.25, 0, 1, c3, s3, 0, 1,
		0, 182, -1, 0, c4, s4, 1, 0,
	}
	if diff := cmp.Diff(wantX, x, near); diff != "" {
		t.Errorf("x mismatch (-want +got):\n%s", diff)
	}
	// Typed values are encoded like their text.
	row := make([]float64, e.Width())
	when := time.Date(1970, 4, 1, 8, 0, 0, 0, time.FixedZone("", 2*3600))
	if err := EncodeRow(e, []Value{Bool(false), Time(when)}, row); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(x[8:16], row); diff != "" {
		t.Errorf("row mismatch (-want +got):\n%s", diff)
	}
}

const mixed = `age,sex,smokes,since,y
31,male,yes,2001-02-03,low
?,female,no,2005-06-07,mid
45.5,female,,,high
12,male,yes,2010-11-12 13:14,low
`

func TestJSON(t *testing.T) {
	table := readText(t, mixed)
	e, _ := fit(t, table, SchemaOptions{}, ScaleAuto)
	b, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	var again Encoding
	if err := json.Unmarshal(b, &again); err != nil {
		t.Fatal(err)
	}
	x, _ := inputs(t, e, table)
	x2, _ := inputs(t, &again, table)
	if !slices.Equal(x, x2) {
		t.Error("the decoded encoding encodes differently")
	}
	b2, err := json.Marshal(&again)
	if err != nil || string(b) != string(b2) {
		t.Errorf("the JSON has changed, from\n%s\nto\n%s", b, b2)
	}
	if again.Outputs() != 3 || again.Width() != e.Width() {
		t.Errorf("got %d outputs and the width %d, want 3 outputs and the width before decoding", again.Outputs(), again.Width())
	}
}

func TestReorderedColumns(t *testing.T) {
	e, _ := fit(t, readText(t, mixed), SchemaOptions{}, ScaleAuto)
	x, _ := inputs(t, e, readText(t, mixed))
	other := readText(t, `more;y;since;smokes;sex;age
a;low;2001-02-03;yes;male;31
b;mid;2005-06-07;no;female;?
c;high;;;female;45.5
d;low;2010-11-12 13:14;yes;male;12
`)
	x2, _ := inputs(t, e, other)
	if !slices.Equal(x, x2) {
		t.Error("reordered columns are encoded differently")
	}
	bound, err := e.Bind(other)
	if err != nil {
		t.Fatal(err)
	}
	y := make([]float32, 4*3)
	if err := Targets(bound, nil, y); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]float32{0, 1, 0, 0, 0, 1, 1, 0, 0, 0, 1, 0}, y); diff != "" {
		t.Errorf("y mismatch (-want +got):\n%s", diff)
	}
}

func TestBindRefuses(t *testing.T) {
	e, _ := fit(t, readText(t, mixed), SchemaOptions{}, ScaleAuto)
	for _, test := range []struct {
		text string
		kind error
		want string
	}{
		{"Age,sex,smokes,since\n1,a,t,\n", ErrColumn, `standard input: there is no column "age" which the model needs: did you mean "Age"?`},
		{"sex,x\na,b\n", ErrColumn, `standard input: 3 columns that the model needs are missing: "age", "smokes", "since": the table has "sex", "x"`},
		{"age,sex,smokes,since\n1,a,t,\nold,a,t,\n", ErrType, `standard input:3: column "age": the cell "old" is not a number, as this column had in training`},
		{"age,sex,smokes,since\ninf,a,t,\n", ErrNumber, `standard input:2: column "age": the cell "inf" is not a finite decimal number`},
		{"age,sex,smokes,since\n1,a,maybe,\n", ErrType, `standard input:2: column "smokes": the cell "maybe" is not a boolean`},
		{"age,sex,smokes,since\n1,a,t,soon\n", ErrType, `standard input:2: column "since": the cell "soon" is not a date`},
		{"age,sex,smokes,since\n1,a,t,\n", ErrTarget, `standard input: there is no column "y" which is the target: the columns are "age", "sex", "smokes", "since"`},
		{"age,sex,smokes,since,y\n1,a,t,,lo\n", ErrClass, `standard input:2: column "y": the cell "lo" is a class that was not in the training rows: they had "high", "low", "mid"`},
		{"age,sex,smokes,since,y\n1,a,t,,\n", ErrTarget, `standard input:2: column "y": the cell is missing: it takes one of the classes "high", "low", "mid"`},
	} {
		table := readText(t, test.text)
		b, err := e.Bind(table)
		if err == nil {
			_, err = Inputs(b, nil, make([]float32, table.Rows()*e.Width()))
		}
		if err == nil {
			err = Targets(b, nil, make([]float32, table.Rows()*e.Outputs()))
		}
		refuses(t, err, test.kind, test.want)
	}
	// float32 cannot hold what float64 can.
	e, _ = fit(t, readText(t, "x,y\n1,0.5\n2,0\n"), SchemaOptions{}, ScaleNone)
	b, err := e.Bind(readText(t, "x,y\n1e300,no\n"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Inputs(b, nil, make([]float64, 1)); err != nil {
		t.Error(err)
	}
	_, err = Inputs(b, nil, make([]float32, 1))
	refuses(t, err, ErrNumber, `standard input:2: column "x": the cell "1e300" is not a finite decimal number, or too large for the precision`)
	refuses(t, Targets(b, nil, make([]float32, 1)), ErrType, `standard input:2: column "y": the cell "no" is not a number`)
}

func TestValidate(t *testing.T) {
	e, _ := fit(t, readText(t, mixed), SchemaOptions{}, ScaleAuto)
	good, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ old, new, want string }{
		{`"name":"age"`, `"name":""`, `the encoding's input 0 has the name ""`},
		{`"name":"age"`, `"name":"sex"`, `the encoding's input 1 has the name "sex"`},
		{`"kind":"number"`, `"kind":"size"`, `the encoding of column "age" has the unknown kind "size"`},
		{`"scale":`, `"scale":-`, `the encoding of column "age" has a median, center or scale`},
		{`"levels":["female","male"]`, `"levels":["male","male"]`, `the encoding of column "sex" has the level "male" twice`},
		{`"levels":["female","male"]`, `"levels":["","male"]`, `the encoding of column "sex" has the level "", which no cell can have`},
		{`"levels":["female","male"]`, `"levels":[]`, `the encoding of column "sex" is a category without levels`},
		{`"task":"multiclass"`, `"task":"binary"`, `the encoding of target "y" has 3 classes, which do not fit the task binary`},
		{`"task":"multiclass"`, `"task":"auto"`, `the encoding of target "y" has the unknown task "auto"`},
		{`"task":"multiclass"`, `"task":"regression"`, `the encoding of target "y" is not a number`},
		{`"name":"y"`, `"name":"age"`, `the encoding's target 0 has the name "age"`},
	} {
		bad := strings.Replace(string(good), test.old, test.new, 1)
		if bad == string(good) {
			t.Fatalf("%s is not in %s", test.old, good)
		}
		refuses(t, json.Unmarshal([]byte(bad), new(Encoding)), ErrEncoding, test.want)
	}
	refuses(t, json.Unmarshal([]byte(`{}`), new(Encoding)), ErrEncoding, "the encoding has 0 inputs and 0 targets")
}

func rankIn(at, of []float64, x float64) float64 {
	in := Input{RankAt: at, RankOf: of, ranks: newRankIndex(at)}
	return in.rank(x)
}

// A value's place among the knots is the one that a binary search finds.
func TestRankIndex(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for range 2000 {
		at := make([]float64, 0, 200)
		for range 2 + r.IntN(190) {
			at = append(at, []float64{r.NormFloat64(), math.Exp(20 * r.NormFloat64()), float64(r.IntN(5)), -math.MaxFloat64 * r.Float64(), 1e-310 * r.Float64()}[r.IntN(1+r.IntN(5))])
		}
		slices.Sort(at)
		if at = slices.Compact(at); len(at) < 2 {
			continue
		}
		of := make([]float64, len(at))
		for i := range of {
			of[i] = float64(i) / float64(len(of))
		}
		index := newRankIndex(at)
		for range 50 {
			x := at[r.IntN(len(at))]
			switch r.IntN(3) {
			case 0:
				x += r.NormFloat64()
			case 1:
				x = math.Nextafter(x, math.Inf(1-2*r.IntN(2)))
			}
			want, _ := slices.BinarySearch(at, x)
			b := index.bucket(x)
			if from, to := int(index.first[b]), int(index.first[b+1]); want < from || want > to {
				t.Fatalf("%v is at %d of %v, and its bucket has the places %d to %d", x, want, at, from, to)
			}
		}
	}
}
