package cli

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/gradus-ml/gradus/data"
)

// paths are a call's DATA: a file, several files, a folder of files, or the address of a database.
type paths []string

// isStdin reports whether the data come from standard input.
func (p paths) isStdin() bool { return slices.Contains(p, data.Stdin) }

// shown returns the paths as a shell reads them, without passwords.
func (p paths) shown() string { return shellWords(withoutPasswords(p)) }

// withoutPasswords returns the words of a call as they may be shown or kept.
func withoutPasswords(words []string) []string {
	shown := make([]string, len(words))
	for i, w := range words {
		flag, value, joined := strings.Cut(w, "=")
		if joined && strings.HasPrefix(flag, "--") {
			shown[i] = flag + "=" + data.WithoutPassword(value)
		} else {
			shown[i] = data.WithoutPassword(w)
		}
	}
	return shown
}

// without returns a call without some flags and their values.
func without(args []string, flags ...string) []string {
	own, skip := []string{}, false
	for _, word := range args {
		flag, _, joined := strings.Cut(word, "=")
		if is := slices.Contains(flags, flag); is || skip {
			skip = is && !joined
			continue
		}
		own = append(own, word)
	}
	return own
}

// keptPaths are paths as a file stores them.
type keptPaths []string

// MarshalJSON writes one path as a string and several as a list. It leaves out passwords.
func (p keptPaths) MarshalJSON() ([]byte, error) {
	if len(p) == 1 {
		return json.Marshal(data.WithoutPassword(p[0]))
	}
	return json.Marshal(withoutPasswords(p))
}

// UnmarshalJSON reads a string or a list.
func (p *keptPaths) UnmarshalJSON(text []byte) error {
	var one string
	if json.Unmarshal(text, &one) == nil {
		*p = keptPaths{one}
		return nil
	}
	return json.Unmarshal(text, (*[]string)(p))
}
