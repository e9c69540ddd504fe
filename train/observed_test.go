package train_test

import (
	"encoding/json"

	"github.com/gradus-ml/gradus/diagnosis"
	"github.com/gradus-ml/gradus/train"
)

// The tests in package train compare the diagnoses of runs. Package diagnosis imports train, so this file is outside it.
func init() {
	train.Watch = func(trainer any) (found func() string) {
		var diagnose func() []diagnosis.Finding
		switch t := trainer.(type) {
		case *train.Trainer[float32]:
			diagnose = diagnosis.Watch(t, diagnosis.Names{}).Diagnose
		case *train.Trainer[float64]:
			diagnose = diagnosis.Watch(t, diagnosis.Names{}).Diagnose
		}
		return func() string {
			text, err := json.Marshal(diagnose())
			if err != nil {
				return err.Error()
			}
			return string(text)
		}
	}
}
