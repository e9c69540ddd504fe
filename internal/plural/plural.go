// Package plural writes nouns with their numbers.
package plural

import "fmt"

// Of writes "1 row" and "2 rows".
func Of(n int, noun string) string { return fmt.Sprintf("%d %s", n, Noun(n, noun)) }

// Noun writes "row" for 1 and "rows" for any other number.
func Noun(n int, noun string) string {
	if n == 1 {
		return noun
	}
	return noun + "s"
}

// Irregular writes "1 class" and "2 classes".
func Irregular(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
