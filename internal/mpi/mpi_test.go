package mpi

import (
	"slices"
	"testing"
)

// A process is one of several if a launcher says so.
func TestLaunched(t *testing.T) {
	for _, c := range []struct {
		env  map[string]string
		job  Job
		many bool
	}{
		{nil, Job{}, false},
		{map[string]string{"OMPI_COMM_WORLD_RANK": "2", "OMPI_COMM_WORLD_SIZE": "4"}, Job{2, 4, "OMPI_COMM_WORLD_RANK"}, true},
		{map[string]string{"PMI_RANK": "0", "PMI_SIZE": "3"}, Job{0, 3, "PMI_RANK"}, true},
		{map[string]string{"PMI_RANK": "0", "PMI_SIZE": "1"}, Job{}, false},
		{map[string]string{"SLURM_PROCID": "1", "SLURM_STEP_NUM_TASKS": "2"}, Job{1, 2, "SLURM_PROCID"}, true},
		{map[string]string{"SLURM_PROCID": "0", "SLURM_NTASKS": "8"}, Job{}, false}, // a batch script
		{map[string]string{"PMI_RANK": "x", "PMI_SIZE": "3"}, Job{}, false},
	} {
		if job, many := launched(func(name string) string { return c.env[name] }); job != c.job || many != c.many {
			t.Errorf("%v: got %+v, %v, which differs from the table", c.env, job, many)
		}
	}
}

// alone is a World of one process. It records the counts of every Gather.
type alone struct {
	World
	counts [][]int
}

func (*alone) Rank() int { return 0 }
func (*alone) Size() int { return 1 }
func (a *alone) Gather(all []byte, counts []int) error {
	a.counts = append(a.counts, slices.Clone(counts))
	return nil
}

// Share exchanges the sizes first.
func TestShare(t *testing.T) {
	a := &alone{}
	all, err := Share(a, []byte("some text"))
	if err != nil || len(all) != 1 || string(all[0]) != "some text" {
		t.Errorf(`got %q, %v, want "some text" alone and no error`, all, err)
	}
	if len(a.counts) != 2 || a.counts[0][0] != 8 || a.counts[1][0] != 9 {
		t.Errorf("the messages have %v bytes, want 8 and then 9", a.counts)
	}
}
