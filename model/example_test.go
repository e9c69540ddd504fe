package model_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"sync"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/model"
	"github.com/gradus-ml/gradus/nn"
	"github.com/gradus-ml/gradus/train"
)

// irisModel trains a model of the iris table and saves it, as "gradus train iris.csv" does.
func irisModel() (path string, remove func()) {
	dir, err := os.MkdirTemp("", "gradus")
	if err != nil {
		log.Fatal(err)
	}
	path = filepath.Join(dir, "iris.safetensors")
	table, err := data.Read("../examples/data/iris.csv", data.ReadOptions{})
	if err != nil {
		log.Fatal(err)
	}
	m, _, err := model.Train(context.Background(), table, model.Options{Hidden: []int{16}, Epochs: 50, Seed: 1})
	if err != nil {
		log.Fatal(err)
	}
	if err := m.Save(path); err != nil {
		log.Fatal(err)
	}
	return path, func() { os.RemoveAll(dir) }
}

// A loaded model predicts one row, given as named values.
func ExampleModel_PredictRow() {
	path, remove := irisModel()
	defer remove()

	m, err := model.Load(path)
	if err != nil {
		log.Fatal(err)
	}
	p, err := m.PredictRow(map[string]any{
		"sepal_length_cm": 5.1, "sepal_width_cm": 3.5, "petal_length_cm": 1.4, "petal_width_cm": 0.2,
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(p.Class, m.Classes())

	_, err = m.PredictRow(map[string]any{"sepal_length_cm": 5.1})
	fmt.Println(err)
	// Output:
	// setosa [setosa versicolor virginica]
	// row: column "sepal_width_cm": no value for it, nor for "petal_length_cm", "petal_width_cm"; give nil for a missing value
}

// Many goroutines can predict typed rows without allocating. Each has its own memory for a
// row and for the result, and all share the model.
func ExampleModel_PredictValues() {
	path, remove := irisModel()
	defer remove()

	m, err := model.Load(path)
	if err != nil {
		log.Fatal(err)
	}
	flowers := [][4]float64{{5.1, 3.5, 1.4, 0.2}, {6.0, 2.9, 4.5, 1.5}, {6.3, 3.3, 6.0, 2.5}}
	classes := make([]string, len(flowers))
	var all sync.WaitGroup
	for i, f := range flowers {
		all.Go(func() {
			row := make([]data.Value, len(m.Columns()))
			out := make([]float64, m.Outputs())
			for j, x := range f {
				row[j] = data.Number(x)
			}
			if err := m.PredictValues(row, out); err != nil {
				log.Fatal(err)
			}
			classes[i] = m.Describe(out).Class
		})
	}
	all.Wait()
	fmt.Println(classes)
	// Output: [setosa versicolor virginica]
}

// A cross-validation scores each part of the rows with a model that was trained on the others. Then the example ranks
// the columns by their importance.
func ExampleCrossValidate() {
	table, err := data.Read("../examples/data/iris.csv", data.ReadOptions{})
	if err != nil {
		log.Fatal(err)
	}
	o := model.Options{Hidden: []int{16}, Epochs: 50, Seed: 1}
	cv, err := model.CrossValidate(context.Background(), model.Tables{Train: table}, o, 5, nil)
	if err != nil {
		log.Fatal(err)
	}
	mean, _ := cv.Mean.Get("accuracy")
	sd, _ := cv.SD.Get("accuracy")
	fmt.Printf("%d folds, accuracy %.2f ± %.2f\n", len(cv.Folds), mean, sd)

	m := cv.Folds[0]
	worth, err := m.Importance(context.Background(), table, model.ImportanceOptions{Seed: 1})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("most important:", worth.Columns[0].Name)
	// Output:
	// 5 folds, accuracy 0.95 ± 0.04
	// most important: petal_width_cm
}

// The network of a loaded model can be trained further in your own loop, here with its first layer frozen, and
// become a model again.
func ExampleNew() {
	path, remove := irisModel()
	defer remove()
	m, err := model.Load(path)
	if err != nil {
		log.Fatal(err)
	}

	// These are the rows in the model's encoding, as the network takes them.
	table, err := data.Read("../examples/data/iris.csv", data.ReadOptions{})
	if err != nil {
		log.Fatal(err)
	}
	b, err := m.Encoding.Bind(table)
	if err != nil {
		log.Fatal(err)
	}
	rows := b.Labeled()
	set := train.Set[float32]{X: nn.NewMatrix[float32](len(rows), m.Encoding.Width()), Y: nn.NewMatrix[float32](len(rows), m.Encoding.Outputs())}
	if _, err := data.Inputs(b, rows, set.X.Data); err != nil {
		log.Fatal(err)
	}
	if err := data.Targets(b, rows, set.Y.Data); err != nil {
		log.Fatal(err)
	}

	net := m.Network32().Clone()
	t, err := train.New(net, train.Config{Epochs: 5, LearningRate: 0.001, LayerRates: []float64{0, 1}}, train.Data[float32]{Train: set})
	if err != nil {
		log.Fatal(err)
	}
	result, err := t.Run(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	tuned, err := model.New(m.Encoding, net, model.NewOptions{Result: &result})
	if err != nil {
		log.Fatal(err)
	}
	if err := tuned.Save(path); err != nil {
		log.Fatal(err)
	}
	score, err := tuned.Evaluate(table)
	if err != nil {
		log.Fatal(err)
	}
	accuracy, _ := score.Get("accuracy")
	fmt.Println(tuned.Classes(), tuned.Training.Epochs, "more epochs, accuracy above 0.9:", accuracy > 0.9)
	// Output: [setosa versicolor virginica] 5 more epochs, accuracy above 0.9: true
}
