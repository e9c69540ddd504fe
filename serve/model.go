package serve

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/model"
)

// Source is a model file, with its name and version.
type Source struct {
	Name    string
	Version string
	Path    string
}

var sourceName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*$`)

// ParseSource reads FILE, NAME=FILE or NAME/VERSION=FILE. The default name is that of the file
// without its ending; the default version is 1.
func ParseSource(s string) (Source, error) {
	source := Source{Version: "1", Path: s}
	if name, path, ok := strings.Cut(s, "="); ok {
		source.Name, source.Path = name, path
		if name, version, ok := strings.Cut(name, "/"); ok {
			source.Name, source.Version = name, version
		}
	} else {
		source.Name = strings.TrimSuffix(filepath.Base(s), filepath.Ext(s))
		source.Name = strings.Map(func(r rune) rune {
			if r < 128 && (sourceName.MatchString(string(r)) || strings.ContainsRune("._-", r)) {
				return r
			}
			return '-'
		}, source.Name)
	}
	if !sourceName.MatchString(source.Name) || !sourceName.MatchString(source.Version) {
		return source, fmt.Errorf("%q: a model's name and version have letters, digits, dots, dashes and underscores, and begin with a letter or digit: give FILE, NAME=FILE or NAME/VERSION=FILE", s)
	}
	return source, nil
}

// modelFile is a model file that is served.
type modelFile struct {
	Source
	behind  *data.Table // background rows for reasons; nil: none
	current atomic.Pointer[loaded]
	mu      sync.Mutex // held during a reload
	stamp   stamp      // of the file that was loaded, or found invalid

	missing, unseen []atomic.Int64 // cells by column, over all requests
}

// loaded is a model as it was read from its file. It does not change.
type loaded struct {
	*model.Model
	columns []string
	places  map[string]int // of the columns
	numbers bool           // all columns are numbers
	targets []string
	classes []string
	sha     string

	explainer *model.Explainer // nil: no reasons
}

// stamp distinguishes versions of a file.
type stamp struct {
	size int64
	time time.Time
}

func stampOf(path string) (stamp, error) {
	info, err := os.Stat(path)
	if err != nil {
		return stamp{}, err
	}
	return stamp{info.Size(), info.ModTime()}, nil
}

func open(source Source, background *data.Table) (*modelFile, error) {
	m := &modelFile{Source: source, behind: background}
	m.stamp, _ = stampOf(source.Path) // load reports what is wrong
	l, err := load(source.Path, background)
	if err != nil {
		return nil, err
	}
	m.current.Store(l)
	m.missing, m.unseen = make([]atomic.Int64, len(l.columns)), make([]atomic.Int64, len(l.columns))
	return m, nil
}

// load reads a model and tries it on a row.
func load(path string, background *data.Table) (*loaded, error) {
	m, err := model.Load(path)
	if err != nil {
		return nil, err
	}
	l := &loaded{Model: m, columns: m.Columns(), places: map[string]int{}, targets: m.Targets(), classes: m.Classes(), sha: m.WeightsSHA256()}
	for i, c := range l.columns {
		l.places[c] = i
	}
	l.numbers = !slices.ContainsFunc(m.Encoding.Inputs, func(in data.Input) bool { return in.Kind != data.KindNumber })
	if err := m.PredictValues(make([]data.Value, len(l.columns)), make([]float64, m.Outputs())); err != nil {
		return nil, fmt.Errorf("%s: it does not predict a row of missing values: %w", path, err)
	}
	if background != nil {
		if l.explainer, err = m.Explainer(background, model.ShapleyOptions{Seed: 1, Threads: 1}); err != nil {
			return nil, fmt.Errorf("%s: %s as its background: %w", path, background.Name(), err)
		}
	}
	return l, nil
}

// now returns the model for new requests.
func (m *modelFile) now() *loaded { return m.current.Load() }

// reload loads the file if it has changed and contains a valid model with the same columns
// and targets. A file that was found invalid is not loaded again until it changes.
func (m *modelFile) reload() (changed bool, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	before, err := stampOf(m.Path)
	if err != nil || before == m.stamp {
		return false, nil // a file that is being replaced may be missing for a moment
	}
	l, err := load(m.Path, m.behind)
	if after, again := stampOf(m.Path); again != nil || after != before {
		return false, nil // it is still being written; the next check loads it
	}
	m.stamp = before
	if err != nil {
		return false, err
	}
	if old := m.now(); fmt.Sprintf("%q %q %q", old.columns, old.targets, old.Task()) != fmt.Sprintf("%q %q %q", l.columns, l.targets, l.Task()) {
		return false, fmt.Errorf("%s: it has other columns or targets than the model that is served: clients would fail; start a server with it under another name or version", m.Path)
	}
	m.current.Store(l)
	return true, nil
}

// find returns the model with a name and a version. Without a version it returns the greatest one.
func (s *Server) find(name, version string) (*modelFile, error) {
	var found *modelFile
	for _, m := range s.models {
		if m.Name == name && (m.Version == version || version == "" && (found == nil || newer(m.Version, found.Version))) {
			found = m
		}
	}
	switch {
	case found != nil:
		return found, nil
	case version != "":
		return nil, refuse(http.StatusNotFound, "there is no model %q of version %q", name, version)
	}
	return nil, refuse(http.StatusNotFound, "there is no model %q; GET /v1/models lists those that there are", name)
}

// newer compares versions as numbers if both are numbers, otherwise as text.
func newer(a, b string) bool {
	x, errX := strconv.Atoi(a)
	y, errY := strconv.Atoi(b)
	if errX == nil && errY == nil {
		return x > y
	}
	return a > b
}

// names returns the models' names, each once, in the order in which they were given.
func (s *Server) names() []string {
	var names []string
	seen := map[string]bool{}
	for _, m := range s.models {
		if !seen[m.Name] {
			seen[m.Name] = true
			names = append(names, m.Name)
		}
	}
	return names
}
