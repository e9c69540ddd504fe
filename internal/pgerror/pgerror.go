// Package pgerror says in one line what went wrong with a PostgreSQL server.
package pgerror

import (
	"slices"
	"strings"
)

// Reason returns the error in one line, without repetitions and without the password.
func Reason(err error, password string) string {
	text := err.Error()
	if rest, ok := strings.CutPrefix(text, "failed to connect to `"); ok { // this repeats the user and the database
		if _, why, ok := strings.Cut(rest, "`:"); ok {
			text = why
		}
	}
	var said []string
	for line := range strings.Lines(text) {
		line = strings.Join(strings.Fields(line), " ")
		if line != "" && !slices.ContainsFunc(said, func(s string) bool { return strings.Contains(s, line) }) {
			said = append(said, line)
		}
	}
	text = strings.Join(said, "; ")
	if password != "" {
		text = strings.ReplaceAll(text, password, "xxxxx")
	}
	return text
}

// Hint says what to do about a failed connection.
func Hint(err error) string {
	if strings.Contains(err.Error(), "password") || strings.Contains(err.Error(), "SQLSTATE 28") {
		return "give the password in PGPASSWORD or ~/.pgpass"
	}
	return "check the address, and that the database is up"
}
