// Package rng makes randomness a function instead of a stream.
//
// Every draw is Philox4x32-10 of (seed, purpose, a, b): nothing is kept between
// draws, so threads, shards, resuming and stepping back cannot change a number.
// What a and b mean belongs to the purpose: the epoch and the position in it, the
// layer and the parameter, and so on.
//
// Source: Salmon, Moraes, Dror, Shaw, "Parallel Random Numbers: As Easy as 1, 2, 3",
// SC 2011. The tests hold it to that paper's known answers.
package rng
