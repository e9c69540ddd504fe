// Package option is the one table of options: what the command line, the page of gradus lab and
// gradus tune know of each field of model.Options. To add an option, add its field to
// model.Options and its entry to the table.
//
//	option   Option, and how to find one: Named, OfField, In, Pick
//	table    All: the entries
//	value    an option as text: Text, Set, and as Go: Code
//	words    an error's text, with an option by its flag or its label: Words, Flag
package option
