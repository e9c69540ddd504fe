package docs

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/gradus-ml/gradus/internal/need"
)

// blocks returns a page's fenced blocks of a language.
func blocks(t *testing.T, page, language string) []string {
	t.Helper()
	raw, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, m := range regexp.MustCompile("(?s)\n```"+language+"\n(.*?)\n```\n").FindAllStringSubmatch(string(raw), -1) {
		all = append(all, m[1]+"\n")
	}
	if len(all) == 0 {
		t.Fatalf("%s has no blocks of %s", page, language)
	}
	return all
}

// The shell accepts the scripts.
func TestScriptsOfClusters(t *testing.T) {
	bash := need.Tool(t, "bash")
	for _, script := range blocks(t, "cluster.md", "bash") {
		cmd := exec.Command(bash, "-n")
		cmd.Stdin = strings.NewReader(script)
		if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
			t.Errorf("bash -n: got %v and the output %s, want neither, for\n%s", err, out, script)
		}
	}
}

// job has the fields of a Job of Kubernetes that the page uses.
type job struct {
	APIVersion string `yaml:"apiVersion"`
	Kind       string
	Metadata   struct{ Name string }
	Spec       struct {
		Parallelism, Completions int
		BackoffLimit             int `yaml:"backoffLimit"`
		Template                 struct {
			Spec struct {
				RestartPolicy string `yaml:"restartPolicy"`
				Grace         int    `yaml:"terminationGracePeriodSeconds"`
				Containers    []struct {
					Name, Image string
					Args        []string
					Env         []struct {
						Name      string
						ValueFrom struct {
							SecretKeyRef struct{ Name, Key string } `yaml:"secretKeyRef"`
						} `yaml:"valueFrom"`
					}
					Resources    struct{ Requests, Limits map[string]string }
					VolumeMounts []struct {
						Name      string
						MountPath string `yaml:"mountPath"`
						ReadOnly  bool   `yaml:"readOnly"`
					} `yaml:"volumeMounts"`
				}
				Volumes []struct {
					Name  string
					Claim struct {
						Name     string `yaml:"claimName"`
						ReadOnly bool   `yaml:"readOnly"`
					} `yaml:"persistentVolumeClaim"`
				}
			}
		}
	}
}

// The page's Job of Kubernetes has only fields that a Job has. Other kinds are at least valid YAML.
func TestJobsOfClusters(t *testing.T) {
	jobs := 0
	for _, text := range blocks(t, "cluster.md", "yaml") {
		var any map[string]any
		if err := yaml.Unmarshal([]byte(text), &any); err != nil {
			t.Errorf("%v\n%s", err, text)
		}
		if any["kind"] != "Job" {
			continue
		}
		jobs++
		var j job
		d := yaml.NewDecoder(bytes.NewReader([]byte(text)))
		d.KnownFields(true)
		if err := d.Decode(&j); err != nil {
			t.Error(err)
			continue
		}
		pod := j.Spec.Template.Spec
		if j.APIVersion != "batch/v1" || pod.RestartPolicy != "OnFailure" || len(pod.Containers) != 1 || pod.Containers[0].Args[0] != "work" || pod.Containers[0].VolumeMounts[0].Name != pod.Volumes[0].Name {
			t.Errorf("the Job is not as expected: %+v", j)
		}
	}
	if jobs == 0 {
		t.Error("there is no Job")
	}
}

// systemd accepts the units.
func TestUnitsOfClusters(t *testing.T) {
	analyze := need.Tool(t, "systemd-analyze")
	for _, unit := range blocks(t, "cluster.md", "ini") {
		path := filepath.Join(t.TempDir(), "gradus-work@1.service")
		if err := os.WriteFile(path, []byte(strings.Replace(unit, "/usr/local/bin/gradus", "/bin/true", 1)), 0o666); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.Command(analyze, "verify", path).CombinedOutput(); err != nil || bytes.Contains(out, []byte("gradus-work")) {
			t.Errorf(`got %v and the output %s, want no error and no word about gradus-work, for %s`, err, out, unit)
		}
	}
}
