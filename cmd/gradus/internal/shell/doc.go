// Package shell writes words and column names as they are typed in a shell.
package shell
