// Package memory says how much more memory a process may use, so that a run that would not fit
// can be refused before it starts.
package memory
