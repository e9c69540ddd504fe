package train

import "strings"

// Remedy is one thing to try if a run fell short of what it could have reached: a value of an option, advice in
// words, or both.
type Remedy struct {
	Option string `json:"option,omitempty"` // the field of model.Options; "" if Advice says everything
	Value  string `json:"value,omitempty"`  // in the form the option's flag takes; a column name without quotes
	Advice string `json:"advice,omitempty"` // goes with the value, such as "if it is right", or says what else to do
}

// String writes the remedy with Go's names: "LearningRate 0.001", "Scale robust if it is right".
func (r Remedy) String() string {
	return r.Text(func(option, value string) string { return option + " " + value })
}

// Text writes the remedy; setting formats the option and its value.
func (r Remedy) Text(setting func(option, value string) string) string {
	if r.Option == "" {
		return r.Advice
	}
	return strings.TrimSpace(setting(r.Option, r.Value) + " " + r.Advice)
}
