package main

import (
	"fmt"
	"strconv"

	"github.com/gradus-ml/gradus/diagnosis"
	"github.com/gradus-ml/gradus/model"
)

func real(x float64) *float64 { return &x }
func whole(n int) *int        { return &n }

// deep returns that many hidden layers of the given width.
func deep(layers, width int) []int {
	out := make([]int, layers)
	for i := range out {
		out[i] = width
	}
	return out
}

// sgd returns options for plain descent without held-out rows.
func sgd(rate float64, epochs int) model.Options {
	return model.Options{Optimizer: "sgd", LearningRate: real(rate), Epochs: epochs, Validation: real(0)}
}

func with(o model.Options, change func(*model.Options)) model.Options {
	change(&o)
	return o
}

// healthy returns sound runs, alternating between the default flags and the usual settings of
// other libraries.
func healthy(tables []string) []run {
	var runs []run
	for i, t := range tables {
		r := run{name: "healthy: default flags", table: t}
		switch i % 4 {
		case 1:
			r.name = "healthy: adam 0.001, 100 relu, 200 epochs"
			r.options = model.Options{Optimizer: "adam", LearningRate: real(0.001), Hidden: []int{100}, Epochs: 200, BatchSize: 32, Scale: "standard"}
		case 3:
			r.name = "healthy: nesterov 0.01, 32 tanh"
			r.options = model.Options{Optimizer: "nesterov", LearningRate: real(0.01), Hidden: []int{32}, Activation: "tanh", Epochs: 200, BatchSize: 32}
		}
		runs = append(runs, r)
	}
	return runs
}

// tuneTables are the tables used to set thresholds, besides examples/data.
var tuneTables = []string{
	"small/abalone.csv", "small/concrete.csv", "small/titanic.csv", "small/wine_quality_red.csv", "small/vehicle.csv",
	"small/sonar.csv", "small/credit_data.csv", "small/diabetes_lars.csv", "small/digits8x8.csv", "small/iris.csv",
	"small/attrition.csv", "mid/mushroom.csv", "mid/phoneme.csv", "mid/mlc_churn.csv",
}

var testTables = []string{
	"small/airfoil.csv", "small/auto_mpg.csv", "small/banknote.csv", "small/car.csv", "small/energy_heating.csv",
	"small/german_credit.csv", "small/glass.csv", "small/ionosphere.csv", "small/pima_diabetes.csv", "small/segment.csv",
	"small/yacht.csv", "small/tic_tac_toe.csv", "mid/kin8nm.csv", "mid/power_plant_ccpp.csv", "mid/spambase.csv",
	"mid/waveform5000.csv", "mid/page_blocks.csv", "mid/pendigits.csv", "mid/cpu_act.csv", "mid/bank32nh.csv",
}

var tuneFaults = []run{
	{name: "sgd at rate 50", table: "small/concrete.csv", want: diagnosis.RateTooLarge, options: sgd(50, 50)},
	{name: "adam at rate 5", table: "small/vehicle.csv", want: diagnosis.RateTooLarge, options: model.Options{Optimizer: "adam", LearningRate: real(5)}},
	{name: "adam at rate 1e-7", table: "small/titanic.csv", want: diagnosis.RateTooSmall, options: model.Options{Optimizer: "adam", LearningRate: real(1e-7)}},
	{name: "sgd at rate 1e-6", table: "small/abalone.csv", want: diagnosis.RateTooSmall, options: sgd(1e-6, 100)},
	{name: "three epochs", table: "small/concrete.csv", want: diagnosis.Unfinished, options: sgd(0.003, 3)},
	{name: "inputs as they are, tanh", table: "small/concrete.csv", want: diagnosis.UnscaledInputs, options: with(sgd(0.01, 100), func(o *model.Options) { o.Scale, o.Activation = "none", "tanh" })},
	{name: "inputs as they are, relu", table: "small/credit_data.csv", want: diagnosis.UnscaledInputs, options: with(sgd(0.01, 50), func(o *model.Options) { o.Scale = "none" })},
	{name: "a sigmoid asked for amounts", table: "small/abalone.csv", want: diagnosis.TargetOutOfRange, options: model.Options{OutputActivation: "sigmoid"}},
	{name: "a category that knows the class", table: "small/vehicle.csv", want: diagnosis.LeakingColumn, edit: withColumn("known", func(y string, _ int) string { return "is " + y })},
	{name: "a number that knows the target", table: "small/abalone.csv", want: diagnosis.LeakingColumn, edit: withColumn("age", func(y string, _ int) string {
		x, _ := strconv.ParseFloat(y, 64)
		return fmt.Sprint(x + 1.5)
	})},
	{name: "zeros, tanh", table: "small/sonar.csv", want: diagnosis.IdenticalUnits, options: model.Options{Init: "zeros", Activation: "tanh"}},
	{name: "ten sigmoid layers", table: "small/vehicle.csv", want: diagnosis.VanishingGradients, options: with(sgd(0.1, 60), func(o *model.Options) { o.Hidden, o.Activation = deep(10, 32), "sigmoid" })},
	{name: "eight layers of normal:1", table: "small/concrete.csv", want: diagnosis.ExplodingGradients, options: with(sgd(0.01, 60), func(o *model.Options) { o.Hidden, o.Init = deep(8, 64), "normal:1" })},
	{name: "weights of 300, tanh", table: "small/sonar.csv", want: diagnosis.SaturatedUnits, options: with(sgd(0.001, 60), func(o *model.Options) { o.Init, o.Activation = "normal:300", "tanh"; o.Tolerance = real(0.01) })},
	{name: "biases of -1000", table: "small/concrete.csv", want: diagnosis.DeadUnits, broken: true, options: model.Options{Hidden: []int{32}}},
	{name: "trained far past the best", table: "small/credit_data.csv", want: diagnosis.Overfitting, options: model.Options{Patience: whole(0), Hidden: []int{256, 256}, Optimizer: "adam", LearningRate: real(0.001), Epochs: 150}},
	{name: "weight decay 100", table: "small/concrete.csv", want: diagnosis.ShrunkWeights, options: model.Options{Optimizer: "adamw", LearningRate: real(0.003), WeightDecay: real(100)}},
	{name: "batch descent at rate 8", table: "small/wine_quality_red.csv", want: diagnosis.Oscillation, options: with(sgd(8, 300), func(o *model.Options) { o.Method, o.Activation, o.Hidden = "batch", "sigmoid", []int{8} })},
}

var testFaults = []run{
	{name: "sgd at rate 100", table: "small/airfoil.csv", want: diagnosis.RateTooLarge, options: sgd(100, 50)},
	{name: "adam at rate 10", table: "small/pima_diabetes.csv", want: diagnosis.RateTooLarge, options: model.Options{Optimizer: "adam", LearningRate: real(10)}},
	{name: "momentum at rate 30", table: "small/segment.csv", want: diagnosis.RateTooLarge, options: model.Options{Optimizer: "momentum", LearningRate: real(30), Epochs: 50}},
	{name: "sgd at rate 1e-6", table: "mid/kin8nm.csv", want: diagnosis.RateTooSmall, options: sgd(1e-6, 50)},
	{name: "adam at rate 1e-7", table: "small/banknote.csv", want: diagnosis.RateTooSmall, options: model.Options{Optimizer: "adam", LearningRate: real(1e-7)}},
	{name: "three epochs", table: "mid/power_plant_ccpp.csv", want: diagnosis.Unfinished, options: sgd(0.0003, 3)},
	{name: "two epochs", table: "mid/waveform5000.csv", want: diagnosis.Unfinished, options: model.Options{Optimizer: "adam", LearningRate: real(1e-4), Epochs: 2, Validation: real(0)}},
	{name: "inputs as they are, tanh", table: "mid/spambase.csv", want: diagnosis.UnscaledInputs, options: with(sgd(0.1, 50), func(o *model.Options) { o.Scale, o.Activation = "none", "tanh" })},
	{name: "inputs as they are, relu", table: "mid/cpu_act.csv", want: diagnosis.UnscaledInputs, options: with(sgd(0.01, 30), func(o *model.Options) { o.Scale = "none" })},
	{name: "a sigmoid asked for amounts", table: "small/energy_heating.csv", want: diagnosis.TargetOutOfRange, options: model.Options{OutputActivation: "sigmoid"}},
	{name: "a tanh asked for amounts", table: "small/yacht.csv", want: diagnosis.TargetOutOfRange, options: model.Options{OutputActivation: "tanh"}},
	{name: "a category that knows the class", table: "small/german_credit.csv", want: diagnosis.LeakingColumn, edit: withColumn("after", func(y string, _ int) string { return "was " + y })},
	{name: "a number that knows the target", table: "mid/kin8nm.csv", want: diagnosis.LeakingColumn, edit: withColumn("scaled", func(y string, _ int) string {
		x, _ := strconv.ParseFloat(y, 64)
		return fmt.Sprint(3*x - 20)
	})},
	{name: "a number that knows the class", table: "small/pima_diabetes.csv", want: diagnosis.LeakingColumn, edit: withColumn("score", func(y string, row int) string {
		level := 0
		if y == "tested_positive" {
			level = 1000
		}
		return fmt.Sprint(level + row)
	})},
	{name: "zeros, tanh", table: "small/ionosphere.csv", want: diagnosis.IdenticalUnits, options: model.Options{Init: "zeros", Activation: "tanh"}},
	{name: "zeros, sigmoid", table: "small/airfoil.csv", want: diagnosis.IdenticalUnits, options: model.Options{Init: "zeros", Activation: "sigmoid"}},
	{name: "ten sigmoid layers", table: "small/segment.csv", want: diagnosis.VanishingGradients, options: with(sgd(0.1, 40), func(o *model.Options) { o.Hidden, o.Activation = deep(10, 32), "sigmoid" })},
	{name: "twelve sigmoid layers", table: "mid/kin8nm.csv", want: diagnosis.VanishingGradients, options: with(sgd(0.1, 15), func(o *model.Options) { o.Hidden, o.Activation = deep(12, 32), "sigmoid" })},
	{name: "eight layers of normal:1", table: "small/energy_heating.csv", want: diagnosis.ExplodingGradients, options: with(sgd(0.01, 60), func(o *model.Options) { o.Hidden, o.Init = deep(8, 64), "normal:1" })},
	{name: "weights of 300, tanh", table: "small/auto_mpg.csv", want: diagnosis.SaturatedUnits, options: with(sgd(0.001, 60), func(o *model.Options) { o.Init, o.Activation = "normal:300", "tanh"; o.Tolerance = real(0.01) })},
	{name: "biases of -1000", table: "small/airfoil.csv", want: diagnosis.DeadUnits, broken: true, options: model.Options{Hidden: []int{32}}},
	{name: "trained far past the best", table: "small/german_credit.csv", want: diagnosis.Overfitting, options: model.Options{Patience: whole(0), Hidden: []int{256, 256}, Optimizer: "adam", LearningRate: real(0.001), Epochs: 150}},
	{name: "a class of 4 %", table: "small/pima_diabetes.csv", want: diagnosis.ClassNeverPredicted, edit: keep(func(y string, n int) bool { return y != "tested_positive" || n%12 == 0 }), options: model.Options{Hidden: []int{}, Optimizer: "adam", LearningRate: real(0.001), Epochs: 60, Validation: real(0)}},
	{name: "weight decay 100", table: "mid/kin8nm.csv", want: diagnosis.ShrunkWeights, options: model.Options{Optimizer: "adamw", LearningRate: real(0.003), WeightDecay: real(100), Epochs: 30}},
	{name: "batch descent at rate 16", table: "small/glass.csv", want: diagnosis.Oscillation, options: with(sgd(16, 300), func(o *model.Options) { o.Method, o.Activation, o.Hidden = "batch", "sigmoid", []int{8} })},
	{name: "a straight line through two spirals", table: "small/two_spirals_cmu.csv", want: diagnosis.Plateau, options: with(sgd(0.1, 200), func(o *model.Options) { o.Hidden = []int{} })},
}
