// Package optim holds the optimizers that turn a gradient into an update, and the schedules of
// their learning rate.
//
// An Optimizer is its hyper-parameters alone. What it remembers from step to step (a velocity,
// running averages) lives in slots that the trainer owns, saves and restores. The optimizers
// stand in rising difficulty: sgd.go, momentum.go, adagrad.go, adadelta.go, rmsprop.go,
// adam.go, amsgrad.go, nadam.go, adamw.go, lion.go.
//
// # Ownership and goroutines
//
// An Optimizer and a Schedule are values that no call changes, so many runs may share them. Update writes to
// the parameters and the slots, and may write to the gradient; it keeps none of them. Of an optimizer that is
// Separable, several goroutines may update different parts at once.
package optim
