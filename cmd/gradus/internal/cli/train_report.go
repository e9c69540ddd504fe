package cli

import (
	"fmt"
	"io"
	"math"
	"slices"
	"sort"
	"strconv"
	"strings"

	"github.com/gradus-ml/gradus/cmd/gradus/internal/option"
	"github.com/gradus-ml/gradus/cmd/gradus/internal/shell"
	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/diagnosis"
	"github.com/gradus-ml/gradus/internal/plural"
	"github.com/gradus-ml/gradus/metrics"
	"github.com/gradus-ml/gradus/model"
	"github.com/gradus-ml/gradus/train"
)

var nan = math.NaN()

// writeNotes writes notes, one per line.
func writeNotes(w io.Writer, notes []data.Note) {
	for _, n := range option.Notes(notes) {
		fmt.Fprintf(w, "Note     %s\n", n)
	}
}

// writeReport says what was trained, how well it does and on which rows.
func writeReport(run *training, m *model.Model) {
	e, f, t := run.env, run.fit, m.Training
	e.printf("Rows     %s\n", rowsText(t.Rows))
	e.printf("Network  %s, %d parameters, %s, seed %d\n", m.DescribeNetwork(),
		m.Parameters(), m.Precision(), m.Options.Seed)
	e.printf("Descent  %s\n", option.Describe(&m.Options))
	e.printf("Trained  %s\n", trainedText(m))
	e.ranks.write(e, f)
	if o := m.Options; o.Threshold != "" {
		by := ""
		if name, auto := strings.CutPrefix(o.Threshold, "auto:"); auto {
			by = fmt.Sprintf(", the best for %s on the %s rows", name, judging(m))
		}
		e.printf("Decides  %s above a probability of %s%s\n", m.Classes()[1], short(m.Threshold), by)
	}
	if s := m.Shrinkage; s != nil {
		e.printf("%s\n", shrinkageText(m, s))
	}
	if c := t.Calibration; c != nil {
		e.printf("%s\n", calibrationText(c))
	} else if text := memberCalibrations(m); text != "" {
		e.printf("%s\n", text)
	} else if m.Options.Calibrate && run.Preset != "quick" {
		e.printf("Note     No temperature was chosen: that takes a model of classes with logits, and 40 validation rows.\n")
	}
	if m.Options.Loss == "hinge" {
		e.printf("Note     hinge gives decision values. p_CLASS is their sigmoid: it ranks and decides, but is no calibrated probability.\n")
	}
	writeNotes(e.text(), f.Said()[run.told:])
	if imputed := f.Imputed(); imputed.Imputed() > 0 {
		e.printf("Note     %s\n", missingText(m.Encoding, imputed))
	}
	e.printf("\n")
	writeScores(e, m)
	if text := m.Compared(); text != "" {
		e.printf("\n%s\n", e.wrap(text, "Compared "))
	}
	writeMembers(e, m)
	best, of := t.Metrics.Best()
	writeClasses(e, m, best, ", "+of+" rows")
	writeDiagnosis(e, t.Diagnosis)
	e.printf("\n%s\n", e.wrap(honesty(m), ""))
}

// missingText says how many cells are missing, and what became of those of each type.
func missingText(enc *data.Encoding, counts data.Counts) string {
	became := map[data.Kind]string{data.KindNumber: "a missing number becomes the median", data.KindDate: "a missing date becomes the median",
		data.KindCategory: "a missing category is a level of its own", data.KindBoolean: "a missing boolean lies halfway between false and true"}
	var said, names []string
	for _, c := range counts {
		i := slices.Index(enc.Columns(), c.Column)
		if c.Imputed == 0 || i < 0 {
			continue
		}
		names = append(names, fmt.Sprintf("%s %d", inList(c.Column), c.Imputed))
		if text := became[enc.Inputs[i].Kind]; !slices.Contains(said, text) {
			said = append(said, text)
		}
	}
	return fmt.Sprintf("Missing in the training rows: %s (%s): %s.", plural.Of(counts.Imputed(), "cell"), list(names, 10), strings.Join(said, ", "))
}

// writeNext says where the model is and what to try next.
func writeNext(e *env, m *model.Model, c *trainCmd) {
	t := m.Training
	e.printf("\nModel    %s\nNext     gradus predict %s %s\n", c.Out, shellWord(c.Out), c.Data.shown())
	if t.Rows.Test == 0 && t.Metrics.OutOfFold == nil && t.Rows.Train >= fewForTest && c.resumed == nil {
		again := without(withoutQueue(e.args), "--run") // its folder holds this run
		again = slices.DeleteFunc(again, func(word string) bool { return word == "--tensorboard" })
		e.printf("         %s --test 0.2   for scores on held-out rows\n", shellWords(append([]string{"gradus"}, withoutPasswords(again)...)))
	} else {
		e.printf("         gradus plot %s -o network.svg\n", shellWord(c.Out))
	}
	if len(m.Columns()) > 1 && !c.Data.isStdin() {
		held := c.Data
		if test := testFile(c.text("test")); test != "" {
			held = paths{test}
		}
		e.printf("         gradus importance %s %s   for what each column is worth\n", shellWord(c.Out), held.shown())
	}
	if c.RunDir != "" {
		e.printf("         gradus report %s -o report.html   for everything on one page\n", shellWord(c.RunDir))
	}
}

// testFile returns the file that --test names, or "" if it names none.
func testFile(test string) string {
	if _, err := strconv.ParseFloat(test, 64); err == nil || test == "none" {
		return ""
	}
	return test
}

// shrinkageText says why and how far a model is moved towards a guess.
func shrinkageText(m *model.Model, s *model.Shrinkage) string {
	what, loss := "the class shares", "log loss"
	if m.Task() == data.Regression {
		what, loss = "the mean", "mean square in the trained unit"
	}
	kept := "nothing of its own prediction is left"
	if s.Share > 0 {
		kept = fmt.Sprintf("%.0f %% of its own prediction is left", 100*s.Share)
	}
	return fmt.Sprintf("Shrunk   toward %s, because the model predicted the %s worse than that guess: %s, %s %s instead of %s (guess %s)",
		what, plural.Of(s.Rows, s.What+" row"), kept, loss, short(s.After), short(s.Before), short(s.Guess))
}

// calibrationText says what a temperature does to the probabilities.
func calibrationText(c *model.Calibration) string {
	if !c.Kept {
		return fmt.Sprintf("Logits   as trained: a temperature (%s would be best on the validation rows) did not improve the probabilities of new rows", short(c.Temperature))
	}
	return fmt.Sprintf("Logits   divided by a temperature of %s: log loss of the %s %s instead of %s, calibration error %s instead of %s",
		short(c.Temperature), plural.Of(c.Rows, "validation row"), short(c.After), short(c.Before), short(c.ErrorAfter), short(c.ErrorBefore))
}

// memberCalibrations says what the temperatures of an ensemble's members are. It returns "" if no member was calibrated.
func memberCalibrations(m *model.Model) string {
	asked, kept := 0, []float64{}
	for _, one := range m.Members() {
		if c := one.Training.Calibration; c != nil {
			if asked++; c.Kept {
				kept = append(kept, c.Temperature)
			}
		}
	}
	switch {
	case asked == 0:
		return ""
	case len(kept) == 0:
		return "Logits   as trained: a temperature did not improve the probabilities of new rows in any member's fold"
	}
	return fmt.Sprintf("Logits   of %d of the %d members divided by a temperature of %s to %s, each chosen on the member's own fold",
		len(kept), len(m.Members()), short(slices.Min(kept)), short(slices.Max(kept)))
}

func findingText(f option.Finding) string {
	return fmt.Sprintf("%s: %s. Try %s.", f.Code, f.Evidence, f.Try)
}

// writeDiagnosis says why the run did not do as well as it could have. It writes nothing for a healthy run.
func writeDiagnosis(e *env, found []diagnosis.Finding) {
	for i, f := range option.Findings(found) {
		if i == 0 {
			e.printf("\nDiagnosis, causes first (gradus help diagnosis has each)\n")
		}
		e.printf("%s\n", e.wrap(findingText(f), fmt.Sprintf("  %d. ", i+1)))
	}
}

// writeSchema says what was read and as what type each column was read.
func writeSchema(w io.Writer, table *data.Table, s *data.Schema) {
	fmt.Fprintf(w, "Data     %s: %s, %s (%s)\n", table.Name(), plural.Of(table.Rows(), "row"), plural.Of(len(table.Columns()), "column"), table.Format())
	names := []string{}
	for _, t := range s.Targets {
		names = append(names, inList(t.Name))
	}
	why := ""
	if s.DefaultTarget {
		why = " (the last column; --target names another)"
		if names := table.Columns(); names[len(names)-1] != s.Targets[0].Name {
			why = " (by default; --target names another)"
		}
	}
	what := string(s.Task)
	if classes := s.Targets[0].Classes; len(classes) > 0 && s.Task != data.Multilabel {
		words := make([]string, len(classes))
		for i, c := range classes {
			words[i] = inList(c)
		}
		what = fmt.Sprintf("%s: %s", what, list(words, 6))
		if s.Targets[0].Kind == data.KindNumber {
			what += " (--task regression treats them as amounts)"
		}
	}
	fmt.Fprintf(w, "Target   %s%s, %s\n", list(names, len(names)), why, what)

	byKind := map[data.Kind][]string{}
	for _, col := range s.Columns {
		name := inList(col.Name)
		if col.Missing > 0 {
			name += fmt.Sprintf(" (%d missing)", col.Missing)
		}
		byKind[col.Kind] = append(byKind[col.Kind], name)
	}
	kinds := make([]string, 0, len(byKind))
	for k := range byKind {
		kinds = append(kinds, string(k))
	}
	sort.Strings(kinds)
	for i, k := range kinds {
		label := "Columns  "
		if i > 0 {
			label = "         "
		}
		names := byKind[data.Kind(k)]
		fmt.Fprintf(w, "%s%d %s: %s\n", label, len(names), k, list(names, 10))
	}
	const most = 12
	var left []string
	for i, d := range s.Dropped {
		if i >= most {
			left = append(left, inList(d.Name))
			continue
		}
		fmt.Fprintf(w, "Dropped  %s: %s\n", d.Name, option.Note(d.Reason))
	}
	writeLeft(w, "Dropped", left)
	shown := 0
	left = nil
	for _, col := range s.Columns {
		if col.Note == nil {
			continue
		}
		if shown++; shown > most {
			left = append(left, inList(col.Name))
			continue
		}
		fmt.Fprintf(w, "Note     %s: %s\n", col.Name, option.Note(col.Note))
	}
	writeLeft(w, "Note", left)
}

// writeLeft names the columns that are not described for lack of space.
func writeLeft(w io.Writer, what string, names []string) {
	if len(names) > 0 {
		fmt.Fprintf(w, "%-9s%d more, which gradus inspect describes: %s\n", what, len(names), list(names, 20))
	}
}

// inList returns a name or class as it is written in a list with commas.
func inList(name string) string {
	if strings.Contains(name, ",") {
		return `"` + name + `"`
	}
	return name
}

// list names the first few and counts the rest.
func list(names []string, most int) string {
	if len(names) <= most {
		return escaped(strings.Join(names, ", "), "")
	}
	return escaped(fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most), "")
}

func rowsText(r model.Rows) string {
	parts := []string{fmt.Sprintf("%d training", r.Train)}
	if r.Validation > 0 {
		parts = append(parts, fmt.Sprintf("%d validation", r.Validation))
	}
	if r.Test > 0 {
		parts = append(parts, fmt.Sprintf("%d test", r.Test))
	}
	if r.Unlabeled > 0 {
		parts = append(parts, fmt.Sprintf("%d left out, their target is missing", r.Unlabeled))
	}
	if r.Weightless > 0 {
		parts = append(parts, fmt.Sprintf("%d left out, their weight is 0", r.Weightless))
	}
	return strings.Join(parts, ", ")
}

func trainedText(m *model.Model) string {
	t := m.Training
	loss := short(t.Loss)
	if m.Options.Reduction == "sum" {
		loss += " (summed over the rows)"
	}
	why := map[string]string{
		"epochs":      "all that were allowed",
		"patience":    fmt.Sprintf("the validation score had not improved for %d", *m.Options.Patience),
		"tolerance":   "every output is within the tolerance",
		"target-loss": "the target loss is reached",
		"max-time":    "the time is up",
		"minimum":     "no lower loss is found: a minimum",
		"interrupted": "interrupted",
		"diverged":    "diverged",

		model.ReasonMembers: "each member stopped on its own",
	}[t.Reason]
	if m.Options.Method == string(train.PerSample) && t.Reason == "tolerance" {
		why = "each sample was within the tolerance in its own turn"
	}
	if why == "" {
		why = t.Reason
	}
	epochs := plural.Of(t.Epochs, "epoch")
	if n := len(m.Members()); n > 0 {
		epochs += " of " + plural.Of(n, "member")
	}
	what := "loss"
	if len(m.Members()) > 0 { // the table of scores has the loss of the ensemble, which is another number
		what = "mean loss of the members"
	}
	s := fmt.Sprintf("%s (%s), %s in %.2f s, %s %s", epochs, why, plural.Of(t.Steps, "update"), t.Seconds, what, loss)
	if t.BestEpoch > 0 {
		s += fmt.Sprintf("; weights of epoch %d, the best on the validation rows", t.BestEpoch)
		if names := m.Options.Metrics; len(names) > 0 {
			s += " by " + names[0]
		}
	}
	return s
}

// scoreLine is a row of a table of scores.
type scoreLine struct {
	name   string
	report *metrics.Report
}

// writeScores prints a table with one line for each part of the rows, one for the guess that never
// looks at the inputs, and one for the linear model.
func writeScores(e *env, m *model.Model) {
	t := m.Training.Metrics
	var lines []scoreLine
	for _, p := range []scoreLine{{"training", t.Train}, {"out-of-fold", t.OutOfFold}, {"validation", t.Validation}, {"test", t.Test}} {
		if p.report != nil {
			lines = append(lines, p)
		}
	}
	_, rows := t.Best()
	others := []guessLine{{guessName(m) + " (" + rows + ")", t.Baseline}}
	if t.Linear != nil {
		others = append(others, guessLine{"linear model (" + rows + ")", t.Linear.Scores})
	}
	writeScoreTable(e, m, lines, others...)
}

// guessLine is a row of the table for a baseline that the model is compared with.
type guessLine struct {
	name   string
	scores metrics.Scores
}

// writeScoreTable prints the scores of each part of the rows and of the baselines. With several targets
// it adds a line for each target below the last part.
func writeScoreTable(e *env, m *model.Model, lines []scoreLine, others ...guessLine) {
	last := lines[len(lines)-1].report
	var columns []string
	for _, s := range last.Scores {
		columns = append(columns, s.Name)
	}
	g := grid{rows: [][]string{append([]string{""}, columns...)}}
	line := func(name string, s metrics.Scores) {
		cells := []string{name}
		for _, c := range columns {
			v, ok := s.Get(c)
			switch {
			case !ok:
				cells = append(cells, "-")
			case c == "r2" && math.Abs(v) < 1e-12: // what rounding leaves of 0
				cells = append(cells, "0")
			default:
				cells = append(cells, short(v))
			}
		}
		g.add(cells...)
	}
	for _, l := range lines {
		line(l.name, l.report.Scores)
	}
	for i, own := range last.Outputs {
		if len(last.Outputs) > 1 {
			line("of which "+cut(m.Targets()[i], 30), own.Scores)
		}
	}
	for _, o := range others {
		if slices.ContainsFunc(columns, func(c string) bool { _, ok := o.scores.Get(c); return ok }) {
			line(o.name, o.scores)
		}
	}
	e.writeGrid(g)
}

// guessName says what is guessed without looking at the inputs.
func guessName(m *model.Model) string {
	if m.Task() == data.Regression {
		return "always " + m.Guessed()
	}
	return "commonest class"
}

// The maximum numbers of classes for which a report shows details.
const (
	mostConfusion = 12
	mostClasses   = 40
)

// writeClasses prints the confusion matrix for up to 12 classes, and the precision, recall and F1 of
// each class for up to 40. The argument of names the rows that they are computed on.
func writeClasses(e *env, m *model.Model, r *metrics.Report, of string) {
	classes := m.Classes()
	if r.Confusion == nil || classes == nil || len(classes) > mostClasses {
		return
	}
	matrix := len(classes) <= mostConfusion
	if matrix {
		e.printf("\nTrue class (down) by predicted class (across)%s\n", of)
	} else {
		e.printf("\nBy class%s\n", of)
	}
	number := func(x float64) string {
		if x == math.Trunc(x) && x < 1e7 {
			return fmt.Sprintf("%.0f", x)
		}
		return fmt.Sprintf("%.5g", x) // weights
	}
	names := cutApart(classes, 14)
	g := grid{rows: [][]string{{""}}}
	if matrix {
		g.rows[0] = append(g.rows[0], names...)
	}
	g.cut = len(g.rows[0])
	g.rows[0] = append(g.rows[0], "rows", "precision", "recall", "f1")
	for i, c := range metrics.ByClass(r.Confusion) {
		cells := []string{names[i]}
		if matrix {
			for _, n := range r.Confusion[i] {
				cells = append(cells, number(n))
			}
		}
		cells = append(cells, number(c.Rows))
		for _, x := range []*float64{c.Precision, c.Recall, c.F1} {
			if x == nil {
				cells = append(cells, "-")
			} else {
				cells = append(cells, fmt.Sprintf("%.3f", *x))
			}
		}
		g.add(cells...)
	}
	e.writeGrid(g)
}

// cut shortens a name for a table of text, in which a tab would begin a new column.
func cut(s string, most int) string {
	s = escaped(s, "")
	if r := []rune(s); len(r) > most {
		return string(r[:most-1]) + "…"
	}
	return s
}

// cutApart shortens names so that they stay different. It cuts them at the end, or else at the beginning, or
// else leaves them whole.
func cutApart(names []string, most int) []string {
	names = slices.Clone(names)
	for i, s := range names {
		names[i] = escaped(s, "")
	}
	end := func(s string) string { return cut(s, most) }
	beginning := func(s string) string {
		r := []rune(s)
		if len(r) <= most {
			return s
		}
		return "…" + string(r[len(r)-most+1:])
	}
	for _, how := range []func(string) string{end, beginning} {
		short, there := make([]string, len(names)), map[string]bool{}
		for i, s := range names {
			short[i] = how(s)
			there[short[i]] = true
		}
		if len(there) == len(names) {
			return short
		}
	}
	return names
}

// honesty says which choices the scored rows have influenced.
func honesty(m *model.Model) string {
	t := m.Training
	r := t.Rows
	if t.Metrics.OutOfFold != nil {
		text := "Out of fold, a row is predicted by members that were not trained on it"
		switch {
		case t.CrossFitted:
			text += ", at the epoch that is best for the other rows of its fold"
		case choseEpoch(m):
			text += "; it only helped to choose their epoch"
		}
		if r.Test > 0 {
			text += ". The test rows were used only for these scores"
		}
		return text + "."
	}
	var what []string
	if choseEpoch(m) {
		what = append(what, "the epoch")
	}
	if strings.HasPrefix(m.Options.Threshold, "auto:") {
		what = append(what, "the threshold")
	}
	if c := t.Calibration; c != nil && c.Kept {
		what = append(what, "the temperature")
	}
	if s := m.Shrinkage; s != nil {
		what = append(what, "the shrinkage")
	}
	switch chose := strings.Join(what, " and "); {
	case r.Test > 0 && r.Validation > 0 && chose != "":
		return fmt.Sprintf("The test rows were used only for these scores; the validation rows also chose %s.", chose)
	case r.Test > 0 && r.Validation > 0:
		return "The test rows and the validation rows were used only for these scores."
	case r.Test > 0:
		return "The test rows were used only for these scores."
	case r.Validation > 0 && chose != "":
		return "The validation rows also chose " + chose + ", so their score is somewhat too good; --test 0.2 gives an honest one."
	case r.Validation > 0:
		return "The validation rows were used only for these scores."
	case r.Train < fewForTest:
		return "These scores are on the rows that the model was trained on."
	}
	return "These scores are on the rows that the model was trained on; --test 0.2 gives an honest score."
}

// choseEpoch reports whether validation rows chose the epoch of the model, or of one of its members.
func choseEpoch(m *model.Model) bool {
	return m.Training.BestEpoch > 0 || slices.ContainsFunc(m.Members(), func(one *model.Model) bool { return one.Training.BestEpoch > 0 })
}

// fewForTest is the number of rows below which no test rows are suggested.
const fewForTest = 10

// shellWords writes a call as it is typed in a shell.
func shellWords(words []string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = shellWord(w)
	}
	return strings.Join(quoted, " ")
}

// shellWord quotes a word for a shell if necessary.
func shellWord(s string) string { return shell.Word(s) }

// judging names the rows that chose the threshold: those out of fold, if there are any.
func judging(m *model.Model) string {
	if m.Training.Metrics.OutOfFold != nil {
		return "out-of-fold"
	}
	return "validation"
}
