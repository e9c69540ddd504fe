// Package jsonfloat is encoding/json for structs with numbers that may be not finite: JSON has none
// for them, and null stands in their place.
package jsonfloat
