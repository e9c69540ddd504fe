// Package journal keeps the results of long work in a folder, piece by piece, so that a process
// that is killed loses only the pieces it was working on.
package journal
