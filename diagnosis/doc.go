// Package diagnosis says why a training run fell short of what it could have reached.
//
//   - Watcher: watches a trainer while it trains, since some problems cannot be seen at the end.
//     Watch makes one. Its Diagnose gives the diagnosis.
//   - Finding: one reason, with its numbers and what to try. Codes lists all codes.
//   - Run: what a diagnosis reads of a run, and nothing else.
//
// A Watcher belongs to the goroutine of its trainer. It changes no bit of a weight, and costs less than 1 % of
// the time. docs/diagnosis.md has every test with its numbers.
package diagnosis
