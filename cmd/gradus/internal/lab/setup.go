package lab

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/gradus-ml/gradus/model"
)

// ErrSetup is wrapped by every error about what is to be trained.
var ErrSetup = errors.New("setup")

// Setup says what is trained on which table. The rows are not part of it: a link to a setup
// holds the name of an example, or the fingerprint of the visitor's own table.
type Setup struct {
	Example     string        `json:"example,omitempty"`     // one of Examples, or "" for the visitor's own table
	Fingerprint string        `json:"fingerprint,omitempty"` // of that table: the beginning of data.Table's fingerprint
	Options     model.Options `json:"options"`
	Member      int           `json:"member,omitempty"` // the number of the network that is shown, of an ensemble
}

// Link writes the setup so that it can be part of a URL.
func (s Setup) Link() string {
	text, err := json.Marshal(s)
	if err != nil {
		return "" // an option is not finite, which no form accepts
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

// shown refuses options that the form does not have. A link may ask for them. The form lacks them for these
// reasons. A running average is a second set of weights, but the page shows the chain rule of the set that the
// updates change. Metrics and patience choose an epoch, but the lab keeps the last. How long a run may take and how
// many shards it uses do not concern its steps. A calibration divides the logits only after a run has ended.
func (s Setup) shown() error {
	if s.Options.Calibrate {
		return fmt.Errorf("%w: the link asks for --calibrate, which divides the logits after a run has ended, and the page shows the run; leave it out, or use gradus train", ErrSetup)
	}
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
	o.Shrink = false // changes the model, not the run
	plain.Options.Types, o.Patience, o.Threads = o.Types, nil, 0
	want, err := optionsByName(plain.Options)
	if err != nil {
		return err
	}
	got, err := optionsByName(same.Options)
	if err != nil {
		return err
	}
	var extra []string
	for _, name := range slices.Sorted(maps.Keys(got)) {
		if string(got[name]) != string(want[name]) {
			extra = append(extra, "--"+strings.ReplaceAll(name, "_", "-"))
		}
	}
	if extra != nil {
		return fmt.Errorf("%w: the link asks for %s, which the page does not have, because it shows every update and keeps the last weights; use gradus train", ErrSetup, strings.Join(extra, ", "))
	}
	return nil
}

// optionsByName returns the JSON of each option under the option's JSON name.
func optionsByName(o model.Options) (map[string]json.RawMessage, error) {
	out := map[string]json.RawMessage{}
	text, err := json.Marshal(o)
	if err != nil {
		return nil, err
	}
	return out, json.Unmarshal(text, &out)
}
