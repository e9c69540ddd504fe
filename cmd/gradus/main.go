// Command gradus trains feed-forward neural networks. See the README, or: gradus help.
package main

import (
	"os"

	"github.com/gradus-ml/gradus/cmd/gradus/internal/cli"
)

func main() {
	os.Exit(cli.Main(os.Args[1:], cli.Std{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}))
}
