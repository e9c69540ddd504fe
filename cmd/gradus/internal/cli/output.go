package cli

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"strings"
	"unicode/utf8"

	"golang.org/x/term"
)

// output is standard output. It remembers whether something could not be written.
type output struct {
	w     io.Writer
	err   error
	width int    // of the terminal, in characters; 0: it is not a terminal
	line  string // the text of a line that has not ended, written through wrapped
}

func (o *output) Write(p []byte) (int, error) {
	n, err := o.w.Write(p)
	var path *fs.PathError
	switch {
	case o.err != nil:
	case errors.As(err, &path):
		o.err = path.Err
	default:
		o.err = err
	}
	return n, err
}

// endLine writes the text of a line that has not ended.
func (o *output) endLine() {
	if o.line != "" {
		io.WriteString(o, wrapLine(o.line, o.width))
		o.line = ""
	}
}

// wrapped writes text to a terminal, and breaks lines that are longer than the terminal is wide.
type wrapped struct{ *output }

func (o wrapped) Write(p []byte) (int, error) {
	lines := strings.Split(o.line+string(p), "\n")
	for i, line := range lines[:len(lines)-1] {
		lines[i] = wrapLine(line, o.width)
	}
	o.line = lines[len(lines)-1]
	lines[len(lines)-1] = ""
	_, err := o.output.Write([]byte(strings.Join(lines, "\n")))
	return len(p), err
}

// labelWidth is the width of a label such as "Note" with the blanks after it, in characters.
const labelWidth = 9

// wrapLine breaks a line into lines of at most width characters, which are indented like the first. It leaves calls of
// gradus whole, so that they can be copied, and lines of tables, which have gaps of several blanks.
func wrapLine(line string, width int) string {
	text := strings.TrimLeft(line, " ")
	indent := len(line) - len(text)
	if label, _, found := strings.Cut(line, "  "); found && indent == 0 && !strings.Contains(label, " ") &&
		len(line) > labelWidth && strings.LastIndexByte(line[:labelWidth+1], ' ') == labelWidth-1 && strings.TrimSpace(line[:labelWidth]) == label {
		indent, text = labelWidth, line[labelWidth:]
	}
	if utf8.RuneCountInString(line) <= width || strings.HasPrefix(text, "gradus ") || strings.Contains(text, "  ") {
		return line
	}
	return wrap(text, line[:indent], width)
}

// wrap breaks a text into lines. The first begins with the bullet, and the others are indented to match.
func wrap(s, bullet string, width int) string {
	var b strings.Builder
	line := bullet
	for i, word := range strings.Fields(s) {
		if i > 0 && utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > width {
			b.WriteString(line + "\n")
			line = strings.Repeat(" ", len(bullet)) + word
			continue
		}
		if i > 0 {
			line += " "
		}
		line += word
	}
	return b.String() + line
}

// wrapLines wraps those of the lines that are longer than width.
func wrapLines(lines []string, width int) (out []string) {
	for _, line := range lines {
		if utf8.RuneCountInString(line) > width {
			line = wrap(line, "", width)
		}
		out = append(out, strings.Split(line, "\n")...)
	}
	return out
}

// wrap breaks a text into lines of at most 100 characters, or of the terminal's width if that is less.
func (e *env) wrap(s, bullet string) string {
	width := 100
	if out, ok := e.Out.(*output); ok && out.width > 0 {
		width = min(width, out.width)
	}
	return wrap(s, bullet, width)
}

// width returns the width of the terminal in characters, or 80 if standard output is not a terminal.
func (e *env) width() int {
	if out, ok := e.Out.(*output); ok && out.width > 0 {
		return out.width
	}
	return 80
}

// terminalWidth returns the width of a terminal in characters, or 0 if w is not a terminal.
func terminalWidth(w io.Writer) int {
	file, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) {
		return 0
	}
	width, _, err := term.GetSize(int(file.Fd()))
	if err != nil || width < 1 {
		return 80
	}
	return width
}
