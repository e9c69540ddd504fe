package model

import (
	"fmt"
	"strings"

	"github.com/gradus-ml/gradus/data"
)

// InputSchema is a JSON Schema of one row in the form that PredictRow takes. It describes the
// input of the model for forms, other languages and OpenAPI.
type InputSchema struct {
	Schema      string                    `json:"$schema,omitempty"`
	Title       string                    `json:"title"`
	Description string                    `json:"description"`
	Type        string                    `json:"type"`
	Properties  map[string]PropertySchema `json:"properties"`
	Required    []string                  `json:"required"` // in the order of Columns
}

// PropertySchema is the schema of one column.
type PropertySchema struct {
	Type        []string `json:"type"`
	Format      string   `json:"format,omitempty"`
	Description string   `json:"description"`
	Examples    []any    `json:"examples,omitempty"`
}

// mostExamples is the largest number of levels of a category that its schema lists.
const mostExamples = 20

// InputSchema describes a row. Every column is required; null is a missing value.
func (m *Model) InputSchema() InputSchema {
	s := InputSchema{
		Schema: "https://json-schema.org/draft/2020-12/schema", Title: "row", Type: "object", Properties: map[string]PropertySchema{}, Required: m.Columns(),
		Description: fmt.Sprintf("One row, from which %s is predicted. null is a missing value.", quoteList(m.Targets())),
	}
	for i := range m.Encoding.Inputs {
		in := &m.Encoding.Inputs[i]
		var p PropertySchema
		switch in.Kind {
		case data.KindNumber:
			p = PropertySchema{Type: []string{"number", "null"}, Description: "A number.", Examples: []any{in.Median}}
		case data.KindBoolean:
			p = PropertySchema{Type: []string{"boolean", "string", "null"}, Description: "A boolean: true or false, or a word such as yes and no.", Examples: []any{true, false}}
		case data.KindDate:
			p = PropertySchema{Type: []string{"string", "null"}, Format: "date", Description: "A date, 1999-12-31."}
			if in.Clock {
				p.Format, p.Description = "", "A date with its time of day, 1999-12-31 23:59:59 or 1999-12-31T23:59:59Z."
			}
			if in.Spelling != nil && in.Spelling.Layout != "" {
				p.Format, p.Description = "", fmt.Sprintf("A date, %s; the training rows had dates in the layout %s.", strings.Join(in.Dates(), " or "), in.Spelling.Layout)
			}
			for _, example := range in.Dates() {
				p.Examples = append(p.Examples, example)
			}
		case data.KindCategory:
			p = PropertySchema{Type: []string{"string", "number", "null"}, Description: fmt.Sprintf("A category; the training rows had %d.", len(in.Levels)+len(in.RareOf))}
			for _, level := range in.Levels[:min(len(in.Levels), mostExamples)] {
				p.Examples = append(p.Examples, level)
			}
		}
		s.Properties[in.Name] = p
	}
	return s
}
