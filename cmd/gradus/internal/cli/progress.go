package cli

import (
	"fmt"
	"io"
	"math"
	"strings"
	"sync"
	"time"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/model"
	"github.com/gradus-ml/gradus/train"
	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
)

// progress shows how a run goes, on standard error.
type progress interface {
	show(train.Step)
	done()
}

// newProgress returns a bar on a terminal and plain lines elsewhere. For an ensemble it returns a line for each member.
func newProgress(w io.Writer, f *model.Fit) progress {
	if f.Members() > 1 {
		return &memberLines{w: w, all: f.Members()}
	}
	epochs := f.Config().Epochs
	if f.Config().Method == train.PerSample {
		epochs *= f.Rows.Train
	}
	if width := terminalWidth(w); width > 0 {
		return newBar(w, width, f.Epoch(), paceOf(f, epochs), scoreName(f))
	}
	return &lines{w: w, pace: paceOf(f, epochs), score: scoreName(f), start: time.Now(), next: 1}
}

// A pace says how far a run has come within an epoch, which may take hours.
type pace struct {
	epochs  int
	rows    int // of an epoch
	updates int // of an epoch; 0: that is not known beforehand
}

func paceOf(f *model.Fit, epochs int) pace {
	p, c := pace{epochs: epochs, rows: f.Rows.Train}, f.Config()
	if c.Solver == nil && c.Method != train.PerSample {
		p.updates = max(1, (p.rows+c.BatchSize-1)/c.BatchSize)
	}
	return p
}

// share returns the part of the epoch that is done after an update.
func (p pace) share(s train.Step) float64 { return float64((s.N-1)%p.updates+1) / float64(p.updates) }

// left returns the time that the rest of the run takes at so many samples a second.
func (p pace) left(s train.Step, speed float64) time.Duration {
	seconds := (float64(p.epochs-s.Epoch+1) - p.share(s)) * float64(p.rows) / speed
	return time.Duration(seconds * float64(time.Second)).Round(time.Second)
}

// scoreName returns the name of the metric that chooses the epoch, or "" if the loss does.
func scoreName(f *model.Fit) string {
	if f.Config().Score == nil {
		return ""
	}
	return f.Options.Metrics[0]
}

type silent struct{}

func (silent) show(train.Step) {}
func (silent) done()           {}

// lines writes a line for some epochs: for the first, and then at growing intervals, at most twice
// a second. Within an epoch that takes long it writes one every longEpoch.
type lines struct {
	pace
	w      io.Writer
	name   string // of what trains, with a blank after it, if it is not the only one
	score  string // see scoreName
	start  time.Time
	rows   int
	next   int       // the epoch from which the next line is due
	last   time.Time // when the last was written
	within time.Time // when the last line within an epoch was written, or when an epoch ended
	wrote  bool
}

// longEpoch is how long an epoch runs before its progress is shown. On a terminal a tenth of that is enough. Tests make it short.
var longEpoch = 10 * time.Second

func (l *lines) show(s train.Step) {
	l.rows += s.Updates * s.Rows
	if !s.EpochEnd {
		l.showWithin(s)
		return
	}
	l.within = time.Now()
	if s.Epoch < l.next || l.wrote && time.Since(l.last) < time.Second/2 {
		return
	}
	l.next = s.Epoch + max(1, s.Epoch/4)
	l.last, l.wrote = time.Now(), true
	fmt.Fprintf(l.w, "epoch %d of %d: loss %s%s, rate %.3g, %s samples/s\n",
		s.Epoch, l.epochs, short(s.EpochLoss), validationText(s, l.score), s.LearningRate, count(float64(l.rows)/time.Since(l.start).Seconds()))
}

// showWithin writes how far the epoch has come.
func (l *lines) showWithin(s train.Step) {
	if l.within.IsZero() {
		l.within = l.start
	}
	if l.updates == 0 || time.Since(l.within) < longEpoch {
		return
	}
	l.within = time.Now()
	speed := float64(l.rows) / time.Since(l.start).Seconds()
	fmt.Fprintf(l.w, "%sepoch %d of %d: %.0f %%, loss of the batch %s, rate %.3g, %s samples/s, %v left\n",
		l.name, s.Epoch, l.epochs, 100*l.share(s), short(s.Loss), s.LearningRate, count(speed), l.left(s, speed))
}

func (l *lines) done() {}

// foldLines reports the folds of a cross-validation as they end, and the progress within long epochs.
type foldLines struct {
	w     io.Writer
	all   int
	lock  sync.Mutex
	folds map[int]*lines
	ended int
}

// show is called after a step of fold k.
func (l *foldLines) show(k int, f *model.Fit, s train.Step) {
	if f.Members() > 1 {
		return // its members' steps come in any order
	}
	l.lock.Lock()
	defer l.lock.Unlock()
	own := l.folds[k]
	if own == nil {
		own = &lines{w: l.w, name: fmt.Sprintf("fold %d: ", k+1), pace: paceOf(f, f.Config().Epochs), start: time.Now()}
		l.folds[k] = own
	}
	own.rows += s.Updates * s.Rows
	if s.EpochEnd {
		own.within = time.Now()
		return
	}
	own.showWithin(s)
}

// end is called when fold k has ended.
func (l *foldLines) end(k int, m *model.Model) {
	l.lock.Lock()
	defer l.lock.Unlock()
	l.ended++
	fmt.Fprintf(l.w, "fold %d: %d epochs, %s (%d of %d folds)\n", k+1, m.Training.Epochs, scoresText(m.Training.Metrics.Test.Scores), l.ended, l.all)
}

func validationText(s train.Step, score string) string {
	if math.IsNaN(s.Validation) {
		return ""
	}
	text := ", validation " + short(s.Validation)
	if score != "" {
		text += fmt.Sprintf(" (%s %s)", score, short(s.Score))
	}
	return text
}

// bar is a progress bar with the results of the last epoch.
type bar struct {
	pace
	pool  *mpb.Progress
	bar   *mpb.Bar
	text  chan string // the latest text; holds at most one
	shown string
	start time.Time
	last  time.Time // when the text was last made
	seen  int       // rows
	from  int       // epochs done before, in a run that is continued
	score string    // see scoreName
	width int       // of the terminal, in characters
}

// barWidth is the width of the bar itself, in characters.
const barWidth = 12

func newBar(w io.Writer, width, from int, p pace, score string) *bar {
	b := &bar{pace: p, text: make(chan string, 1), start: time.Now(), from: from, score: score, width: width}
	b.pool = mpb.New(mpb.WithOutput(w), mpb.WithWidth(barWidth), mpb.WithRefreshRate(100*time.Millisecond))
	b.bar = b.pool.New(int64(p.epochs), mpb.BarStyle().Rbound("]").Lbound("["),
		mpb.PrependDecorators(decor.CountersNoUnit("epoch %d/%d ")),
		mpb.AppendDecorators(decor.Any(func(decor.Statistics) string {
			select {
			case b.shown = <-b.text:
			default:
			}
			return b.shown
		})),
	)
	return b
}

func (b *bar) show(s train.Step) {
	b.seen += s.Updates * s.Rows
	pause := 50 * time.Millisecond
	if !s.EpochEnd {
		pause = longEpoch / 10
	}
	if !s.EpochEnd && (b.updates == 0 || time.Since(b.start) < pause) || time.Since(b.last) < pause {
		return
	}
	b.last = time.Now()
	took := b.last.Sub(b.start)
	speed := float64(b.seen) / took.Seconds()
	room := b.width - len(fmt.Sprintf("epoch %d/%d ", b.epochs, b.epochs)) - barWidth - 1
	text := ""
	if s.EpochEnd {
		left := time.Duration(float64(took) / float64(s.Epoch-b.from) * float64(b.epochs-s.Epoch)).Round(time.Second)
		text = barText(room, s, b.score, left, speed)
	} else {
		text = withinText(room, s, b.share(s), b.left(s, speed), speed)
	}
	select {
	case <-b.text:
	default:
	}
	b.text <- text
	if s.EpochEnd {
		b.bar.SetCurrent(int64(s.Epoch))
	}
}

// A barPart is a part of the text after the bar.
type barPart struct {
	text string
	want int // the order in which the parts get room
}

// barText returns the text after the bar, in up to room characters: first of all the time left and the
// loss, then as much of the rest as fits.
func barText(room int, s train.Step, score string, left time.Duration, speed float64) string {
	parts := []barPart{
		{" loss " + short(s.EpochLoss), 1},
		{validationText(s, ""), 2},
		{fmt.Sprintf(", %s %s", score, short(s.Score)), 3},
		{fmt.Sprintf(", rate %.3g", s.LearningRate), 5},
		{fmt.Sprintf(", %s samples/s", count(speed)), 4},
		{fmt.Sprintf(", %v left", left), 0},
	}
	if score == "" {
		parts[2].text = ""
	}
	return fitting(room, parts)
}

// withinText is barText during an epoch. share is the part of the epoch that is done.
func withinText(room int, s train.Step, share float64, left time.Duration, speed float64) string {
	return fitting(room, []barPart{
		{fmt.Sprintf(" %.0f %% of the epoch", 100*share), 1},
		{", loss of the batch " + short(s.Loss), 2},
		{fmt.Sprintf(", rate %.3g", s.LearningRate), 4},
		{fmt.Sprintf(", %s samples/s", count(speed)), 3},
		{fmt.Sprintf(", %v left", left), 0},
	})
}

// fitting returns those of the parts that fit in room characters.
func fitting(room int, parts []barPart) string {
	shown := make([]string, len(parts))
	for want := range len(parts) {
		for i, p := range parts {
			if p.want == want && len(p.text) <= room {
				shown[i] = p.text
				room -= len(p.text)
			}
		}
	}
	return " " + strings.TrimLeft(strings.Join(shown, ""), ", ")
}

func (b *bar) done() {
	b.bar.Abort(true)
	b.pool.Wait()
}

// short writes a number with four significant digits.
func short(x float64) string { return fmt.Sprintf("%.4g", x) }

// count writes 1234567 as 1.2M.
func count(x float64) string {
	switch {
	case x >= 1e9:
		return fmt.Sprintf("%.1fG", x/1e9)
	case x >= 1e6:
		return fmt.Sprintf("%.1fM", x/1e6)
	case x >= 1e4:
		return fmt.Sprintf("%.0fk", x/1e3)
	}
	return fmt.Sprintf("%.0f", x)
}

// preparing shows on standard error how far the reading and preparation of a table have come, if that
// takes longer than a moment. On a terminal it is one line that changes; elsewhere it is an occasional line.
type preparing struct {
	w        io.Writer
	terminal bool
	start    time.Time // of the stage
	last     time.Time // when something was written
	wrote    bool      // something, which is on the terminal's line
}

// newPreparing returns nil, which shows nothing, if quiet is true.
func newPreparing(w io.Writer, quiet bool) *preparing {
	if quiet {
		return nil
	}
	return &preparing{w: w, terminal: terminalWidth(w) > 0, start: time.Now(), last: time.Now()}
}

// read returns the function that is called with how far the reading of a file has come.
func (p *preparing) read(name string) func(data.Progress) {
	if p == nil {
		return nil
	}
	p.start = time.Now()
	return func(at data.Progress) {
		part := ""
		if at.Share > 0 {
			part = fmt.Sprintf("%.0f %%, ", 100*at.Share)
		}
		seconds := time.Since(p.start).Seconds()
		p.show(fmt.Sprintf("reading %s: %s%.0f MB, %.0f MB/s, %s rows", name, part, float64(at.Bytes)/1e6, float64(at.Bytes)/1e6/seconds, count(float64(at.Rows))))
	}
}

// stage returns the function that shows which stage comes next.
func (p *preparing) stage(rows int) func(string) {
	if p == nil {
		return nil
	}
	return func(what string) {
		p.show(map[string]string{
			"types": "finding the types of the columns", "scales": "finding scales and categories", "encoding": "encoding",
		}[what] + " of " + count(float64(rows)) + " rows")
	}
}

// rows returns the function that shows of how many rows something has been done.
func (p *preparing) rows(what string) func(rows, of int) {
	if p == nil {
		return nil
	}
	var start time.Time
	before := 0
	return func(rows, of int) {
		if start.IsZero() {
			start, before = time.Now(), rows
			return
		}
		speed := float64(rows-before) / time.Since(start).Seconds()
		left := time.Duration(float64(of-rows) / speed * float64(time.Second)).Round(time.Second)
		p.show(fmt.Sprintf("%s: %.0f %%, %s rows/s, %v left", what, 100*float64(rows)/float64(of), count(speed), left))
	}
}

func (p *preparing) show(text string) {
	pause := 2 * time.Second
	if p.terminal {
		pause = 200 * time.Millisecond
	}
	if time.Since(p.last) < pause {
		return
	}
	p.last = time.Now()
	if !p.terminal {
		fmt.Fprintln(p.w, text)
		return
	}
	fmt.Fprintf(p.w, "\r\x1b[K%s", text)
	p.wrote = true
}

// done clears the terminal's line.
func (p *preparing) done() {
	if p != nil && p.wrote {
		fmt.Fprint(p.w, "\r\x1b[K")
		p.wrote = false
	}
}
