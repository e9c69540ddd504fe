package data

import (
	"slices"
	"strings"
	"time"
)

// layouts are the ways to write dates, in strftime notation, besides those that parseDate
// reads. A time of day and a zone may follow any of them. If cells fit two layouts that give
// different days, the column is not treated as dates.
var layouts = []string{
	"%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d",
	"%d.%m.%Y", "%m.%d.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%m-%d-%Y",
	"%d.%m.%y", "%d/%m/%y", "%m/%d/%y",
	"%d-%m-%y", "%m-%d-%y",
	"%d-%b-%Y", "%d-%b-%y", "%d %b %Y", "%d %b %y", "%b %d, %Y", "%b %d %Y", "%Y-%b-%d",
	"%a, %d %b %Y", "%a %d %b %Y", "%a, %b %d, %Y", "%a %b %d %Y", "%a %b %d %H:%M:%S %Y",
	"%Y%m%dT%H%M%S",
	"%H:%M",
}

// checkLayout refuses a layout in SchemaOptions.DateFormat that is not supported.
func checkLayout(layout string) error {
	known := false
	for i := 0; i < len(layout); i++ {
		if layout[i] != '%' {
			continue
		}
		if i++; i == len(layout) || !strings.Contains("YymdHIMSfpbBaAzZ%", layout[i:i+1]) {
			return fail(ErrOption, "the layout %s of dates is not known: write it with %%Y %%y %%m %%d %%b (a month's name) %%H %%I %%M %%S %%p %%z, as in %%d/%%m/%%Y", quote(layout))
		}
		known = known || layout[i] != '%'
	}
	if !known {
		return fail(ErrOption, "the layout %s of dates names no part of one: write it like %%d/%%m/%%Y", quote(layout))
	}
	return nil
}

// parseLayout reads a trimmed cell as a date in a layout. A time of day may follow even if the
// layout has none. clock reports whether there was one.
func parseLayout(layout, s string) (t time.Time, clock, ok bool) {
	p := dateParser{rest: s, year: 1970, month: 1, day: 1}
	for i := 0; i < len(layout); i++ {
		c := layout[i]
		switch {
		case c == '%' && i+1 < len(layout):
			i++
			ok = p.part(layout[i])
		case c == ' ':
			p.blanks()
			ok = true
		default:
			ok = len(p.rest) > 0 && p.rest[0] == c
			if ok {
				p.rest = p.rest[1:]
			}
		}
		if !ok {
			return t, false, false
		}
	}
	if !p.clock && p.rest != "" {
		if p.rest[0] == 'T' || p.rest[0] == 't' || p.rest[0] == ',' {
			p.rest = p.rest[1:]
		} else if p.rest[0] != ' ' {
			return t, false, false
		}
		p.blanks()
		if !p.part('H') || !p.literal(':') || !p.part('M') {
			return t, false, false
		}
	}
	if p.clock && p.rest != "" {
		if p.rest[0] == ':' {
			p.rest = p.rest[1:]
			if !p.part('S') {
				return t, false, false
			}
		}
		p.blanks()
		if p.rest != "" && (p.rest[0]|0x20 == 'a' || p.rest[0]|0x20 == 'p') && !p.part('p') {
			return t, false, false
		}
		p.blanks()
		if p.rest != "" && !p.part('z') {
			return t, false, false
		}
	}
	if p.rest != "" || p.half != 0 && (p.hour < 1 || p.hour > 12) {
		return t, false, false
	}
	switch {
	case p.half == 'a' && p.hour == 12:
		p.hour = 0
	case p.half == 'p' && p.hour < 12:
		p.hour += 12
	}
	if p.hour > 23 || p.minute > 59 || p.second > 60 {
		return t, false, false
	}
	t = time.Date(p.year, time.Month(p.month), p.day, p.hour, p.minute, p.second, 0, time.UTC)
	if t.Month() != time.Month(p.month) { // 31 February
		return t, false, false
	}
	return t.Add(-p.zone), p.clock, true
}

// takesISO reports whether 1999-12-31 can stand beside the dates of a layout. It cannot if the layout has no year, or
// takes 1999-12-11 for the 12th of November.
func takesISO(layout string) bool {
	return (strings.Contains(layout, "%Y") || strings.Contains(layout, "%y")) && !strings.HasPrefix(layout, "%Y-%d") && !strings.HasPrefix(layout, "%Y/%d")
}

// Dates returns examples of dates that a column of dates takes, in ISO notation where it does, then in its own.
func (in *Input) Dates() []string {
	t := time.Date(1999, 12, 31, 23, 59, 59, 0, time.UTC)
	iso := layoutDate
	if in.Clock {
		iso = layoutSecond
	}
	if in.Spelling == nil || in.Spelling.Layout == "" {
		return []string{t.Format(iso)}
	}
	layout := in.Spelling.Layout
	own := writeLayout(layout, t)
	if in.Clock && !strings.ContainsAny(layout, "HI") {
		own += t.Format(" 15:04:05")
	}
	if !takesISO(layout) || own == t.Format(iso) {
		return []string{own}
	}
	return []string{t.Format(iso), own}
}

// writeLayout writes a date in a layout that checkLayout knows.
func writeLayout(layout string, t time.Time) string {
	parts := map[byte]string{'Y': "2006", 'y': "06", 'm': "01", 'd': "02", 'b': "Jan", 'B': "January", 'a': "Mon", 'A': "Monday",
		'H': "15", 'I': "03", 'M': "04", 'S': "05", 'p': "PM", 'z': "-0700", 'Z': "MST"}
	var b strings.Builder
	for i := 0; i < len(layout); i++ {
		switch {
		case layout[i] != '%' || i+1 == len(layout):
			b.WriteByte(layout[i])
			continue
		case parts[layout[i+1]] != "":
			b.WriteString(t.Format(parts[layout[i+1]]))
		case layout[i+1] == 'f':
			b.WriteByte('0')
		default:
			b.WriteByte(layout[i+1])
		}
		i++
	}
	return b.String()
}

// A dateParser reads the parts of a date one after another.
type dateParser struct {
	rest                 string
	year, month, day     int
	hour, minute, second int
	half                 byte // 'a' or 'p' of a 12-hour clock
	zone                 time.Duration
	clock                bool
}

func (p *dateParser) blanks() { p.rest = strings.TrimLeft(p.rest, " ") }

func (p *dateParser) literal(c byte) bool {
	if p.rest == "" || p.rest[0] != c {
		return false
	}
	p.rest = p.rest[1:]
	return true
}

// number reads a number of least to most digits, with a value from low to high.
func (p *dateParser) number(least, most, low, high int) (int, bool) {
	n, v := 0, 0
	for n < most && n < len(p.rest) && p.rest[n] >= '0' && p.rest[n] <= '9' {
		v = 10*v + int(p.rest[n]-'0')
		n++
	}
	if n < least || v < low || v > high {
		return 0, false
	}
	p.rest = p.rest[n:]
	return v, true
}

func (p *dateParser) part(what byte) (ok bool) {
	switch what {
	case 'Y':
		p.year, ok = p.number(4, 4, 1, 9999)
	case 'y':
		if p.year, ok = p.number(2, 2, 0, 99); ok {
			if p.year += 1900; p.year < 1969 {
				p.year += 100
			}
			ok = p.rest == "" || p.rest[0] < '0' || p.rest[0] > '9'
		}
	case 'm':
		p.month, ok = p.number(1, 2, 1, 12)
	case 'd':
		p.day, ok = p.number(1, 2, 1, 31)
	case 'b', 'B':
		p.month, ok = p.name(monthNames)
	case 'a', 'A':
		_, ok = p.name(weekdayNames)
	case 'H', 'I':
		p.hour, ok = p.number(1, 2, 0, 24)
		p.clock = true
	case 'M':
		p.minute, ok = p.number(2, 2, 0, 59)
		p.clock = true
	case 'S':
		if p.second, ok = p.number(2, 2, 0, 60); ok && len(p.rest) > 1 && (p.rest[0] == '.' || p.rest[0] == ',') {
			p.rest = p.rest[1:]
			_, ok = p.number(1, 9, 0, 999999999)
		}
	case 'f':
		_, ok = p.number(1, 9, 0, 999999999)
	case 'p':
		for _, half := range []string{"am", "pm", "a.m.", "p.m."} {
			if len(p.rest) >= len(half) && strings.EqualFold(p.rest[:len(half)], half) {
				p.half, p.rest = half[0], p.rest[len(half):]
				return true
			}
		}
	case 'z', 'Z':
		return p.offset()
	case '%':
		return p.literal('%')
	}
	return ok
}

var (
	monthNames   = []string{"january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december"}
	weekdayNames = []string{"sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"}
)

// name reads a name or its first three letters, with an optional period, and returns its place,
// starting at 1.
func (p *dateParser) name(names []string) (int, bool) {
	for i, name := range names {
		for _, n := range []int{len(name), 4, 3} {
			if n <= len(name) && len(p.rest) >= n && strings.EqualFold(p.rest[:n], name[:n]) && (n != 4 || name == "september" || name == "june" || name == "july") {
				p.rest = strings.TrimPrefix(p.rest[n:], ".")
				return i + 1, true
			}
		}
	}
	return 0, false
}

// zones maps zone names to their hours from UTC. They are the names of RFC 5322, and those of
// Europe and Japan that have only one offset.
var zones = map[string]time.Duration{
	"Z": 0, "UTC": 0, "GMT": 0, "WET": 0, "WEST": 1, "CET": 1, "CEST": 2, "EET": 2, "EEST": 3, "MSK": 3, "JST": 9,
	"EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7,
}

// offset reads a zone: a name, +02, +0200 or +02:00.
func (p *dateParser) offset() bool {
	if hours, ok := zones[strings.ToUpper(p.rest)]; ok {
		p.zone, p.rest = hours*time.Hour, ""
		return true
	}
	if p.rest == "" || p.rest[0] != '+' && p.rest[0] != '-' {
		return false
	}
	sign := time.Duration(1)
	if p.rest[0] == '-' {
		sign = -1
	}
	p.rest = p.rest[1:]
	hours, ok := p.number(2, 2, 0, 15)
	if !ok {
		return false
	}
	p.literal(':')
	minutes := 0
	if p.rest != "" {
		if minutes, ok = p.number(2, 2, 0, 59); !ok {
			return false
		}
	}
	p.zone = sign * (time.Duration(hours)*time.Hour + time.Duration(minutes)*time.Minute)
	return true
}

// isISO reports whether a cell is a date that parseDate reads, other than 31.12.1999.
func isISO(s string) bool {
	_, dotted, _, ok := parseDate(s)
	return ok && !dotted
}

// dateDoubt is a cell that is a different date in each of two layouts.
type dateDoubt struct{ text, one, other string }

// zoned returns the first of the dates with a zone other than UTC, or "".
func zoned(dates []string) string {
	at := slices.IndexFunc(dates, func(s string) bool {
		s = strings.TrimSpace(s)
		n := len(s)
		return n > len(layoutDate) && (s[n-6] == '+' || s[n-6] == '-') && s[n-3] == ':' && s[n-5:] != "00:00"
	})
	if at < 0 {
		return ""
	}
	return dates[at]
}

// findLayout finds the layout in which all levels are dates. Levels that the spelling treats as
// missing, or that are likely to be missing, are skipped, and the returned spelling treats them
// as missing. If two layouts fit but give different days for a level, sp is nil and doubt says which. ISO dates may occur among
// those of one layout.
func findLayout(levels []string, base *Spelling) (sp *Spelling, doubt *dateDoubt) {
	if sp, doubt = findLayoutOf(levels, base, false); sp == nil && doubt == nil {
		sp, doubt = findLayoutOf(levels, base, true)
	}
	return sp, doubt
}

// findLayoutOf is findLayout, with or without ISO dates among those of the layout.
func findLayoutOf(levels []string, base *Spelling, iso bool) (sp *Spelling, doubt *dateDoubt) {
	sp = base.copy()
	var texts []string
	candidates := layouts
	if iso {
		candidates = slices.DeleteFunc(slices.Clone(layouts), func(layout string) bool { return !takesISO(layout) })
	}
	for _, s := range levels {
		switch {
		case sp.missing(s) || iso && isISO(s):
			continue
		case isLikelyMissing(s):
			sp.Missing = append(sp.Missing, s)
			continue
		}
		var left []string
		for _, layout := range candidates {
			if _, _, ok := parseLayout(layout, s); ok {
				left = append(left, layout)
			}
		}
		if candidates = left; len(candidates) == 0 {
			return nil, nil
		}
		texts = append(texts, s)
	}
	if len(texts) == 0 {
		return nil, nil
	}
	sp.Layout = candidates[0]
	for _, other := range candidates[1:] {
		at := slices.IndexFunc(texts, func(s string) bool {
			x, _, _ := parseLayout(candidates[0], s)
			y, _, _ := parseLayout(other, s)
			return !x.Equal(y)
		})
		if at >= 0 {
			return nil, &dateDoubt{texts[at], candidates[0], other}
		}
	}
	return sp, nil
}
