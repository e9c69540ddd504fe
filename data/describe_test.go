package data

import "testing"

// The median of two short decimals is one, and cells that are missing have no part in it.
func TestMedian(t *testing.T) {
	s, err := Infer(readText(t, "x,y\n6.01,1\n5.31,2\n,3\n"), SchemaOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if d := s.Describe(2)[0]; d.Median != "5.66" || d.Missing != 1 || d.Min != "5.31" {
		t.Errorf("%+v", d)
	}
}
