// Package memory says how much memory a process may still take, so that a run which would
// not fit can be refused before it starts.
package memory
