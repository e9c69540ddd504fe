package data

import "testing"

// The median of two short decimals is a short decimal. Missing cells do not count.
func TestMedian(t *testing.T) {
	s, err := Infer(readText(t, "x,y\n0.04,1\n0.74,2\n,3\n"), SchemaOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if d := s.Describe(2)[0]; d.Median != "0.39" || d.Missing != 1 || d.Min != "0.04" {
		t.Errorf("got %+v, want the median 0.39, one missing cell and the minimum 0.04", d)
	}
}
