package pgerror

import (
	"errors"
	"testing"
)

// A reason says each thing once, in one line and without the password.
func TestReason(t *testing.T) {
	for _, c := range []struct{ err, want string }{
		{"failed to connect to `user=a database=b`:\n\thost (1.2.3.4): refused\n\thost (5.6.7.8): refused", "host (1.2.3.4): refused; host (5.6.7.8): refused"},
		{"failed to connect to `user=a database=b`: resolving: no such host\nno such host", "resolving: no such host"},
		{"password authentication failed for secret", "password authentication failed for xxxxx"},
	} {
		if got := Reason(errors.New(c.err), "secret"); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}
