// Package jsonfloat is encoding/json for structs with numbers that may not be finite. JSON cannot
// represent these, so they are written as null.
package jsonfloat
