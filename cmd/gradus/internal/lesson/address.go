package lesson

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/gradus-ml/gradus/nn"
)

// Address names one parameter: the weight from In to Unit. With In = nn.OfBias, -1, it names the bias
// of Unit, and with nn.OfGamma or nn.OfBeta the gamma or beta of its norm.
type Address struct {
	Layer int `json:"layer"`
	In    int `json:"in"`
	Unit  int `json:"unit"`
}

// String returns the address in the syntax of the command line: L.I.J, or L.b.J for a bias. For a norm
// it is L.gamma.J or L.beta.J.
func (a Address) String() string {
	switch a.In {
	case nn.OfBias:
		return fmt.Sprintf("%d.b.%d", a.Layer, a.Unit)
	case nn.OfGamma:
		return fmt.Sprintf("%d.gamma.%d", a.Layer, a.Unit)
	case nn.OfBeta:
		return fmt.Sprintf("%d.beta.%d", a.Layer, a.Unit)
	}
	return fmt.Sprintf("%d.%d.%d", a.Layer, a.In, a.Unit)
}

// ParseAddress is the inverse of String.
func ParseAddress(text string) (Address, error) {
	bad := fmt.Errorf("%q is not a weight; give LAYER.INPUT.UNIT such as 0.2.1, or LAYER.b.UNIT for a bias, LAYER.gamma.UNIT and LAYER.beta.UNIT of a norm, counted from 0", text)
	layer, rest, _ := strings.Cut(strings.TrimSpace(text), ".")
	in, unit, _ := strings.Cut(rest, ".")
	var a Address
	switch in {
	case "b":
		a.In = nn.OfBias
	case "gamma":
		a.In = nn.OfGamma
	case "beta":
		a.In = nn.OfBeta
	default:
		var err error
		if a.In, err = strconv.Atoi(in); err != nil || a.In < 0 {
			return Address{}, bad
		}
	}
	for _, n := range []struct {
		text string
		to   *int
	}{{layer, &a.Layer}, {unit, &a.Unit}} {
		var err error
		if *n.to, err = strconv.Atoi(n.text); err != nil || *n.to < 0 {
			return Address{}, bad
		}
	}
	return a, nil
}
