// Package option is the single table of options. It holds what the command line, the page of
// gradus lab and gradus tune know about each field of model.Options. To add an option, add a field
// to model.Options and an entry to the table.
//
//	option   Option, and how to find one: Named, OfField, In, Pick
//	table    All: the entries
//	value    an option as text: Text, Set, and as Go: Code
//	words    an error's text that names an option by its flag or its label: Words, Flag
package option
