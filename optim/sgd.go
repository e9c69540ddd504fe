package optim

import "github.com/gradus-ml/gradus/internal/kernel"

// SGD is gradient descent itself:
//
//	w = w - rate·g
type SGD struct{}

func (SGD) String() string  { return "sgd" }
func (SGD) Slots() int      { return 0 }
func (SGD) Validate() error { return nil }

func (SGD) Update32(s Step, w, g []float32, _ [][]float32) { sgd(s, w, g) }
func (SGD) Update64(s Step, w, g []float64, _ [][]float64) { sgd(s, w, g) }

func sgd[T Float](s Step, w, g []T) { kernel.SGD(w, g, T(-s.LearningRate)) }
