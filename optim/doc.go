// Package optim holds the optimizers that turn a gradient into an update, and the schedules of
// their learning rate.
//
// An Optimizer contains only its hyper-parameters. Its state from step to step (a velocity,
// running averages) is in slots that the trainer owns, saves and restores. In order of
// increasing difficulty, the optimizers are in sgd.go, momentum.go, adagrad.go, adadelta.go,
// rmsprop.go, adam.go, amsgrad.go, nadam.go, adamw.go, lion.go.
//
// # Ownership and goroutines
//
// An Optimizer and a Schedule are values that no call changes, so many runs may share them. Update writes to
// the parameters and the slots, and may write to the gradient. It keeps none of them. If an optimizer is
// Separable, several goroutines may update different parts at once.
package optim
