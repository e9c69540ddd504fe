package model

import (
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/bits"
	"path/filepath"
	"unsafe"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/internal/spill"
	"github.com/gradus-ml/gradus/model/internal/blocks"
	"github.com/gradus-ml/gradus/nn"
	"github.com/gradus-ml/gradus/train"
)

// Training on rows in blocks. BlockRows and BufferBlocks request it. A run whose encoded rows do not
// fit in memory does it without a request. The rows are then stored in a file and read ahead, and
// the memory needed does not grow with their number.

// The defaults: the size of a block in bytes, and the number of blocks in a buffer. Neither depends
// on the free memory, because both affect the bits of the result.
const (
	blockBytes   = 1 << 18
	bufferBlocks = 256
)

// blocked reports whether the run takes its rows in blocks.
func (o *Options) blocked() bool { return o.BlockRows > 0 || o.BufferBlocks > 0 }

// settleBlocks sets the sizes of blocks and buffers that were not given.
func (f *Fit) settleBlocks() {
	o := &f.Options
	if o.BlockRows == 0 {
		row := 4 * (f.Encoding.Width() + f.wide.Outputs())
		o.BlockRows = 1 << (bits.Len(uint(max(16, min(1<<16, blockBytes/row)))) - 1)
	}
	o.BufferBlocks = cmp.Or(o.BufferBlocks, bufferBlocks)
}

// checkBlocks refuses options that need all rows in memory.
func (o *Options) checkBlocks(c *train.Config) error {
	const how = "rows in blocks are read one buffer after another"
	switch {
	case o.BlockRows < 0:
		return refuse("BlockRows", o.BlockRows, "give a whole number of at least 1")
	case o.BufferBlocks < 0:
		return refuse("BufferBlocks", o.BufferBlocks, "give a whole number of at least 1")
	case !o.blocked():
		return nil
	case c.Method == train.PerSample:
		return refuse("Method", nil, "%s, and per-sample descent makes all its updates on one row before it goes on to the next: choose mini-batch or batch", how)
	case c.AllRows() && o.Ranks != nil && o.Ranks.Size() > 1 && (o.Members == 0 || o.Members == 1):
		return refuse("Method", nil, "%s, and each of several ranks would read all rows for every gradient: choose mini-batch, or train in one process", how)
	case c.AllRows() && o.Norm == nn.BatchNorm.String():
		return refuse("Norm", nil, "%s, and batch normalization needs all rows of a batch at once, which are all rows here: choose layer normalization, or the method mini-batch", how)
	case o.Tolerance != nil:
		return refuse("Tolerance", nil, "%s, and a tolerance needs all rows at once: take a loss to reach, or patience", how)
	}
	return nil
}

// outOfCore sends the encoded rows to the disk, because they do not fit in memory. If that is not
// possible, it returns the error full.
func (f *Fit) outOfCore(full error) error {
	o := f.Options
	o.BlockRows = cmp.Or(o.BlockRows, 1)
	if err := o.checkBlocks(&f.recipe.config); err != nil {
		return fmt.Errorf("%w; they could be kept on the disk, but %w", full, err)
	}
	if f.Encoding.HasMeans() && !f.adopted {
		return fmt.Errorf("%w; they could be kept on the disk, but a column has more than 256 levels, whose means look at all rows: leave it out with Ignore", full)
	}
	f.settleBlocks()
	f.spilled = true
	const kept = "The encoded rows do not fit in the available memory, so they are kept on the disk"
	if f.recipe.config.AllRows() {
		f.note(kept + " and read anew for every gradient; there is no diagnosis.")
		return nil
	}
	f.note(kept+", in blocks of %d rows, and %d blocks are shuffled together; the loss is that of the last epoch's batches, and there is no diagnosis.", f.Options.BlockRows, f.Options.BufferBlocks)
	return nil
}

// orderOf returns the order in which the run uses its rows.
func (f *Fit) orderOf() blocks.Order {
	o := &f.Options
	return blocks.Order{Rows: f.Rows.Train, BlockRows: o.BlockRows, BufferBlocks: o.BufferBlocks, Seed: o.Seed, Still: o.NoShuffle || f.recipe.config.AllRows()}
}

// bufferSize returns the count of numbers in memory at a time for the rows: two buffers and one block.
func (f *Fit) bufferSize() float64 {
	o := f.orderOf()
	rows := o.BufferRows() * min(2, o.Buffers())
	return float64(rows+o.BlockRows) * float64(f.Encoding.Width()+f.wide.Outputs()+2)
}

// layout describes the file of the encoded rows. Its key belongs to the rows: no file with another table,
// encoding or choice of rows has the same key.
func (f *Fit) layout(weighted bool) (blocks.Layout, error) {
	l := blocks.Layout{Rows: f.Rows.Train, BlockRows: f.Options.BlockRows, Inputs: f.Encoding.Width(), Outputs: f.wide.Outputs(), Weighted: weighted}
	if f.tables.Cache == "" {
		return l, nil // no other run reads it
	}
	text, err := json.Marshal(f.wide)
	if err != nil {
		return l, err
	}
	h := sha256.New()
	fmt.Fprintf(h, "%s %s %q %v %v\n", f.sources()["train"].SHA256, text, f.Options.SampleWeight, f.recipe.classWeight, f.Options.Precision)
	if len(f.parts.train) > 0 {
		h.Write(unsafe.Slice((*byte)(unsafe.Pointer(&f.parts.train[0])), len(f.parts.train)*int(unsafe.Sizeof(f.parts.train[0]))))
	}
	h.Sum(l.Key[:0])
	return l, nil
}

// source returns the training rows in blocks: from memory, or from a file. The file is written now,
// unless an earlier run has left it.
func source[T nn.Float](f *Fit, d *train.Data[T]) (blocks.Source[T], blocks.Layout, error) {
	l, err := f.layout(d.Train.W != nil)
	if err != nil {
		return nil, l, err
	}
	if !f.spilled {
		return blocks.Memory[T]{Set: d.Train, BlockRows: l.BlockRows}, l, nil
	}
	b, err := f.wide.Bind(f.tables.Train)
	if err != nil {
		return nil, l, err
	}
	f.imputed = nil
	encode := func(block int, into train.Set[T]) error {
		from := block * l.BlockRows
		rows := f.parts.train[from : from+into.Rows()]
		counts, err := data.Inputs(b, rows, into.X.Data)
		if err != nil {
			return err
		}
		f.imputed = addCounts(f.imputed, counts)
		copy(into.Y.Data[:into.Rows()*l.Outputs], d.Train.Y.Data[from*l.Outputs:])
		if into.W != nil {
			copy(into.W, d.Train.W[from:])
		}
		if f.Options.Encoded != nil {
			f.Options.Encoded(from+into.Rows(), l.Rows)
		}
		return nil
	}
	var file *blocks.File[T]
	dir, name := f.tables.Spill.Dir(), ""
	if f.tables.Cache != "" {
		dir, name = f.tables.Cache, fmt.Sprintf("%x.rows", l.Key[:12])
		path := filepath.Join(dir, name)
		file, err = blocks.Open[T](path, l)
		switch {
		case err == nil && json.Unmarshal(file.Text, &f.imputed) == nil:
			f.note("The encoded rows were already there, in %s.", path)
		case !errors.Is(err, fs.ErrNotExist):
			f.note("The encoded rows were written anew: %v.", err)
			file = nil
		}
	}
	if file == nil {
		file, err = blocks.Create(dir, name, l, encode, func() []byte {
			text, _ := json.Marshal(f.imputed) // marshaling plain data cannot fail
			return text
		})
	}
	if err != nil {
		return nil, l, err
	}
	f.file = file
	return file, l, nil
}

// trainRows allocates the training rows. It holds all of them, encoded. If they go to a file, it holds
// only the targets, and X has no numbers.
func trainRows[T nn.Float](f *Fit) (s train.Set[T], counts data.Counts, err error) {
	if _, packed := f.rowSize(len(f.parts.train)); packed {
		return encodePacked[T](f, f.parts.train)
	}
	if !f.spilled {
		return encodeTraining[T](f, len(f.parts.train))
	}
	n, outputs := len(f.parts.train), f.wide.Outputs()
	s.X = nn.Matrix[T]{Rows: n, Cols: f.Encoding.Width()}
	s.Y = nn.Matrix[T]{Rows: n, Cols: outputs, Data: spill.Must[T](f.tables.Spill, n*outputs)}
	b, err := f.wide.Bind(f.tables.Train)
	if err != nil {
		return s, nil, err
	}
	return s, nil, data.Targets(b, f.parts.train, s.Y.Data)
}

// heldRows allocates encoded rows that are held out. They are on the disk if the training rows are.
func heldRows[T nn.Float](f *Fit, t *data.Table, rows []int) (s train.Set[T], counts data.Counts, err error) {
	if _, packed := f.rowSize(len(rows)); packed && t == f.tables.Train {
		return encodePacked[T](f, rows)
	}
	if !f.spilled {
		return encode[T](f.wide, t, rows)
	}
	width, outputs := f.Encoding.Width(), f.wide.Outputs()
	s.X = nn.Matrix[T]{Rows: len(rows), Cols: width, Data: spill.Must[T](f.tables.Spill, len(rows)*width)}
	s.Y = nn.Matrix[T]{Rows: len(rows), Cols: outputs, Data: spill.Must[T](f.tables.Spill, len(rows)*outputs)}
	return encodeInto(f.wide, t, rows, s)
}
