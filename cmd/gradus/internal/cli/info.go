package cli

import (
	"fmt"

	"github.com/gradus-ml/gradus/cmd/gradus/internal/option"
	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/internal/plural"
	"github.com/gradus-ml/gradus/model"
)

// conformalRows returns how many rows the model's intervals or sets are based on.
func conformalRows(m *model.Model) int {
	if m.Conformal == nil {
		return 0
	}
	return m.Conformal.Rows
}

// infoCmd is "gradus info MODEL".
type infoCmd struct {
	Model  string `arg:"" help:"A model file."`
	JSON   bool   `name:"json" help:"One JSON object on standard output."`
	Schema bool   `help:"The input schema as JSON Schema: what a row must have."`
}

func (c *infoCmd) Run(e *env) error {
	m, err := model.Load(c.Model)
	if err != nil {
		return err
	}
	if c.Schema {
		return e.writeJSON(m.InputSchema())
	}
	if c.JSON {
		return e.writeJSON(struct {
			Task        string           `json:"task"`
			Target      []string         `json:"target"`
			Classes     []string         `json:"classes,omitempty"`
			Columns     []string         `json:"columns"`
			Inputs      []string         `json:"inputs"`
			Network     string           `json:"network"`
			Parameters  int              `json:"parameters"`
			Precision   string           `json:"precision"`
			Weights     string           `json:"weights_sha256"`
			Threshold   float64          `json:"threshold"`   // of two classes
			Temperature float64          `json:"temperature"` // the divisor of the logits; 1: as trained
			Shrinkage   *model.Shrinkage `json:"shrinkage,omitempty"`
			Conformal   int              `json:"conformal_rows"`    // the number of rows that intervals and sets are based on
			Members     []memberJSON     `json:"members,omitempty"` // of an ensemble
			Options     model.Options    `json:"options"`
			Training    model.Training   `json:"training"`
		}{
			string(m.Task()), m.Targets(), m.Classes(), m.Columns(), m.Encoding.InputNames(),
			m.DescribeNetwork(), m.Parameters(), m.Precision(), m.WeightsSHA256(), m.Threshold, m.Temperature, m.Shrinkage, conformalRows(m), membersJSON(m), m.Options, m.Training,
		})
	}
	e.printf("Predicts %s (%s)\n", list(m.Targets(), 12), m.Task())
	if classes := m.Classes(); classes != nil {
		e.printf("Classes  %s\n", list(classes, 12))
		if m.Threshold != 0.5 {
			e.printf("Decides  %s above a probability of %s\n", classes[1], short(m.Threshold))
		}
	}
	e.printf("Columns  %s\n", list(m.Columns(), 20))
	e.printf("Network  %s, %d parameters, %s\n", m.DescribeNetwork(), m.Parameters(), m.Precision())
	if m.Training.Reason == model.Imported {
		e.printf("Trained  elsewhere: the file does not say how, on which rows and with what scores\n")
	} else {
		e.printf("Descent  %s, seed %d\n", option.Describe(&m.Options), m.Options.Seed)
		e.printf("Rows     %s\n", rowsText(m.Training.Rows))
		e.printf("Trained  %s\n", trainedText(m))
	}
	if s := m.Shrinkage; s != nil {
		e.printf("%s\n", shrinkageText(m, s))
	}
	if c := m.Training.Calibration; c != nil {
		e.printf("%s\n", calibrationText(c))
	}
	if n := conformalRows(m); n > 0 {
		held := "validation"
		if m.Training.Metrics.OutOfFold != nil {
			held = "out-of-fold"
		}
		what := "sets of classes (gradus predict --sets 0.9)"
		if m.Task() == data.Regression {
			what = "intervals (gradus predict --interval 0.9)"
			if level := m.Options.Interval; level != 0 {
				what = fmt.Sprintf("intervals, with learned bounds from %v on (gradus predict --interval %v)", level, level)
			}
		}
		e.printf("Coverage %s, from %s\n", what, plural.Of(n, held+" row"))
	}
	e.printf("Weights  sha256 %s\n", m.WeightsSHA256())
	if best, _ := m.Training.Metrics.Best(); len(best.Scores) == 0 { // of an imported network
		return nil
	}
	e.printf("\n")
	writeScores(e, m)
	if text := m.Compared(); text != "" {
		e.printf("\n%s\n", e.wrap(text, "Compared "))
	}
	writeMembers(e, m)
	return nil
}
