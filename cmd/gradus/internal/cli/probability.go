package cli

import (
	"fmt"
	"strconv"

	"github.com/alecthomas/kong"
)

// A probability is the value of a flag. 0 is only that of a flag that was not given.
type probability float64

// Decode is called by kong for the flag.
func (p *probability) Decode(ctx *kong.DecodeContext) error {
	var text string
	if err := ctx.Scan.PopValueInto("a", &text); err != nil {
		return err
	}
	x, err := strconv.ParseFloat(text, 64)
	if err != nil || !(x > 0 && x < 1) {
		return fmt.Errorf("%q is not a probability: give a number between 0 and 1, such as 0.9", text)
	}
	*p = probability(x)
	return nil
}
