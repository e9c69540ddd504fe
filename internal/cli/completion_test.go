package cli

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/gradus-ml/gradus/internal/need"
)

func TestCompletion(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish"} {
		r := must(t, 0, "completion", shell)
		for _, w := range []string{"train", "predict", "target-loss", "no-shuffle", "beta1", "gradus completion " + shell} {
			if !strings.Contains(r.out, w) {
				t.Errorf("%s: the script lacks %q", shell, w)
			}
		}
	}
}

// TestBashCompletes asks bash what it would complete.
func TestBashCompletes(t *testing.T) {
	bash := need.Tool(t, "bash")
	place(t, map[string]string{"gradus.bash": must(t, 0, "completion", "bash").out, "my data.csv": ""})
	if out, err := exec.Command(bash, "-n", "gradus.bash").CombinedOutput(); err != nil {
		t.Fatalf("bash -n: %v\n%s", err, out)
	}
	for line, want := range map[string]string{
		"gradus pre":            "predict\n",
		"gradus train --target": "--target\n--target-loss\n",
		"gradus plot --o":       "--out\n",
		"gradus nope --o":       "\n",
		"gradus train my":       "my data.csv\n",
	} {
		script := `. ./gradus.bash; read -ra COMP_WORDS <<< "$1"; COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _gradus; printf '%s\n' "${COMPREPLY[@]}"`
		out, err := exec.Command(bash, "-c", script, "bash", line).CombinedOutput()
		if err != nil || string(out) != want {
			t.Errorf("%s: %q, want %q (%v)", line, out, want, err)
		}
	}
}
