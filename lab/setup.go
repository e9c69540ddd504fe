package lab

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/gradus-ml/gradus/model"
)

// ErrSetup is wrapped by every complaint about what is to be trained.
var ErrSetup = errors.New("setup")

// Setup says what is trained on which table. The rows are not part of it: a link to a setup
// holds the name of an example, or the fingerprint of a table of one's own.
type Setup struct {
	Example     string        `json:"example,omitempty"`     // one of Examples, or "" for a table of one's own
	Fingerprint string        `json:"fingerprint,omitempty"` // of that table: the beginning of data.Table's
	Options     model.Options `json:"options"`
}

// Link writes the setup so that it can stand in a URL.
func (s Setup) Link() string {
	text, err := json.Marshal(s)
	if err != nil {
		return "" // an option that is not finite, which no form takes
	}
	return base64.RawURLEncoding.EncodeToString(text)
}

// ParseLink reads what Link wrote.
func ParseLink(link string) (Setup, error) {
	var s Setup
	text, err := base64.RawURLEncoding.DecodeString(link)
	if err == nil {
		err = json.Unmarshal(text, &s)
	}
	if err != nil {
		return s, fmt.Errorf("%w: the link is cut short or changed; copy it again, whole", ErrSetup)
	}
	return s, nil
}

// shown refuses options that the form does not have, such as a running average of the weights or
// smoothed labels: the page would show other numbers than are computed. A link may ask for them.
func (s Setup) shown() error {
	values := s.Values()
	plain, err := Setup{}.With(values)
	if err != nil {
		return err
	}
	same, err := s.With(values)
	if err != nil {
		return err
	}
	o := &same.Options
	plain.Options.Types, o.Patience, o.Threads = o.Types, nil, 0
	want, err := json.Marshal(plain.Options)
	if err != nil {
		return err
	}
	got, err := json.Marshal(same.Options)
	if err != nil {
		return err
	}
	if string(want) != string(got) {
		return fmt.Errorf("%w: the link asks for options that the page does not have; gradus train has them", ErrSetup)
	}
	return nil
}

func or[T comparable](v, fallback T) T {
	var zero T
	if v == zero {
		return fallback
	}
	return v
}
