package cli

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
	"github.com/gradus-ml/gradus/cmd/gradus/internal/bench"
	"github.com/gradus-ml/gradus/cmd/gradus/internal/option"
	"github.com/gradus-ml/gradus/train"
)

// completionCmd is "gradus completion SHELL".
type completionCmd struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"bash, zsh or fish."`
}

func (c *completionCmd) Run(e *env) error {
	write := func(format string, args ...any) { fmt.Fprintf(printable{e.Out}, format, args...) } // not wrapped
	var names []string
	flags := map[string][]string{}
	values := map[string][]string{} // by flag; flags with the same name take the same words
	for _, cmd := range e.parser.Model.Children {
		names = append(names, cmd.Name)
		for _, f := range shown(cmd.Flags) {
			flags[cmd.Name] = append(flags[cmd.Name], "--"+f.Name)
			if words := flagWords(f); len(words) > 0 {
				values["--"+f.Name] = words
			}
			if f.Tag.Negatable != "" {
				flags[cmd.Name] = append(flags[cmd.Name], "--no-"+f.Name)
			}
		}
	}
	switch c.Shell {
	case "bash", "zsh":
		if c.Shell == "zsh" {
			write("# For zsh: source <(gradus completion zsh)\nautoload -Uz bashcompinit && bashcompinit\n")
		} else {
			write("# For bash: source <(gradus completion bash)\n")
		}
		write("_gradus() {\n  local word=${COMP_WORDS[COMP_CWORD]}\n")
		write("  if [ \"$COMP_CWORD\" -eq 1 ]; then\n    COMPREPLY=($(compgen -W %q -- \"$word\"))\n    return\n  fi\n", strings.Join(names, " "))
		write("  local flag=${COMP_WORDS[COMP_CWORD-1]}\n")
		write("  if [ \"$word\" = = ]; then word=; elif [ \"$flag\" = = ]; then flag=${COMP_WORDS[COMP_CWORD-2]}; fi\n")
		write("  case $flag in\n")
		for _, f := range slices.Sorted(maps.Keys(values)) {
			write("  %s) COMPREPLY=($(compgen -W %q -- \"$word\")); return ;;\n", f, strings.Join(values[f], " "))
		}
		write("  esac\n")
		write("  case $word in\n  -*)\n    case ${COMP_WORDS[1]} in\n")
		for _, n := range names {
			write("    %s) COMPREPLY=($(compgen -W %q -- \"$word\")) ;;\n", n, strings.Join(flags[n], " "))
		}
		write("    esac ;;\n  *)\n    local IFS=$'\\n'\n    COMPREPLY=($(compgen -f -- \"$word\")) ;;\n  esac\n}\ncomplete -o filenames -F _gradus gradus\n")
	case "fish":
		write("# For fish: gradus completion fish | source\n")
		for _, cmd := range e.parser.Model.Children {
			write("complete -c gradus -n __fish_use_subcommand -f -a %s -d %s\n", cmd.Name, fishQuote(cmd.Help))
			for _, f := range shown(cmd.Flags) {
				write("complete -c gradus -n '__fish_seen_subcommand_from %s' -l %s -d %s%s\n", cmd.Name, f.Name, fishQuote(f.Help), fishArgument(f))
				if f.Tag.Negatable != "" {
					write("complete -c gradus -n '__fish_seen_subcommand_from %s' -l no-%s -d %s\n", cmd.Name, f.Name, fishQuote("Not: "+f.Help))
				}
			}
		}
	}
	return nil
}

// shown returns the flags that help shows.
func shown(flags []*kong.Flag) []*kong.Flag {
	return slices.DeleteFunc(slices.Clone(flags), func(f *kong.Flag) bool { return f.Hidden })
}

func fishQuote(s string) string { return "'" + strings.ReplaceAll(s, "'", `\'`) + "'" }

func fishArgument(f *kong.Flag) string {
	if f.IsBool() {
		return ""
	}
	if words := flagWords(f); len(words) > 0 {
		return " -x -a " + fishQuote(strings.Join(words, " "))
	}
	return " -r"
}

// flagWords returns the words that a flag takes, or nil if it takes other values.
func flagWords(f *kong.Flag) []string {
	switch f.Name {
	case "methods":
		return train.Methods()
	case "workload":
		return bench.Names()
	}
	if p := option.Named(f.Name); p != nil && (p.Choices != nil || p.Words != nil) {
		return slices.Concat(p.Choices, p.Words)
	}
	if f.Enum != "" {
		return strings.Split(f.Enum, ",")
	}
	return nil
}
