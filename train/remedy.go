package train

import "strings"

// Remedy is one thing to try where a run did not come to what it could have: a value of an option, advice in words, or both.
type Remedy struct {
	Option string `json:"option,omitempty"` // the field of model.Options; "" where Advice says it all
	Value  string `json:"value,omitempty"`  // as the option's flag takes it, a name of a column without quotes
	Advice string `json:"advice,omitempty"` // what goes with the value, such as "if it is right", or what else to do
}

// String writes the remedy in Go's names: "LearningRate 0.001", "Scale robust if it is right".
func (r Remedy) String() string {
	return r.Text(func(option, value string) string { return option + " " + value })
}

// Text writes the remedy with the option and its value as setting writes them.
func (r Remedy) Text(setting func(option, value string) string) string {
	if r.Option == "" {
		return r.Advice
	}
	return strings.TrimSpace(setting(r.Option, r.Value) + " " + r.Advice)
}
