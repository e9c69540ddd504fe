// Package mpi lets the processes that an MPI launcher has started talk to each other.
//
// It calls the MPI library of the machine by purego, without a C compiler, in a build with the tag mpi alone:
// such a build is linked dynamically. Any other build has the same functions, and Start refuses.
//
// MPI moves bytes and nothing else: the order in which MPI_Allreduce adds is not specified, so who wants
// the same bits for any number of processes adds for itself.
package mpi

import (
	"encoding/binary"
	"os"
	"strconv"
)

// World is all processes of a job. Its methods may be called from any goroutine, by one at a time, and by all
// ranks in the same order. It is a train.Ranks.
type World interface {
	Rank() int
	Size() int
	Gather(all []byte, counts []int) error
	Exchange(in []byte, inCounts []int, out []byte, outCounts []int) error

	Library() string // the name and version of the MPI library
	Abort(code int)  // ends all processes of the job, and so does not return
	Close() error    // leaves the job; all ranks have to
}

// A Job is what a launcher says of the processes it has started.
type Job struct {
	Rank, Size int
	By         string // the variable of the environment that says so
}

// launchers are the variables by which launchers say which process this is, and of how many. That of Slurm
// stands behind those of the process managers that srun may offer.
var launchers = []struct{ rank, size string }{
	{"OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"},
	{"PMI_RANK", "PMI_SIZE"},
	{"SLURM_PROCID", "SLURM_STEP_NUM_TASKS"}, // of a step: a batch script by itself is one process
}

// Launched reports the job that this process is one of several of, or that it is alone.
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

// Share gives every rank what each of them has, of any size.
func Share(w World, mine []byte) ([][]byte, error) {
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
