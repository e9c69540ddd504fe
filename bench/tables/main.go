// Command tables trains gradus and other programs, each with its defaults, on real tables. It writes how
// well the models do on unseen rows to bench/TABLES.md. It finds the tables through GRADUS_DATA, and the
// Python with the packages of requirements.txt through PYTHON (default python3). Run it from the
// repository's root:
//
//	GRADUS_DATA=/path/to/data PYTHON=venv/bin/python go run ./bench/tables
//
// The file that -cache names stores every result by program, table and seed. So -only gradus measures gradus again
// and keeps the others' earlier results, and -only lightgbm,histgb measures only these two. Other flags of gradus
// have their own results:
//
//	go run ./bench/tables -only gradus -label gradus-quick -flags "--preset quick"
//
// -tables, -first and -seeds select some of the tables and seeds. -fifths measures the tables it names with each fifth
// of their rows held out in turn, because one fifth of a small table says little. Scores do not depend on the machine's other work,
// but seconds do: -note says in the report how they were measured, and -untimed leaves them out.
package main

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// table is one experiment: a file, its target, and how it is split.
type table struct {
	name, file, target, task string

	test        string // a separate file; otherwise a fifth of the rows
	development bool   // the recipe was chosen using this table
}

const (
	regression = "regression"
	binary     = "binary"
	multiclass = "multiclass"
)

var tables = []table{
	{name: "adult", file: "mid/adult_train.csv", test: "mid/adult_test.csv", target: "income", task: binary, development: true},
	{name: "ames_housing", file: "mid/ames_housing.csv", target: "Sale_Price", task: regression, development: true},
	{name: "bank32nh", file: "mid/bank32nh.csv", target: "rej", task: regression, development: true},
	{name: "california_housing", file: "mid/california_housing.csv", target: "MedHouseVal", task: regression, development: true},
	{name: "cpu_act", file: "mid/cpu_act.csv", target: "usr", task: regression, development: true},
	{name: "dry_bean", file: "mid/dry_bean.csv", target: "Class", task: multiclass, development: true},
	{name: "german_credit", file: "small/german_credit.csv", target: "class", task: binary, development: true},
	{name: "iris", file: "small/iris.csv", target: "species", task: multiclass, development: true},
	{name: "letter", file: "mid/letter.csv", target: "lettr", task: multiclass, development: true},
	{name: "mlc_churn", file: "mid/mlc_churn.csv", target: "churn", task: binary, development: true},
	{name: "phoneme", file: "mid/phoneme.csv", target: "nasal_oral", task: binary, development: true},
	{name: "titanic", file: "small/titanic.csv", target: "survived", task: binary, development: true},
	{name: "vehicle", file: "small/vehicle.csv", target: "Class", task: multiclass, development: true},
	{name: "wine_quality_red", file: "small/wine_quality_red.csv", target: "quality", task: regression, development: true},

	{name: "abalone", file: "small/abalone.csv", target: "rings", task: regression},
	{name: "attrition", file: "small/attrition.csv", target: "Attrition", task: binary},
	{name: "concrete", file: "small/concrete.csv", target: "strength", task: regression},
	{name: "credit_data", file: "small/credit_data.csv", target: "Status", task: binary},
	{name: "diamonds", file: "mid/diamonds.csv", target: "price", task: regression},
	{name: "hpc_data", file: "mid/hpc_data.csv", target: "class", task: multiclass},
	{name: "kin8nm", file: "mid/kin8nm.csv", target: "y", task: regression},
	{name: "page_blocks", file: "mid/page_blocks.csv", target: "class", task: multiclass},
	{name: "pendigits", file: "mid/pendigits.csv", target: "class", task: multiclass},
	{name: "protein_casp", file: "mid/protein_casp.csv", target: "RMSD", task: regression},
	{name: "spambase", file: "mid/spambase.csv", target: "class", task: binary},
	{name: "telco_churn", file: "mid/telco_churn.csv", target: "churn", task: binary},
	{name: "vowel", file: "small/vowel.csv", target: "Class", task: multiclass},
	{name: "wine", file: "small/wine.csv", target: "cultivar", task: multiclass},
}

// peers are the programs and the number of seeds for each. A program that draws nothing at
// random needs one.
var peers = []struct {
	name  string
	seeds int
}{{"lightgbm", 1}, {"histgb", 3}, {"xgboost", 1}, {"catboost", 3}, {"mlp", 3}, {"realmlp", 3}}

// result is the outcome of one program on one table with one seed.
type result struct {
	RMSE     *float64 `json:"rmse,omitempty"`
	LogLoss  *float64 `json:"log_loss,omitempty"`
	AUC      *float64 `json:"auc,omitempty"`
	Accuracy *float64 `json:"accuracy,omitempty"`
	Seconds  float64  `json:"seconds,omitempty"` // 0: not to be compared
	RowUS    float64  `json:"row_us,omitempty"`  // microseconds; 0: not to be compared
	Bytes    int      `json:"bytes"`
	Failed   string   `json:"failed,omitempty"`
}

// loss returns the main score: lower is better.
func (r result) loss() float64 {
	if r.RMSE != nil {
		return *r.RMSE
	}
	return *r.LogLoss
}

type suite struct {
	folder, temp, python, gradus, cache string
	first, seeds, threads               int
	untimed                             bool
	fifth                               int // of the rows, from 0: the one that is held out
	flags                               []string
	label, note                         string
	results                             map[string]result // by program/table/seed, and /fifth except for fifth 0
}

func main() {
	var s suite
	only := flag.String("only", "", "programs to measure, separated by commas: gradus, lightgbm, histgb, xgboost, catboost, mlp, realmlp; default: gradus and those without a result; none: only write the report")
	flag.IntVar(&s.first, "first", 1, "the first seed")
	flag.IntVar(&s.seeds, "seeds", 3, "the last seed")
	flag.IntVar(&s.threads, "threads", 2, "threads of each program that takes a number of threads")
	flag.StringVar(&s.label, "label", "gradus", "the name under which gradus's results are kept")
	flag.StringVar(&s.cache, "cache", "bench/tables/results.json", "the file that keeps results")
	flag.StringVar(&s.gradus, "gradus", "", "the program; default: built from the source")
	flag.StringVar(&s.note, "note", "", "a sentence of the report on how the seconds were measured")
	flag.BoolVar(&s.untimed, "untimed", false, "keep no seconds of what is measured now, because the machine is busy")
	flags := flag.String("flags", "", "more flags of gradus train")
	names := flag.String("tables", "", "tables, separated by commas; default: all; development or other: that half")
	fifths := flag.Bool("fifths", false, "hold out each fifth of the rows in turn, instead of the first")
	out := flag.String("out", "bench/TABLES.md", "the report; empty for none")
	flag.Parse()
	s.flags = strings.Fields(*flags)
	if err := s.run(*only, *names, *out, *fifths); err != nil {
		fmt.Fprintln(os.Stderr, "tables:", err)
		os.Exit(1)
	}
}

func (s *suite) run(only, names, out string, fifths bool) error {
	if s.folder = os.Getenv("GRADUS_DATA"); s.folder == "" {
		return errors.New("GRADUS_DATA is not set; it names the folder with small/ and mid/")
	}
	s.python = os.Getenv("PYTHON")
	if s.python == "" {
		s.python = "python3"
	}
	s.results = map[string]result{}
	b, err := os.ReadFile(s.cache)
	switch {
	case err == nil:
		if err := json.Unmarshal(b, &s.results); err != nil {
			return fmt.Errorf("%s: %w", s.cache, err)
		}
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	if s.temp, err = os.MkdirTemp("", "gradus-tables-"); err != nil {
		return err
	}
	defer os.RemoveAll(s.temp)
	if s.gradus == "" {
		s.gradus = filepath.Join(s.temp, "gradus")
		if out, err := exec.Command("go", "build", "-o", s.gradus, "./cmd/gradus").CombinedOutput(); err != nil {
			return fmt.Errorf("go build: %w\n%s", err, out)
		}
	}
	for _, t := range tables {
		half := "other"
		if t.development {
			half = "development"
		}
		if list := strings.Split(names, ","); names != "" && !slices.Contains(list, t.name) && !slices.Contains(list, half) {
			continue
		}
		for s.fifth = 0; s.fifth == 0 || fifths && s.fifth < 5; s.fifth++ {
			if err := s.table(t, only); err != nil {
				return fmt.Errorf("%s: %w", t.name, err)
			}
		}
	}
	if out == "" {
		return nil
	}
	return os.WriteFile(out, s.report(), 0o644)
}

// table measures the requested programs on one table.
func (s *suite) table(t table, only string) error {
	if only == "none" {
		return nil
	}
	train, test, rows, err := s.split(t)
	if err != nil {
		return err
	}
	asked := strings.Split(only, ",")
	measure := func(key string, f func() (result, error)) error {
		r, err := f()
		if err != nil {
			r = result{Failed: err.Error()}
		}
		fmt.Printf("%-45s %s\n", key, r)
		if s.untimed {
			r.Seconds, r.RowUS = 0, 0
		}
		s.results[key] = r
		return s.keep()
	}
	if only == "" || slices.Contains(asked, "gradus") {
		for seed := s.first; seed <= s.seeds; seed++ {
			if err := measure(key(s.label, t, seed, s.fifth), func() (result, error) { return s.train(t, train, test, rows, seed) }); err != nil {
				return err
			}
		}
	}
	for _, p := range peers {
		for seed := s.first; seed <= min(s.seeds, p.seeds); seed++ {
			k := key(p.name, t, seed, s.fifth)
			if _, have := s.results[k]; !slices.Contains(asked, p.name) && (only != "" || have) {
				continue
			}
			if err := measure(k, func() (result, error) { return s.peer(p.name, t, train, test, seed) }); err != nil {
				return err
			}
		}
	}
	return nil
}

func key(program string, t table, seed, fifth int) string {
	k := fmt.Sprintf("%s/%s/%d", program, t.name, seed)
	if fifth > 0 {
		k += fmt.Sprintf("/%d", fifth)
	}
	return k
}

func (r result) String() string {
	if r.Failed != "" {
		return "failed: " + r.Failed
	}
	s := fmt.Sprintf("%.5g", r.loss())
	if r.AUC != nil {
		s += fmt.Sprintf("  auc %.4f  accuracy %.4f", *r.AUC, *r.Accuracy)
	}
	return s + fmt.Sprintf("  %.2f s", r.Seconds)
}

// keep writes the results, all or none.
func (s *suite) keep() error {
	b, err := json.MarshalIndent(s.results, "", " ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(s.cache+".new", append(b, '\n'), 0o644); err != nil {
		return err
	}
	return os.Rename(s.cache+".new", s.cache)
}

// split writes the training rows and the test rows. Row n, counted from 0, belongs to the fifth in which
// n·2654435761 mod 2^32 lies among the numbers below 2^32.
func (s *suite) split(t table) (train, test string, rows int, err error) {
	all, err := read(filepath.Join(s.folder, t.file))
	if err != nil {
		return "", "", 0, err
	}
	learn, held := [][]string{all[0]}, [][]string{all[0]}
	if t.test != "" {
		learn = all
		if held, err = read(filepath.Join(s.folder, t.test)); err != nil {
			return "", "", 0, err
		}
	} else {
		for n, row := range all[1:] {
			if uint64(uint32(n)*2654435761)*5>>32 == uint64(s.fifth) {
				held = append(held, row)
			} else {
				learn = append(learn, row)
			}
		}
	}
	train, test = filepath.Join(s.temp, t.name+"-train.csv"), filepath.Join(s.temp, t.name+"-test.csv")
	if err := write(train, learn); err != nil {
		return "", "", 0, err
	}
	return train, test, len(held) - 1, write(test, held)
}

func read(file string) ([][]string, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return csv.NewReader(f).ReadAll()
}

func write(file string, rows [][]string) error {
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	err = csv.NewWriter(f).WriteAll(rows)
	return errors.Join(err, f.Close())
}

// train runs gradus on one table: whole processes, from the file to the model and to the predictions.
func (s *suite) train(t table, train, test string, rows, seed int) (r result, err error) {
	model := filepath.Join(s.temp, "model.safetensors")
	args := append([]string{"train", train, "--test", test, "--target", t.target, "--task", t.task, "--seed", strconv.Itoa(seed),
		"--threads", strconv.Itoa(s.threads), "--json", "--quiet", "--out", model}, s.flags...)
	began := time.Now()
	b, err := output(s.threads, s.gradus, args...)
	if err != nil {
		return r, err
	}
	r.Seconds = time.Since(began).Seconds()
	var said struct {
		Metrics struct {
			Test map[string]json.RawMessage
		}
	}
	if err := json.Unmarshal(b, &said); err != nil {
		return r, err
	}
	for name, to := range map[string]**float64{"rmse": &r.RMSE, "log_loss": &r.LogLoss, "auc": &r.AUC, "accuracy": &r.Accuracy} {
		if raw, ok := said.Metrics.Test[name]; ok {
			if err := json.Unmarshal(raw, to); err != nil {
				return r, err
			}
		}
	}
	if r.RMSE == nil && r.LogLoss == nil {
		return r, errors.New("gradus train gave no score of the test rows")
	}
	began = time.Now()
	if _, err := output(s.threads, s.gradus, "predict", model, test, "-o", filepath.Join(s.temp, "predictions.csv")); err != nil {
		return r, err
	}
	r.RowUS = time.Since(began).Seconds() / float64(rows) * 1e6
	info, err := os.Stat(model)
	if err != nil {
		return r, err
	}
	r.Bytes = int(info.Size())
	return r, nil
}

func (s *suite) peer(name string, t table, train, test string, seed int) (r result, err error) {
	b, err := output(s.threads, s.python, "bench/tables/peers.py", name, train, test, t.target, t.task, strconv.Itoa(seed), strconv.Itoa(s.threads))
	if err != nil {
		return r, err
	}
	err = json.Unmarshal(b, &r)
	return r, err
}

// output runs a program. Its error is the last line of the program's output.
func output(threads int, program string, args ...string) ([]byte, error) {
	cmd := exec.Command(program, args...)
	cmd.Env = append(os.Environ(), "OMP_NUM_THREADS="+strconv.Itoa(threads))
	b, err := cmd.Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		lines := strings.Split(strings.TrimSpace(string(exit.Stderr)), "\n")
		err = fmt.Errorf("%w: %s", err, lines[len(lines)-1])
	}
	return b, err
}
