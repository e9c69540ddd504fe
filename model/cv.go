package model

// fold is which of the schema's rows, by their places in it, a fold trains on and is tested
// on.
type fold struct{ train, test []int }
