package main

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/shirou/gopsutil/v4/cpu"
)

// load reads the tables that were measured before.
func (s *suite) load() map[string]figures {
	book := map[string]figures{}
	if raw, err := os.ReadFile(s.path("tables.json")); err == nil {
		if err := json.Unmarshal(raw, &book); err != nil {
			fmt.Printf("%s cannot be read and is begun anew: %v\n", s.path("tables.json"), err)
			book = map[string]figures{}
		}
	}
	return book
}

func (s *suite) save(book map[string]figures) error {
	raw, err := json.MarshalIndent(book, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(s.path("tables.json"), raw, 0o644)
}

// stamp records when and on which machine a table was measured.
func (s *suite) stamp(f *figures) {
	f.When, f.CPU, f.Commit = time.Now().UTC(), processor(), s.commit
}

func processor() string {
	if info, err := cpu.Info(); err == nil && len(info) > 0 && info[0].ModelName != "" {
		c := info[0]
		return fmt.Sprintf("%s (family %s, model %s), %d cores", c.ModelName, c.Family, c.Model, runtime.NumCPU())
	}
	return runtime.GOARCH
}

func median(x []float64) float64 {
	if len(x) == 0 {
		return math.NaN()
	}
	x = slices.Sorted(slices.Values(x))
	return (x[(len(x)-1)/2] + x[len(x)/2]) / 2
}

// duration formats nanoseconds in a unit that leaves three or four digits.
func duration(ns float64) string {
	switch {
	case math.IsNaN(ns):
		return "-"
	case ns < 1e3:
		return fmt.Sprintf("%.3g ns", ns)
	case ns < 1e6:
		return fmt.Sprintf("%.3g µs", ns/1e3)
	case ns < 1e9:
		return fmt.Sprintf("%.3g ms", ns/1e6)
	}
	return fmt.Sprintf("%.3g s", ns/1e9)
}

// significant formats a number with three digits, without an exponent.
func significant(x float64) string {
	switch {
	case math.IsNaN(x):
		return "-"
	case x >= 100:
		return fmt.Sprintf("%.0f", x)
	case x >= 10:
		return fmt.Sprintf("%.1f", x)
	}
	return fmt.Sprintf("%.2f", x)
}

// report returns the whole page.
func (s *suite) report(book map[string]figures) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# gradus beside other programs\n\nWritten by `go run ./bench/peers`; [README.md](README.md) says how each figure is made.\n\n")
	fmt.Fprintf(&b, "- %s\n- %s\n", processor(), strings.Join(s.versions, "; "))
	fmt.Fprintf(&b, "- Times are medians over the rounds, with the fastest and the slowest round; the ratio is the time through that of the table's first line, so 2.00 is a peer that takes twice as long as gradus. Losses are of the first batch and of the last.\n")
	if why := s.missing["taskset"]; why != "" {
		fmt.Fprintf(&b, "- %s.\n", why)
	}
	fmt.Fprintf(&b, "\n## The bars\n\n%s", bars(book))
	for _, t := range tables {
		f, ok := book[t.name]
		if !ok {
			continue
		}
		fmt.Fprintf(&b, "\n## %s\n\n", t.title)
		fmt.Fprintf(&b, "%s, commit %s, %s; cores %s; rounds: %d", f.When.Format("2006-01-02 15:04 UTC"), f.Commit, f.CPU, strings.Join(f.Cores, ","), f.Rounds)
		if t.unit != "process" {
			fmt.Fprintf(&b, " of %v s", f.Seconds)
		}
		b.WriteString(".\n\n")
		t.write(&b, f)
		for _, n := range f.Notes {
			fmt.Fprintf(&b, "\n%s\n", n)
		}
	}
	return b.String()
}

// write writes a table in Markdown.
func (t table) write(b *strings.Builder, f figures) {
	last := "loss"
	switch t.unit {
	case "process":
		last = "epochs | test accuracy"
	case "GFLOP/s", "row":
		last = ""
	}
	head := []string{"program", "form", "threads", t.unit, "from - to", "ratio"}
	if last != "" {
		head = append(head, strings.Split(last, " | ")...)
	}
	fmt.Fprintf(b, "| %s |\n|%s\n", strings.Join(head, " | "), strings.Repeat(" --- |", len(head)))
	base := math.NaN()
	for _, l := range f.Lines {
		if l.Name == "gradus" && (t.unit == "GFLOP/s" || math.IsNaN(base)) { // the lines of the peak table are pairs
			base = median(l.Ns)
		}
		if l.Failed != "" {
			fmt.Fprintf(b, "| %s | %s | %d | not measured: %s |%s\n", l.Name, l.Form, l.Threads, strings.ReplaceAll(l.Failed, "|", "\\|"), strings.Repeat(" |", len(head)-4))
			continue
		}
		show := duration
		from, to := slices.Min(l.Ns), slices.Max(l.Ns)
		if t.unit == "GFLOP/s" {
			show = func(ns float64) string { return fmt.Sprintf("%.1f", 1/ns) }
			from, to = to, from
		}
		form := l.Form
		if l.Share != nil {
			form = strings.TrimPrefix(fmt.Sprintf("%s, %.1f %% of the peak", form, 100*median(l.Share)), ", ")
		}
		cells := []string{l.Name, form, fmt.Sprint(l.Threads), show(median(l.Ns)), show(from) + " - " + show(to), significant(median(l.Ns) / base)}
		switch {
		case t.unit == "process":
			var e []string
			for _, n := range l.Epochs {
				e = append(e, fmt.Sprint(n))
			}
			if slices.Min(l.Epochs) == slices.Max(l.Epochs) {
				e = e[:1]
			}
			cells = append(cells, strings.Join(e, ", "), fmt.Sprintf("%.4f", l.Accuracy))
		case last != "":
			cells = append(cells, fmt.Sprintf("%.3g → %.3g", l.First, l.Last))
		}
		fmt.Fprintf(b, "| %s |\n", strings.Join(cells, " | "))
	}
	var details []string
	for _, l := range f.Lines {
		if d := l.Name + ": " + l.Detail; l.Detail != "" && !slices.Contains(details, d) {
			details = append(details, d)
		}
	}
	if len(details) > 0 {
		fmt.Fprintf(b, "\n%s.\n", strings.Join(details, "; "))
	}
}
