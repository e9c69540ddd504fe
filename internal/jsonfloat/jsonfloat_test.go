package jsonfloat_test

import (
	"encoding/json"
	"fmt"
	"math"
	"testing"

	"github.com/gradus-ml/gradus/internal/jsonfloat"
)

type sample struct {
	Name   string    `json:"name"`
	X      float64   `json:"x"`
	Y      float64   `json:"y,omitempty"`
	Z      []float64 `json:"z"`
	Count  int
	hidden float64
}

func (s sample) MarshalJSON() ([]byte, error)     { return jsonfloat.Marshal(s) }
func (s *sample) UnmarshalJSON(text []byte) error { return jsonfloat.Unmarshal(text, s) }

func TestNullForWhatIsNotFinite(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(-1)
	for _, c := range []struct {
		value sample
		text  string
		again sample
	}{
		{sample{Name: "<a>", X: 1.5, Y: 0, Z: []float64{1, 0}, Count: 3, hidden: 7}, `{"name":"\u003ca\u003e","x":1.5,"y":0,"z":[1,0],"Count":3}`, sample{Name: "<a>", X: 1.5, Z: []float64{1, 0}, Count: 3}},
		{sample{X: nan, Y: nan, Z: []float64{inf, 2, nan}}, `{"name":"","x":null,"z":[null,2,null],"Count":0}`, sample{X: nan, Y: nan, Z: []float64{nan, 2, nan}}},
		{sample{X: inf, Z: []float64{}}, `{"name":"","x":null,"y":0,"z":[],"Count":0}`, sample{X: nan, Z: []float64{}}},
		{sample{}, `{"name":"","x":0,"y":0,"z":null,"Count":0}`, sample{}},
	} {
		text, err := json.Marshal(c.value)
		if err != nil || string(text) != c.text {
			t.Errorf("%+v is %s, %v", c.value, text, err)
		}
		got := sample{Z: []float64{9}, hidden: 0}
		if err := json.Unmarshal(text, &got); err != nil || fmt.Sprintf("%#v", got) != fmt.Sprintf("%#v", c.again) {
			t.Errorf("%s is read as %#v, %v", text, got, err)
		}
	}
	var s sample
	if err := json.Unmarshal([]byte(`{"x":"no"}`), &s); err == nil {
		t.Error("a text is read as a number")
	}
}
