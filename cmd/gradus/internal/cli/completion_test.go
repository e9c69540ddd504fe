package cli

import (
	"io"
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

		"gradus train --activation le":        "leaky-relu\n",
		"gradus train --output-activation so": "softplus\nsoftmax\n",
		"gradus train --optimizer lb":         "lbfgs\n",
		"gradus train --schedule cos":         "cosine\ncosine-restarts\n",
		"gradus train --header ":              "auto\nyes\nno\n",
		"gradus train --task = multi":         "multiclass\nmultilabel\n", // readline splits --task=multi in this way
		"gradus predict --bad-cells m":        "missing\n",
		"gradus evaluate --metric prec":       "precision\nprecision_macro\n",
		"gradus compare --methods b":          "batch\n",
		"gradus train --from my":              "my data.csv\n",
	} {
		script := `. ./gradus.bash; read -ra COMP_WORDS <<< "$1"; [[ $1 == *" " ]] && COMP_WORDS+=(""); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _gradus; printf '%s\n' "${COMPREPLY[@]}"`
		out, err := exec.Command(bash, "-c", script, "bash", line).CombinedOutput()
		if err != nil || string(out) != want {
			t.Errorf("%s: got %q, want %q (%v)", line, out, want, err)
		}
	}
}

// TestEveryWordIsTaken: train accepts every word that completion offers for its flags.
func TestEveryWordIsTaken(t *testing.T) {
	notShort(t)
	place(t, map[string]string{"t.csv": rows(60, "a,y", number, number)})
	parser := newParser(Std{Out: io.Discard, Err: io.Discard})
	tried := 0
	for _, cmd := range parser.Model.Children {
		if cmd.Name != "train" {
			continue
		}
		for _, f := range shown(cmd.Flags) {
			for _, word := range flagWords(f) {
				tried++
				r := call("train", "t.csv", "--epochs", "1", "--quiet", "-o", "m.safetensors", "--"+f.Name, word)
				for _, unknown := range []string{"not known", "is not one of", "must be one of", "there is no"} {
					if r.code != 0 && strings.Contains(r.err, unknown) && !strings.Contains(r.err, "for this task") {
						t.Errorf("--%s %s: %s", f.Name, word, r.err)
					}
				}
			}
		}
	}
	if tried < 80 {
		t.Errorf("got %d words, want at least 80", tried)
	}
}
