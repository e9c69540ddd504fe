// Package diagnosis says why a training run did not come to what it could have.
//
//   - Watcher: looks on while a trainer trains, since some of what went wrong cannot be seen at the end.
//     Watch makes one; its Diagnose is the judgement.
//   - Finding: one reason, with its numbers and what to try. Codes lists all that there are.
//   - Run: what a judgement reads of a run, and all that it reads.
//
// A Watcher belongs to the goroutine of its trainer. It changes no bit of a weight, and costs less than 1 % of
// the time. docs/diagnosis.md has every test with its numbers.
package diagnosis
