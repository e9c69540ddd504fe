package data

import "strings"

// SplitNames splits a list of words separated by commas, such as names of columns. A word that contains
// commas or quotes is in double quotes, with each quote in it doubled, as in CSV. Alternatively, a
// backslash comes before each comma or quote.
func SplitNames(text string) (words []string, err error) {
	var word strings.Builder
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '"' && word.Len() == 0:
			closed := false
			for i++; i < len(text); i++ {
				if text[i] == '"' {
					if i+1 == len(text) || text[i+1] != '"' {
						closed = true
						break
					}
					i++
				}
				word.WriteByte(text[i])
			}
			if !closed {
				return nil, fail(ErrOption, `%s: a " is not closed`, text)
			}
		case c == '\\' && i+1 < len(text) && strings.IndexByte(`,"\`, text[i+1]) >= 0:
			i++
			word.WriteByte(text[i])
		case c == ',':
			words = append(words, word.String())
			word.Reset()
		default:
			word.WriteByte(c)
		}
	}
	return append(words, word.String()), nil
}

// JoinNames joins words into the form that SplitNames takes.
func JoinNames(words []string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		if quoted[i] = w; strings.ContainsAny(w, `,"\`) {
			quoted[i] = `"` + strings.ReplaceAll(w, `"`, `""`) + `"`
		}
	}
	return strings.Join(quoted, ",")
}
