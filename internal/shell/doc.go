// Package shell writes words and names of columns as they are typed in a shell.
package shell
