// Package tune searches for flags that train well: at random, or at random with successive
// halving. It knows flags as text and nothing of what they mean.
//
//   - Dimension: what a flag may be; Space: several of them, each draw of which is a function
//     of (seed, trial).
//   - Plan: how many trials get how many epochs.
//   - Search: makes the plan's trials on several cores, in an order that changes no result; it
//     can be continued from those that have ended.
package tune
