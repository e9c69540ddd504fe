package option

import (
	"cmp"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write docs/flags.md")

// docs/flags.md matches the table of options.
func TestFlagsPage(t *testing.T) {
	const path = "../../../../docs/flags.md"
	want := flagsPage()
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Error("docs/flags.md differs from the table of options: run go test ./cmd/gradus/internal/option -run TestFlagsPage -update")
	}
}

// flagsPage returns docs/flags.md.
func flagsPage() string {
	var b strings.Builder
	b.WriteString(`# The options of a training run

` + "`gradus train`, `cv`, `tune` and `lr`" + ` take these flags. The other commands take those that concern them: ` + "`gradus help COMMAND`" + ` lists them.
A run's config.json and the JSON of a model have the same names, with ` + "`_`" + ` for ` + "`-`" + ` and ` + "`no_bias`" + ` for a flag that is on by default. The last column is the field's label on the page of
` + "`gradus lab`" + `. This page is written from the table in ` + "`cmd/gradus/internal/option/table.go: all`" + `, as the flags and the page are.
`)
	group := ""
	for _, p := range all {
		if p.Group != group {
			group = p.Group
			fmt.Fprintf(&b, "\n## %s\n\n| flag | what it does | in the lab |\n|---|---|---|\n", strings.ToUpper(group[:1])+group[1:])
		}
		name := "--" + p.Name
		switch {
		case p.Off, p.Preset:
			name += "`, `--no-" + p.Name
		case !p.IsBool():
			name += " " + cmp.Or(p.Placeholder, p.Default)
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", cell(name), cell(p.Help), p.Label)
	}
	return b.String()
}

// cell writes a text in a table of Markdown.
func cell(s string) string { return strings.ReplaceAll(s, "|", `\|`) }

// The help of an option names every word that the option accepts, unless there are too many.
func TestHelpNamesTheChoices(t *testing.T) {
	many := map[string]bool{"metric": true, "output-activation": true}
	for _, p := range all {
		if many[p.Name] {
			continue
		}
		for _, c := range p.Choices {
			name, _, _ := strings.Cut(c, ":")
			if !strings.Contains(p.Help+p.Placeholder, name) {
				t.Errorf("the help of --%s does not name %s: %s", p.Name, name, p.Help)
			}
		}
	}
}
