// Package rng makes randomness a function instead of a stream.
//
// Every draw is Philox4x32-10 of (seed, purpose, a, b). No state is kept between draws, so
// threads, shards, resuming and stepping back cannot change a number. The purpose defines the
// meaning of a and b: the epoch and the position in it, the layer and the parameter, and so on.
//
// Source: Salmon, Moraes, Dror, Shaw, "Parallel Random Numbers: As Easy as 1, 2, 3",
// SC 2011. The tests check it against that paper's known answers.
package rng
