package model

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/gradus-ml/gradus/train"
)

// A rankTable is where goroutines meet as if they were processes.
type rankTable struct {
	lock  sync.Mutex
	come  *sync.Cond
	parts [][]byte // what each rank has brought to the meeting
	here  int
	round int
	cut   bool // the ranks cannot reach each other
	lost  bool // so it was when the last of them came to the latest round: all see the same
}

// A rankSeat is one goroutine's place at the table. It implements train.Ranks.
type rankSeat struct {
	*rankTable
	rank int
}

func (s rankSeat) Rank() int { return s.rank }
func (s rankSeat) Size() int { return len(s.parts) }

func (s rankSeat) wait() {
	if s.here++; s.here == len(s.parts) {
		s.here, s.lost = 0, s.cut
		s.round++
		s.come.Broadcast()
		return
	}
	for round := s.round; round == s.round; {
		s.come.Wait()
	}
}

func (s rankSeat) Gather(all []byte, counts []int) error {
	s.lock.Lock()
	defer s.lock.Unlock()
	from := 0
	for _, n := range counts[:s.rank] {
		from += n
	}
	s.parts[s.rank] = append([]byte(nil), all[from:from+counts[s.rank]]...)
	s.wait()
	at := 0
	for r, p := range s.parts {
		if len(p) != counts[r] {
			panic(fmt.Sprintf("rank %d expects %d bytes of rank %d, which sends %d", s.rank, counts[r], r, len(p)))
		}
		at += copy(all[at:], p)
	}
	s.wait()
	if s.lost {
		return errors.New("the cable is out")
	}
	return nil
}

func (s rankSeat) Exchange(in []byte, inCounts []int, out []byte, outCounts []int) error {
	panic("members need no exchange")
}

// onRanks runs do on that many ranks at the same time.
func onRanks(size int, do func(s rankSeat)) {
	t := &rankTable{parts: make([][]byte, size)}
	t.come = sync.NewCond(&t.lock)
	var team sync.WaitGroup
	for rank := range size {
		team.Go(func() { do(rankSeat{t, rank}) })
	}
	team.Wait()
}

// failedOf runs a Fit until it ends and returns its error.
func failedOf(ctx context.Context, f *Fit) (failed error) {
	for _, err := range f.Strides(ctx) {
		failed = err
	}
	return failed
}

// Every rank ends with the ensemble of one process. There are as many ranks as members, fewer or more, and the members
// have folds or share validation rows.
func TestMembersOnRanks(t *testing.T) {
	table := claims(t)
	for _, change := range []func(o *Options){
		func(o *Options) {},
		func(o *Options) { o.Validation = new(0.2) },
		func(o *Options) { o.Precision, o.Shrink, o.Threads = "float64", true, 1 },
	} {
		o := few("kind")
		o.Members = 3
		change(&o)
		want, _, err := Train(context.Background(), table, o)
		if err != nil {
			t.Fatal(err)
		}
		text := func(m *Model) string {
			s := m.WeightsSHA256()
			for _, m := range append(m.Members(), m) {
				for i := range m.Training.History {
					m.Training.History[i].Seconds = 0
				}
				m.Training.Seconds = 0
				text, err := json.Marshal(m.Training)
				if err != nil {
					t.Error(err)
				}
				s += string(text)
			}
			return s
		}
		wanted := text(want)
		for size := 1; size <= 4; size++ {
			onRanks(size, func(s rankSeat) {
				o := o
				o.Ranks = s
				ended := map[int]bool{} // whether it was trained here
				f, err := Prepare(Tables{Train: table}, o, nil)
				if err == nil {
					f.OnMember(nil, func(k int, m *Fit) error {
						ended[k] = !m.Distant()
						return nil
					})
					err = failedOf(context.Background(), f)
				}
				if err != nil {
					t.Error(err)
					return
				}
				m, err := f.Model()
				if err != nil || text(m) != wanted {
					t.Errorf("rank %d of %d ends with\n%s, %v, one process with\n%s", s.rank, size, text(m), err, wanted)
				}
				for k := range 3 {
					if here, is := ended[k]; !is || here != (k%size == s.rank) {
						t.Errorf("rank %d of %d: member %d has ended: %v, here: %v", s.rank, size, k, is, here)
					}
				}
			})
		}
	}
}

// All ranks stop if one is told to, and continue to the bits of a run that was never interrupted. Until a member has
// ended, the model reached so far has members of all ranks.
func TestMembersOnRanksInterrupted(t *testing.T) {
	table := claims(t)
	o := few("kind")
	o.Members, o.Epochs, o.Patience = 3, 400, new(0)
	want, _ := mustTrain(t, table, o)
	onRanks(2, func(s rankSeat) {
		o := o
		o.Ranks = s
		f, err := Prepare(Tables{Train: table}, o, nil)
		if err != nil {
			t.Error(err)
			return
		}
		ctx, stop := context.WithCancel(context.Background())
		defer stop()
		var failed error
		for _, err := range f.Strides(ctx) {
			if failed = err; s.rank == 1 { // after its first pause
				stop()
			}
		}
		if failed != nil && !errors.Is(failed, train.ErrInterrupted) {
			t.Errorf("rank %d: %v", s.rank, failed)
		}
		if m, err := f.Model(); err != nil || len(m.Members()) == 0 {
			t.Errorf("rank %d reached a model without members, or the error %v", s.rank, err)
		}
		if err := failedOf(context.Background(), f); err != nil {
			t.Errorf("rank %d: %v", s.rank, err)
		}
		if m, err := f.Model(); err != nil || m.WeightsSHA256() != want.WeightsSHA256() {
			t.Errorf("rank %d continues and ends with another model: %v", s.rank, err)
		}
	})
}

// The error of a member reaches all ranks, with what it wraps. The other ranks name the rank that failed.
func TestMembersOnRanksFail(t *testing.T) {
	table := claims(t)
	// change is called twice: with f = nil before the run is prepared, and with f afterward.
	run := func(change func(rank int, o *Options, f *Fit), check func(rank int, err error)) {
		onRanks(2, func(s rankSeat) {
			o := few("kind")
			o.Members, o.Ranks = 2, s
			change(s.rank, &o, nil)
			f, err := Prepare(Tables{Train: table}, o, nil)
			if err != nil {
				t.Error(err)
				return
			}
			change(s.rank, &o, f)
			check(s.rank, failedOf(context.Background(), f))
		})
	}
	run(func(rank int, o *Options, f *Fit) {
		if f != nil {
			f.OnMember(func(k int, _ *Fit) error {
				if k == 1 {
					return &train.DivergedError{Epoch: 7}
				}
				return nil
			}, nil)
		}
	}, func(rank int, err error) {
		want := "member 1 of 2: training diverged: "
		if rank == 0 {
			want = "member 1 of 2, on rank 1: training diverged: "
		}
		var diverged *train.DivergedError
		if err == nil || err.Error()[:len(want)] != want || !errors.As(err, &diverged) || diverged.Epoch != 7 {
			t.Errorf("rank %d: got %v, want %s...", rank, err, want)
		}
	})
	run(func(rank int, o *Options, f *Fit) {
		if f == nil {
			o.Epochs += rank
		}
	}, func(rank int, err error) {
		if want := fmt.Sprintf("%v: rank %d of 2: the configuration of rank 1 differs from that of rank 0: give every rank the same flags and tables", train.ErrRanks, rank); err == nil || err.Error() != want {
			t.Errorf("rank %d: got %v, want %s", rank, err, want)
		}
	})
	run(func(rank int, o *Options, f *Fit) {
		if f != nil {
			f.OnMember(func(int, *Fit) error {
				s := o.Ranks.(rankSeat)
				s.lock.Lock()
				defer s.lock.Unlock()
				s.cut = true
				return nil
			}, nil)
		}
	}, func(rank int, err error) {
		if want := fmt.Sprintf("%v: rank %d of 2: the cable is out", train.ErrRanks, rank); err == nil || err.Error() != want {
			t.Errorf("rank %d: got %v, want %s", rank, err, want)
		}
	})
}
