//go:build !mpi || !(linux || darwin) || !(amd64 || arm64)

package mpi

import "errors"

// Built reports whether the program can call an MPI library.
const Built = false

// Start returns an error.
func Start() (World, error) {
	return nil, errors.New("this program was built without MPI; build it with: CGO_ENABLED=0 go build -tags mpi ./cmd/gradus")
}
