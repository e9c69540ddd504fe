package team

import (
	"runtime"
	"sync/atomic"
	"testing"
	"time"
)

// Every piece of every job is done once, whatever the team's size and however long the
// workers have slept between jobs.
func TestDo(t *testing.T) {
	for _, size := range []int{1, 2, 3, 8} {
		team := New(size)
		var counts [64]atomic.Int32
		for job := range 3000 {
			pieces := job % 65
			for i := range counts {
				counts[i].Store(0)
			}
			team.Do(pieces, func(i int) { counts[i].Add(1) })
			for i := range counts {
				want := int32(0)
				if i < pieces {
					want = 1
				}
				if got := counts[i].Load(); got != want {
					t.Fatalf("team of %d, job %d: piece %d was done %d times, want %d", size, job, i, got, want)
				}
			}
			if job%1000 == 999 {
				time.Sleep(5 * time.Millisecond) // long enough to fall asleep
			}
		}
		team.Close()
	}
}

// After Do, the caller sees what the pieces wrote.
func TestDoPublishes(t *testing.T) {
	team := New(4)
	defer team.Close()
	data := make([]int, 1000)
	for round := 1; round <= 200; round++ {
		team.Do(10, func(p int) {
			for i := p * 100; i < (p+1)*100; i++ {
				data[i]++
			}
		})
		for i, v := range data {
			if v != round {
				t.Fatalf("round %d: element %d is %d, want the round's number", round, i, v)
			}
		}
	}
}

func TestCloseLeavesNoGoroutine(t *testing.T) {
	before := runtime.NumGoroutine()
	for range 20 {
		team := New(4)
		team.Do(8, func(int) {})
		team.Close()
	}
	after := runtime.NumGoroutine()
	for end := time.Now().Add(5 * time.Second); after > before && time.Now().Before(end); after = runtime.NumGoroutine() {
		time.Sleep(time.Millisecond) // a goroutine that reported its end may still be running
	}
	if after > before {
		t.Errorf("%d goroutines before, %d after", before, after)
	}
}

func TestZeroTeam(t *testing.T) {
	var team Team
	n := 0
	team.Do(5, func(int) { n++ })
	if n != 5 {
		t.Errorf("%d pieces were done, want 5", n)
	}
}

func TestDoAllocatesNothing(t *testing.T) {
	team := New(2)
	defer team.Close()
	f := func(int) {}
	if a := testing.AllocsPerRun(1000, func() { team.Do(4, f) }); a != 0 {
		t.Errorf("%v allocations, want 0", a)
	}
}

func BenchmarkDo(b *testing.B) {
	team := New(2)
	defer team.Close()
	f := func(int) {}
	for b.Loop() {
		team.Do(2, f)
	}
}
