package cli

import (
	"strings"
	"unicode/utf8"
)

// A grid is a table of text in aligned columns. Its first row has the headings; in a grid without headings that row is
// nil. The first column names the rows.
type grid struct {
	rows [][]string

	// align has a letter for each column: l for left, r for right, and t for text, which is aligned left and wraps. Only
	// the last column can be text. Default: the first column left, and the others right.
	align  string
	indent int // blanks before each line
	cut    int // the column before which a grid that is too wide is cut first; 0: none
}

const gap = 2 // blanks between two columns

// writeGrid writes a grid that fits the terminal, or 80 columns if standard output is not a terminal.
func (e *env) writeGrid(g grid) {
	for _, line := range g.lines(e.width()) {
		e.printf("%s\n", line)
	}
}

// add adds a row.
func (g *grid) add(cells ...string) { g.rows = append(g.rows, cells) }

// lines returns the lines of the grid. If they would be longer than width, it breaks headings at blanks and
// underscores, those first that then save most. If that is not enough, it writes the columns in blocks below each other, each with the names of the rows.
func (g grid) lines(width int) (lines []string) {
	columns := 0
	for _, row := range g.rows {
		columns = max(columns, len(row))
	}
	headings := make([][]string, columns)
	for j := range headings {
		headings[j] = []string{cell(g.rows[0], j)}
	}
	widths := g.widths(headings)
	broken := g.broken(headings)
	for narrow := g.widths(broken); g.indent+spread(widths) > width; {
		most := 0
		for j := range columns {
			if widths[j]-narrow[j] > widths[most]-narrow[most] {
				most = j
			}
		}
		if widths[most] == narrow[most] {
			break
		}
		headings[most], widths[most] = broken[most], narrow[most]
	}
	if last := columns - 1; g.letter(last) == 't' {
		if others := g.indent + spread(widths[:last]) + gap; others+widths[last] > width {
			widths[last] = max(width-others, 20)
		}
	}
	whole := g.indent+spread(widths) <= width
	for start := 1; start < columns; {
		block, used := []int{0}, g.indent+widths[0]
		for j := start; j < columns && (j == start || used+gap+widths[j] <= width) && (whole || j == start || j != g.cut); j++ {
			block, used = append(block, j), used+gap+widths[j]
		}
		if start > 1 {
			lines = append(lines, "")
		}
		lines = append(lines, g.block(block, headings, widths)...)
		start += len(block) - 1
	}
	return lines
}

// block returns the lines of some of the columns.
func (g grid) block(columns []int, headings [][]string, widths []int) (lines []string) {
	tall := 0
	for _, j := range columns {
		tall = max(tall, len(headings[j]))
	}
	line := func(of func(j int) string) {
		text := strings.Repeat(" ", g.indent)
		for i, j := range columns {
			if i > 0 {
				text += strings.Repeat(" ", gap)
			}
			s := of(j)
			blanks := strings.Repeat(" ", max(0, widths[j]-utf8.RuneCountInString(s)))
			if g.letter(j) == 'r' {
				text += blanks + s
			} else {
				text += s + blanks
			}
		}
		lines = append(lines, strings.TrimRight(text, " "))
	}
	for i := range tall {
		if g.rows[0] == nil {
			break
		}
		line(func(j int) string { return cell(headings[j], i-tall+len(headings[j])) }) // the last lines are level
	}
	for _, row := range g.rows[1:] {
		parts := [][]string{row}
		if last := len(row) - 1; g.letter(last) == 't' {
			for i, text := range strings.Split(wrap(row[last], "", widths[last]), "\n") {
				if i > 0 {
					parts = append(parts, make([]string, len(row)))
				} else {
					parts[0] = append([]string{}, row...)
				}
				parts[i][last] = text
			}
		}
		for _, part := range parts {
			line(func(j int) string { return cell(part, j) })
		}
	}
	return lines
}

// letter returns how a column is aligned.
func (g grid) letter(column int) byte {
	switch {
	case column >= 0 && column < len(g.align):
		return g.align[column]
	case column == 0:
		return 'l'
	}
	return 'r'
}

// widths returns how wide the columns are.
func (g grid) widths(headings [][]string) []int {
	widths := make([]int, len(headings))
	for j := range headings {
		for _, part := range headings[j] {
			widths[j] = max(widths[j], utf8.RuneCountInString(part))
		}
		for _, row := range g.rows[1:] {
			widths[j] = max(widths[j], utf8.RuneCountInString(cell(row, j)))
		}
	}
	return widths
}

// broken returns the headings with those broken that are wider than the cells below them.
func (g grid) broken(headings [][]string) [][]string {
	out := make([][]string, len(headings))
	for j, heading := range headings {
		words := strings.Fields(strings.ReplaceAll(heading[0], "_", "_ "))
		most := 0
		for _, word := range words {
			most = max(most, utf8.RuneCountInString(word))
		}
		for _, row := range g.rows[1:] {
			most = max(most, utf8.RuneCountInString(cell(row, j)))
		}
		for _, word := range words {
			if last := len(out[j]) - 1; last >= 0 {
				joint := " "
				if strings.HasSuffix(out[j][last], "_") {
					joint = ""
				}
				if joined := out[j][last] + joint + word; utf8.RuneCountInString(joined) <= most {
					out[j][last] = joined
					continue
				}
			}
			out[j] = append(out[j], word)
		}
	}
	return out
}

// cell returns a cell, or "" if the row does not have it.
func cell(row []string, j int) string {
	if j < 0 || j >= len(row) {
		return ""
	}
	return row[j]
}

// spread returns the width of columns with the gaps between them.
func spread(widths []int) int {
	total := 0
	for i, w := range widths {
		if i > 0 {
			total += gap
		}
		total += w
	}
	return total
}

// writeBars writes a grid whose rows end with a bar, as long as the row's value is large. The bars take the rest of the width, up to
// 30 characters. Values that are not above 0 have none.
func (e *env) writeBars(g grid, values []float64, most float64) {
	full := min(30, e.width()-spread(g.widths(make([][]string, len(g.rows[len(g.rows)-1]))))-gap)
	for i, value := range values {
		bar := ""
		if value > 0 && full > 0 {
			bar = strings.Repeat("█", int(value/most*float64(full)+0.5))
		}
		g.rows[1+i] = append(g.rows[1+i], bar)
	}
	g.align += "l"
	e.writeGrid(g)
}
