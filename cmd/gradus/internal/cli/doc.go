// Package cli is the command line: one file and one test for each subcommand. It reads
// flags, calls the library and writes what comes back; it computes nothing itself.
package cli
