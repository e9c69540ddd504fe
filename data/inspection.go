package data

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/gradus-ml/gradus/internal/plural"
)

// An inspection is the result of looking at one column: its cells in their spelling, and what they have
// in common.
type inspection struct {
	c        *column // in its spelling
	rows     []int   // rows that were looked at; nil: all
	profile  profile
	spelling *Spelling
	note     Note    // a remark for the report, or nil
	given    bool    // the spelling of its dates was given
	codes    bool    // of a target: numbers that name classes as they are written
	fixed    Kind    // kind given by the source; "": none
	unclear  bool    // a comma in its cells may be a decimal sign or a thousands separator
	strays   *strays // nil: no spelling fits nine of ten cells
}

// kind returns the inferred kind of the column.
func (l *inspection) kind() Kind {
	if l.fixed != "" {
		return l.fixed
	}
	if l.spelling != nil && l.spelling.Layout != "" {
		return KindDate
	}
	return l.profile.kind()
}

// readSpelling reads the options that say how cells are written.
func (s *Schema) readSpelling(t *Table, opt SchemaOptions) error {
	switch opt.Decimal {
	case "", ".", ",":
	default:
		return fail(ErrOption, "the decimal sign %s is neither a point nor a comma", quote(opt.Decimal))
	}
	for _, name := range sortedKeys(opt.DateFormat) {
		if t.Index(name) < 0 {
			return misfit(unknownColumn(t, ErrColumn, "to read dates from", name))
		}
		if err := checkLayout(opt.DateFormat[name]); err != nil {
			return err
		}
	}
	if len(opt.Missing) == 0 {
		return nil
	}
	s.spelling = &Spelling{Missing: slices.Clone(usualMissing)}
	for _, word := range opt.Missing {
		word = strings.TrimSpace(word)
		if strings.EqualFold(word, "none") {
			if others := slices.DeleteFunc(slices.Clone(opt.Missing), func(w string) bool { return strings.EqualFold(strings.TrimSpace(w), "none") }); len(others) > 0 {
				return fail(ErrOption, "none says that no word means missing, but %s is given as well: give words, or none alone", list(others))
			}
			s.spelling.Missing = nil
			return nil
		}
		s.spelling.Missing = append(s.spelling.Missing, word)
	}
	return nil
}

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K {
	keys := make([]K, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// null is what PostgreSQL and MySQL write for a missing cell of any kind. It is missing in all
// columns of a table that has it, unless SchemaOptions.Missing says something else.
const null = `\N`

// gone reports which words in cells of a category are treated as missing although no option said so;
// nil if there are none. For numbers no report is needed, because such words can only mean missing.
func (l *inspection) gone(c *column, t *Table) Note {
	counts := map[string]int{}
	for row := range t.rowsOf(l.rows) {
		if c.missing(row) {
			if s := c.text(row); s != "" {
				counts[s]++
			}
		}
	}
	if len(counts) == 0 {
		return nil
	}
	return noteOf(inCells(counts)+" taken for missing; if that is a value like others, say ", set("Missing", "none"))
}

// hasNull reports whether null is in any cell of the rows that are looked at.
func (s *Schema) hasNull() bool {
	for i := range s.table.cols {
		if s.table.cols[i].count(null, s.looked, s.table) > 0 {
			return true
		}
	}
	return false
}

// count returns how many cells of the rows, nil for all, have the given text. The text is not a number.
func (c *column) count(text string, rows []int, t *Table) int {
	n := 0
	switch c.form {
	case formNumbers:
		code := slices.Index(c.words, text)
		if code < 0 {
			return 0
		}
		for row := range t.rowsOf(rows) {
			if int(c.shape[row]) == shapeWord+code {
				n++
			}
		}
	case formLevels:
		for code := range c.means {
			if c.dict.at(uint32(code)) != text {
				continue
			}
			for row := range t.rowsOf(rows) {
				if int(c.codes.at(row)) == code {
					n++
				}
			}
			break
		}
	}
	return n
}

// inspect finds out how a column is spelled and what it holds in the given rows; nil means all.
// kind is the kind that was asked for, or "".
func (s *Schema) inspect(t *Table, col int, rows []int, kind Kind, layout, decimal string) inspection {
	l := s.inspectAt(t, col, rows, kind, layout, decimal)
	if asked := kind == "" || kind == KindNumber || kind == KindDate; asked && layout == "" && l.note == nil && l.kind() == KindCategory && l.profile.words > 0 {
		l.strays = l.findStrays(t, decimal)
	}
	if s.null {
		if n := t.cols[col].count(null, rows, t); n > 0 {
			l.remark(noteOf(fmt.Sprintf("%s in %s taken for missing; if it is a word like others, say ", quote(null), plural.Of(n, "cell")), set("Missing", "NA")))
		}
	}
	if (s.spelling == nil || s.null) && cmp.Or(kind, l.kind()) == KindCategory && l.profile.words > 0 {
		l.remark(l.gone(&t.cols[col], t))
	}
	return l
}

// remark puts a note before the present note on the column.
func (l *inspection) remark(said Note) {
	if said != nil && l.note != nil {
		said = noteOf(said, "; ")
	}
	l.note = noteOf(said, l.note)
}

// inspectAt is inspect without remarks on words that are missing in every kind of column.
func (s *Schema) inspectAt(t *Table, col int, rows []int, kind Kind, layout, decimal string) inspection {
	fixed := Kind("")
	if kind == "" && layout == "" {
		fixed = t.cols[col].fixed
		kind = fixed
	}
	if t.cols[col].typed && !t.cols[col].mixed {
		decimal = "." // numbers are themselves, and only words among them have a spelling
	}
	levels := kind != "" && kind != KindNumber
	l := inspection{fixed: fixed, c: t.cols[col].spelled(s.spelling), rows: rows, spelling: s.spelling}
	l.profile = profileColumn(l.c, rows, levels)
	p := &l.profile
	if layout != "" {
		l.spelling = s.spelling.copy()
		l.spelling.Layout, l.given = layout, true
		l.c = t.cols[col].spelled(l.spelling)
		l.profile = profileColumn(l.c, rows, true)
		return l
	}
	if fixed != "" || kind == KindCategory || kind == KindBoolean || p.kind() == KindBoolean {
		return l
	}
	if kind != KindDate && p.kind() != KindDate && (p.words > 0 || decimal == "," && p.numbers > 0) {
		if p.words == 0 {
			p.look(l.c, rows)
		}
		switch sp, found := findSpelling(p.names(), s.spelling, decimal); found {
		case numbersSo:
			l.respell(t, col, rows, sp, "a number")
			return l
		case unclear:
			l.unclear = true
			first := firstWith(p.names(), ",")
			l.note = noteOf(fmt.Sprintf("%s may be %s or %s: say ", quote(first), readAs(first, ","), readAs(first, ".")), set("Decimal", ","), " or ", set("Decimal", "."))
			return l
		default:
			l.note = l.units(t, rows)
		}
	}
	if kind == "" && p.numeric() {
		l.note = l.numbersNote(t.columns[col], decimal)
	}
	if kind != KindNumber && p.words > 0 && !(p.kind() == KindDate) {
		sp, doubt := findLayout(p.names(), s.spelling)
		switch {
		case sp != nil:
			l.respell(t, col, rows, sp, "a date")
			l.remark(l.twoNotations(t, rows))
		case doubt != nil:
			layout := func(s string) Part { return set("DateFormat", t.columns[col]+"="+s) }
			l.note = noteOf(fmt.Sprintf("the cells are dates, but %s may be %s or %s: say ", quote(doubt.text), dateAs(doubt.one, doubt.text), dateAs(doubt.other, doubt.text)),
				layout(doubt.one), " or ", layout(doubt.other))
		}
	}
	if p.kind() == KindDate {
		if said := l.twoNotations(t, rows); said != nil && l.spelling == s.spelling {
			l.remark(noteOf(said, "; if that is wrong, say ", typed(t.columns[col], KindCategory)))
		}
		if s := zoned(p.names()); s != "" {
			utc, _, _, _ := parseDate(strings.TrimSpace(s))
			l.remark(Notef("times are counted in UTC, %s as %s", quote(s), utc.Format(layoutSecond)))
		}
	}
	return l
}

// numbersNote says what else a column of ordinary numbers could be.
func (l *inspection) numbersNote(name, decimal string) Note {
	if zeros, _ := l.c.codeLike(l.rows); zeros {
		return noteOf("zeros in front of whole numbers count for nothing; if the cells are codes, say ", typed(name, KindCategory))
	}
	if row := l.pointedThousand(); decimal == "" && row >= 0 {
		text := l.c.text(row)
		return noteOf(fmt.Sprintf("%s is read as %s; if the point separates thousands, say ", quote(text), text), set("Decimal", ","))
	}
	return nil
}

// pointedThousand returns a row whose number could have a thousands separator, such as 3.481, or -1. There is such
// a row if all numbers with a point are at least 1 and have three decimals, and all others are below 1000.
func (l *inspection) pointedThousand() int {
	c := l.c
	if c.form != formNumbers || c.clock {
		return -1
	}
	pointed, plain, first := 0, 0, -1
	for i := range c.shape {
		row := i
		if l.rows != nil {
			if i == len(l.rows) {
				break
			}
			row = l.rows[i]
		}
		s := c.shape[row]
		if s >= shapeWord {
			continue
		}
		x, _ := c.number(row)
		switch decimals := s & (shapeMinus - 1); {
		case s == shapePlain || s == shapeOdd:
			return -1
		case decimals == 0 && math.Abs(x) < 1000:
			plain++
		case decimals == 3 && math.Abs(x) >= 1 && math.Abs(x) < 1000:
			if pointed++; first < 0 {
				first = row
			}
		default:
			return -1
		}
	}
	if pointed < 10 || plain == 0 {
		return -1
	}
	return first
}

// units returns a remark on cells that are all numbers but have different units or currencies; nil
// if they do not.
func (l *inspection) units(t *Table, rows []int) Note {
	p := &l.profile
	if p.numbers >= 9*p.words { // otherwise the words are more likely mistakes
		return nil
	}
	unit := make([]string, p.view.dict.len()) // of each level
	cells := map[string]int{}
	plain := true // every unit is a single letter, as of seats and rooms
	for _, code := range p.levels {
		s := p.view.dict.at(code)
		var sp Spelling
		if _, what := parseTrimmed(s); what != number && !(sp.around(s) && sp.fits([]string{s})) {
			return nil
		}
		unit[code] = sp.Before + sp.After
		cells[unit[code]] = 0
		plain = plain && len(unit[code]) < 2
	}
	if len(cells) < 2 || len(cells) > 12 || plain {
		return nil
	}
	for row := range t.rowsOf(rows) {
		if p.view.means[p.view.codes.at(row)].c != missing {
			cells[unit[p.view.codes.at(row)]]++
		}
	}
	var said []string
	units := sortedKeys(cells)
	slices.SortStableFunc(units, func(a, b string) int { return cmp.Compare(cells[b], cells[a]) })
	for _, u := range units {
		what := quote(u)
		if u == "" {
			what = "none"
		}
		said = append(said, fmt.Sprintf("%s in %s", what, plural.Of(cells[u], "cell")))
	}
	return Notef("the cells are numbers of different units, %s, so they stay text: bring them to one unit to have them read as numbers", strings.Join(said, ", "))
}

// twoNotations says how many dates are ISO dates and how many are not; nil if all are the same. 31.12.1999 and 31/12/1999
// are not ISO dates.
func (l *inspection) twoNotations(t *Table, rows []int) Note {
	p := &l.profile
	var cells [2]int
	var first [2]string
	which := make([]int, p.view.dict.len())
	for _, code := range p.levels {
		s := p.view.dict.at(code)
		if !isISO(s) {
			which[code] = 1
		}
		if w := which[code]; first[w] == "" {
			first[w] = s
		}
	}
	if first[0] == "" || first[1] == "" {
		return nil
	}
	for row := range t.rowsOf(rows) {
		if code := p.view.codes.at(row); p.view.means[code].c != missing {
			cells[which[code]]++
		}
	}
	return Notef("the dates are written in two ways, %s in %s and %s in %s", quote(first[0]), plural.Of(cells[0], "cell"), quote(first[1]), plural.Of(cells[1], "cell"))
}

// names returns the levels' texts.
func (p *profile) names() []string {
	names := make([]string, len(p.levels))
	for i, code := range p.levels {
		names[i] = p.view.dict.at(code)
	}
	return names
}

// respell applies a spelling that was found for the column, and notes what that did to cells.
func (l *inspection) respell(t *Table, col int, rows []int, sp *Spelling, as string) {
	before := l.c
	l.spelling, l.c = sp, t.cols[col].spelled(sp)
	l.profile = profileColumn(l.c, rows, sp.Layout != "")
	counts := map[string]int{} // number of cells per word that became missing
	odd, first := 0, -1        // cells that became a number or a date
	see := func(row int) {
		if before.missing(row) {
			return
		}
		if l.c.missing(row) {
			counts[t.cols[col].text(row)]++
			return
		}
		if _, what := before.number(row); what == word {
			if odd++; first < 0 {
				first = row
			}
		}
	}
	for row := range t.rowsOf(rows) {
		see(row)
	}
	var done []string
	if len(counts) > 0 {
		done = append(done, inCells(counts)+" taken for missing")
	}
	value := func(text string) string {
		if sp.Layout != "" {
			return dateAs(sp.Layout, text)
		}
		x, _ := sp.parse(text)
		return formatNumber(x)
	}
	if odd > 0 {
		text := t.cols[col].text(first)
		if value(text) == text { // another cell may be a better example
			if i := slices.IndexFunc(l.profile.names(), func(s string) bool { return value(s) != s }); i >= 0 {
				text = l.profile.names()[i]
			}
		}
		if value(text) != text {
			done = append(done, fmt.Sprintf("%s read as %s, %s as %s", plural.Of(odd, "cell"), as, quote(text), value(text)))
		}
	}
	l.note = nil
	if done != nil {
		l.note = noteOf(strings.Join(done, "; ")+"; if that is wrong, say ", typed(t.columns[col], KindCategory))
	}
}

// inCells says in how many cells each word occurs, the most frequent first.
func inCells(counts map[string]int) string {
	words := sortedKeys(counts)
	slices.SortStableFunc(words, func(a, b string) int { return cmp.Compare(counts[b], counts[a]) })
	var said []string
	for i, w := range words {
		if i == 3 {
			said = append(said, fmt.Sprintf("%d other words", len(words)-3))
			break
		}
		said = append(said, fmt.Sprintf("%s in %s", quote(w), plural.Of(counts[w], "cell")))
	}
	return strings.Join(said, ", ")
}

func dateAs(layout, s string) string {
	d, clock, _ := parseLayout(layout, s)
	if clock {
		return d.Format(layoutSecond)
	}
	return d.Format(layoutDate)
}

// readAs shows how a number is read with the given decimal sign.
func readAs(s, decimal string) string {
	sp := Spelling{Decimal: decimal, Group: ","}
	if decimal == "," {
		sp.Group = "."
	}
	sp.around(s)
	x, _ := sp.parseNumber(s)
	return formatNumber(x)
}

func firstWith(texts []string, sign string) string {
	return texts[max(0, slices.IndexFunc(texts, func(s string) bool { return strings.Contains(s, sign) }))]
}

// commaIsDecimal returns the decimal sign, "," or ".", of the columns in which it is clear. It
// returns "" if there are none or if they disagree.
func commaIsDecimal(looks []inspection) string {
	found := ""
	for i := range looks {
		sp := looks[i].spelling
		if looks[i].unclear || sp == nil || sp.Layout != "" {
			continue
		}
		sign := ""
		switch {
		case sp.Decimal == ",":
			sign = ","
		case sp.Group == ",":
			sign = "."
		default:
			continue
		}
		if found != "" && found != sign {
			return ""
		}
		found = sign
	}
	return found
}
