package model

import (
	"errors"
	"fmt"

	"github.com/gradus-ml/gradus/data"
)

// ErrOptions is wrapped by every error about Options, and about the options of a model's methods.
var ErrOptions = errors.New("options")

// OptionError says what is wrong with one option. It wraps ErrOptions.
type OptionError struct {
	Option string `json:"option"` // the field in Options, or in the options of the method that was called
	Value  string `json:"value"`  // the value, if it is invalid by itself; otherwise ""
	Reason string `json:"reason"` // what is wrong, or what to use instead

	cause error
}

// Error names the field as it is called in Go.
func (e *OptionError) Error() string {
	if e.Value == "" {
		return fmt.Sprintf("%v: %s: %s", ErrOptions, e.Option, e.Reason)
	}
	return fmt.Sprintf("%v: %s %s: %s", ErrOptions, e.Option, e.Value, e.Reason)
}

// Unwrap returns ErrOptions, and what the reason wraps.
func (e *OptionError) Unwrap() []error { return []error{ErrOptions, e.cause} }

// refuse returns an error about an option. value is nil if it is not invalid by itself.
func refuse(option string, value any, format string, args ...any) error {
	e := &OptionError{Option: option, cause: fmt.Errorf(format, args...)}
	e.Reason = e.cause.Error()
	if text, is := value.(string); is && text == "" {
		e.Value = `""`
	} else if value != nil {
		e.Value = fmt.Sprint(value)
	}
	return e
}

// asOption marks an error of package data about an option as one of Options.
func asOption(err error) error {
	if errors.Is(err, data.ErrOption) {
		return fmt.Errorf("%w: %w", ErrOptions, err)
	}
	return err
}

// atMostOne returns the options of a call that may leave them out. They are variadic only for that, so a second value is
// an error.
func atMostOne[O any](with []O) (o O, err error) {
	if len(with) > 1 {
		return o, fmt.Errorf("%w: the call has %d values of %T, and it takes one: put all fields into one value", ErrOptions, len(with), o)
	}
	if len(with) == 1 {
		o = with[0]
	}
	return o, nil
}
