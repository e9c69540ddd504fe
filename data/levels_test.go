package data

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
)

// A column with more levels than separate inputs also has an input with the mean target of each level. In training, a
// row's own target is not part of the mean that the row gets.
func TestMeansOfManyLevels(t *testing.T) {
	const levels, each = 300, 8
	var b strings.Builder
	b.WriteString("c,y\n")
	for r := range levels * each {
		level := r % levels
		fmt.Fprintf(&b, "l%03d,%.3f\n", level, float64(level%10)+float64(r*7919%13-6)/20)
	}
	table := readText(t, b.String())
	e, _ := fit(t, table, SchemaOptions{}, ScaleAuto)
	in := &e.Inputs[0]
	if len(in.Means) != levels || e.Width() != 258 || !strings.HasSuffix(e.InputNames()[257], "c (mean of y)") {
		t.Fatalf("got %d means, width %d, last input %q, want 300 means, width 258 and the mean of y last", len(in.Means), e.Width(), e.InputNames()[e.Width()-1])
	}
	if said := e.Crowded(); len(said) != 1 || !strings.HasSuffix(said[0], "shrunk toward the mean of all rows.") {
		t.Errorf("Crowded says %q, want one sentence about the shrunken means", said)
	}
	x, _ := inputs(t, e, table)
	bound, err := e.Bind(table)
	if err != nil {
		t.Fatal(err)
	}
	training := slices.Clone(x)
	if err := OutOfFold(bound, seq(table.Rows()), training); err != nil {
		t.Fatal(err)
	}
	y := make([]float64, table.Rows())
	if err := Targets(bound, nil, y); err != nil {
		t.Fatal(err)
	}
	// If the targets are pure noise, the means used in prediction correlate with them and those used in training do not.
	level, noise := make([]float64, levels), make([]float64, len(y))
	for r, v := range y {
		level[r%levels] += v / each
	}
	for r, v := range y {
		noise[r] = v - level[r%levels]
	}
	own, without := 0.0, 0.0
	for r := range y {
		own += math.Abs(x[r*258+257] - training[r*258+257])
		without += noise[r] * training[r*258+257]
	}
	if own == 0 || without > 0 {
		t.Errorf("out of fold the means differ by %v in all, want more than 0; their product with the noise is %v, want at most 0", own, without)
	}
	for r := range y { // the other inputs do not change
		if !slices.Equal(x[r*258:r*258+257], training[r*258:r*258+257]) {
			t.Fatalf("row %d: inputs other than the mean changed", r)
		}
	}
	// Unseen levels and missing cells get the mean of all rows.
	dst := make([]float64, 258)
	for _, v := range []Value{Text("never seen"), Missing()} {
		if err := EncodeRow(e, []Value{v}, dst); err != nil || dst[257] != 0 {
			t.Errorf("%v is encoded with the mean %v, want 0: %v", v, dst[257], err)
		}
	}
	// A row by itself is encoded as in the table, also after the encoding was saved and loaded.
	raw, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	var again Encoding
	if err := json.Unmarshal(raw, &again); err != nil {
		t.Fatal(err)
	}
	for r := range levels {
		if err := EncodeRow(&again, []Value{Text(table.Cell(r, 0))}, dst); err != nil || !slices.Equal(dst, x[r*258:(r+1)*258]) {
			t.Fatalf("row %d is encoded differently by itself: %v", r, err)
		}
	}
}

// The means of the levels a (1, 3) and b (5, 5, 8) are those worked out by hand. The variance within the levels is
// (1+1+1+1+4)/3 = 8/3. With 2·(2-4.4)² + 3·(6-4.4)² = 19.2, the variance between them is (19.2-8/3)/(5-13/5) = 6.8889.
// Their ratio is s = 0.387097, so m(a) = (4+s·4.4)/(2+s) and m(b) = (18+s·4.4)/(3+s).
func TestShrunkenMeans(t *testing.T) {
	s := newLevelStats([]int32{0, 0, 1, 1, 1}, 2, targetMatrix{[]float64{1, 3, 5, 5, 8}, 1})
	if math.Abs(s.shrink[0]-0.3870967741935484) > 1e-12 {
		t.Errorf("got s = %v, want 0.3870967741935484 within 1e-12", s.shrink[0])
	}
	for l, want := range []float64{2.389189189189189, 5.8171428571428574} {
		if m := s.m(s.sum[l], s.n[l], 0); math.Abs(m-want) > 1e-6 {
			t.Errorf("m of level %d = %v, want %v", l, m, want)
		}
	}
	if s := newLevelStats([]int32{0, 1, 0, 1}, 2, targetMatrix{[]float64{1, 1, 2, 2}, 1}); !math.IsInf(s.shrink[0], 1) {
		t.Errorf("levels that do not differ are shrunk by %v, want infinity", s.shrink[0])
	}
}

func seq(n int) []int {
	rows := make([]int, n)
	for i := range rows {
		rows[i] = i
	}
	return rows
}
