// Package journal keeps what long work has come to, piece by piece, in a folder, so that a
// process that is killed has lost only the pieces it was busy with.
package journal
