// Package tune searches for flags that train well: at random, or at random with successive
// halving. It treats flags as text and does not know what they mean.
//
//   - Dimension: the possible values of a flag; Space: several dimensions. Each draw is a function
//     of (seed, trial).
//   - Rung: how many trials get how many epochs.
//   - Search: runs the rungs' trials on several cores. Their order does not change any result. A search can
//     be continued from the trials that have ended.
package tune
