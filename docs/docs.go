// Package docs holds the pages that the command line shows.
package docs

import (
	"embed"
	"slices"
	"strings"
)

//go:embed *.md
var pages embed.FS

// Names lists the pages by the names that Page takes: "diagnosis", "bits", ...
func Names() []string {
	files, err := pages.ReadDir(".")
	if err != nil {
		panic("docs: " + err.Error()) // they are in the binary
	}
	var names []string
	for _, f := range files {
		names = append(names, strings.ToLower(strings.TrimSuffix(f.Name(), ".md")))
	}
	slices.Sort(names)
	return names
}

// Page returns a page, as Markdown.
func Page(name string) (text string, ok bool) {
	for _, file := range []string{name, strings.ToUpper(name)} {
		if raw, err := pages.ReadFile(file + ".md"); err == nil {
			return string(raw), true
		}
	}
	return "", false
}
