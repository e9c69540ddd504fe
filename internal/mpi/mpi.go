// Package mpi lets the processes that an MPI launcher has started communicate.
//
// It calls the machine's MPI library through purego, without a C compiler, and only in a build with the tag
// mpi: such a build is linked dynamically. Any other build has the same functions, but Start returns an error.
//
// It uses MPI only to move bytes. The order in which MPI_Allreduce adds is not specified, so a caller
// that needs the same bits for any number of processes must add for itself.
package mpi

import (
	"encoding/binary"
	"os"
	"strconv"
)

// World is all processes of a job. Its methods may be called from any goroutine, but only one at a time, and
// all ranks must call them in the same order. It is a train.Ranks.
type World interface {
	Gatherer
	Exchange(in []byte, inCounts []int, out []byte, outCounts []int) error

	Library() string // the name and version of the MPI library
	Abort(code int)  // ends all processes of the job, so it does not return
	Close() error    // leaves the job; all ranks must call it
}

// A Job is what a launcher says about the processes it has started.
type Job struct {
	Rank, Size int
	By         string // the environment variable that says so
}

// launchers has the variables that tell a process its rank and the number of processes. Slurm's come after
// those of the process managers that srun may use.
var launchers = []struct{ rank, size string }{
	{"OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"},
	{"PMI_RANK", "PMI_SIZE"},
	{"SLURM_PROCID", "SLURM_STEP_NUM_TASKS"}, // of a step: a batch script outside a step is one process
}

// Launched returns the job of several processes that this process belongs to, or reports that
// it runs alone.
func Launched() (Job, bool) { return launched(os.Getenv) }

func launched(env func(string) string) (Job, bool) {
	for _, l := range launchers {
		rank, err := strconv.Atoi(env(l.rank))
		if err != nil {
			continue
		}
		if size, err := strconv.Atoi(env(l.size)); err == nil && size > 1 {
			return Job{rank, size, l.rank}, true
		}
	}
	return Job{}, false
}

// A Gatherer is the part of a World that Share uses.
type Gatherer interface {
	Rank() int
	Size() int
	Gather(all []byte, counts []int) error
}

// Share gives every rank the data of each rank, of any size.
func Share(w Gatherer, mine []byte) ([][]byte, error) {
	counts := make([]int, w.Size())
	for r := range counts {
		counts[r] = 8
	}
	sizes := make([]byte, 8*w.Size())
	binary.LittleEndian.PutUint64(sizes[8*w.Rank():], uint64(len(mine)))
	if err := w.Gather(sizes, counts); err != nil {
		return nil, err
	}
	sum, at := 0, 0
	for r := range counts {
		counts[r] = int(binary.LittleEndian.Uint64(sizes[8*r:]))
		if r == w.Rank() {
			at = sum
		}
		sum += counts[r]
	}
	all := make([]byte, sum)
	copy(all[at:], mine)
	if err := w.Gather(all, counts); err != nil {
		return nil, err
	}
	parts := make([][]byte, len(counts))
	for r, n := range counts {
		parts[r], all = all[:n:n], all[n:]
	}
	return parts, nil
}
