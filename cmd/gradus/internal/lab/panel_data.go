package lab

import (
	"fmt"
	"strings"

	"github.com/gradus-ml/gradus/cmd/gradus/internal/option"
	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/internal/plural"
)

// The panel Data: what became of the table's columns.

// Columns returns the table's first columns and its targets, and what became of them.
func (p panelData) Columns() []columnRow {
	kinds := map[string]*columnRow{}
	s, e := p.Fit.Schema, p.Fit.Encoding
	for _, c := range s.Columns {
		kinds[c.Name] = &columnRow{Kind: string(c.Kind), Missing: c.Missing, Note: option.Note(c.Note)}
	}
	for _, d := range s.Dropped {
		kinds[d.Name] = &columnRow{Kind: "ignored", Note: option.Note(d.Reason)}
	}
	for _, t := range e.Targets {
		row := &columnRow{Kind: string(t.Kind), Target: true}
		switch {
		case len(t.Classes) > 0:
			row.Encoded = fmt.Sprintf("%d classes: %s", len(t.Classes), cut(strings.Join(t.Classes[:min(6, len(t.Classes))], ", ")))
		case t.Scale != 1 || t.Center != 0:
			row.Encoded = fmt.Sprintf("(y − %s) / %s", short(t.Center), short(t.Scale))
		default:
			row.Encoded = "as it stands"
		}
		kinds[t.Name] = row
	}
	for _, in := range e.Inputs {
		row := kinds[in.Name]
		if row == nil {
			continue
		}
		switch {
		case in.Kind == data.KindCategory:
			row.Encoded = fmt.Sprintf("a 1 at the place of one of %d levels", len(in.Levels))
			if in.Rare && len(in.RareOf) > 0 {
				row.Encoded += fmt.Sprintf(", or of the %d others together", len(in.RareOf))
			}
			if len(in.Means) > 0 {
				row.Encoded += "; and the shrunken mean of the target in its level"
			}
		case in.Kind == data.KindBoolean:
			row.Encoded = "1 or −1, 0 where missing"
		case in.Scale == 0:
			row.Encoded = "constant: 0"
		case in.Scale == 1 && in.Center == 0 && !in.Clip:
			row.Encoded = "as it stands"
		default:
			row.Encoded = fmt.Sprintf("(x − %s) / %s", short(in.Center), short(in.Scale))
			if in.Clip {
				row.Encoded += ", softly clipped"
			}
		}
		row.Encoded += besides(&in)
		if in.Missing {
			row.Encoded += "; and whether it is missing"
		}
	}
	for _, c := range p.Fit.Imputed() {
		if row := kinds[c.Column]; row != nil && c.Imputed > 0 {
			row.Encoded += fmt.Sprintf("; %d filled in", c.Imputed)
		}
	}
	var out []columnRow
	for i, name := range p.Table.Columns() {
		if k := kinds[name]; i >= mostListed && (k == nil || !k.Target) {
			continue
		}
		row := columnRow{Name: name, Kind: "ignored"}
		if k := kinds[name]; k != nil {
			row = *k
			row.Name = name
		}
		row.Chosen = string(p.Setup.Options.Types[name])
		for i := range min(3, p.Table.Rows()) {
			row.Sample = append(row.Sample, cut(p.Table.Cell(i, p.Table.Index(name))))
		}
		out = append(out, row)
	}
	return out
}

// besides says which inputs a number has besides its scaled value.
func besides(in *data.Input) (text string) {
	if len(in.RankAt) > 0 {
		text += "; and its rank"
	}
	if n := len(in.Pieces) - 1; n > 0 {
		text += fmt.Sprintf("; and its place in %s", plural.Of(n, "piece"))
	}
	if in.Waves > 0 {
		text += fmt.Sprintf("; and cos and sin of %s of its rank", plural.Of(in.Waves, "wave"))
	}
	return text
}

// MoreColumns returns the number of columns that are not listed.
func (p panelData) MoreColumns() int { return len(p.Table.Columns()) - len(p.Columns()) }

type columnRow struct {
	Name, Kind, Chosen string
	Target             bool
	Missing            int
	Note, Encoded      string
	Sample             []string
}

// Kinds returns the possible types of a column. The first is auto.
func (p panelData) Kinds() []string {
	return []string{"auto", string(data.KindNumber), string(data.KindCategory), string(data.KindBoolean), string(data.KindDate), string(data.KindIgnore)}
}
