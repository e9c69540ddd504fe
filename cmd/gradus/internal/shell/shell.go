package shell

import "strings"

// Word quotes a word if a shell would not read it as one word.
func Word(s string) string {
	if s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("_-./,:=+@%", r) || r >= 0x80)
	}) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// Name is Word for one name, or one NAME=VALUE, in a flag's comma-separated list. If it contains
// commas or quotes, it is put in double quotes, as in CSV.
func Name(s string) string {
	if strings.ContainsAny(s, `,"\`) {
		s = `"` + strings.ReplaceAll(s, `"`, `""`) + `"`
	}
	return Word(s)
}
