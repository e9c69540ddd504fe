package blocks

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"unsafe"

	"github.com/gradus-ml/gradus/internal/memory"
	"github.com/gradus-ml/gradus/nn"
	"github.com/gradus-ml/gradus/train"
)

// A file of blocks is a header of 4096 bytes followed by the blocks. After its magic bytes, the header has these
// 32-bit numbers, the key of 32 bytes, and its own checksum:
//
//	bytes of a number, inputs, outputs, 1 if rows have weights, rows of a block, rows (64 bits)
//
// After the blocks comes a text from the caller, with its length before it and its checksum after it. A block
// has the inputs of its rows, their targets, their weights (float64), then its number and the CRC-32C of
// everything before. Numbers have the machine's byte order, so a file is only for machines of the same kind.

const (
	magic      = "gradusR1"
	headerSize = 4096
	tailSize   = 8 // of a block, in bytes: its number and its checksum
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// ErrDamaged is wrapped by the error of a file whose blocks are not as they were written.
var ErrDamaged = errors.New("damaged cache of encoded rows")

// ErrDisk is wrapped by the error of a disk that is full or cannot be read.
var ErrDisk = errors.New("cache of encoded rows")

// A Layout describes the contents of a file.
type Layout struct {
	Rows, BlockRows int
	Inputs, Outputs int
	Weighted        bool
	Key             [32]byte // of the table, the encoding and the rows: a file with another key has other rows
}

func (l Layout) header(size int) []byte {
	h := []byte(magic)
	weighted := uint32(0)
	if l.Weighted {
		weighted = 1
	}
	for _, v := range []uint32{uint32(size), uint32(l.Inputs), uint32(l.Outputs), weighted, uint32(l.BlockRows)} {
		h = binary.NativeEndian.AppendUint32(h, v)
	}
	h = binary.NativeEndian.AppendUint64(h, uint64(l.Rows))
	h = append(h, l.Key[:]...)
	h = binary.NativeEndian.AppendUint32(h, crc32.Checksum(h, castagnoli))
	return append(h, make([]byte, headerSize-len(h))...)
}

// rowSize returns the size of a row in bytes.
func (l Layout) rowSize(size int) int64 {
	n := int64(size) * int64(l.Inputs+l.Outputs)
	if l.Weighted {
		n += 8
	}
	return n
}

// place returns the offset of a block in bytes.
func (l Layout) place(block, size int) int64 {
	return headerSize + int64(block)*(int64(l.BlockRows)*l.rowSize(size)+tailSize)
}

// A File is rows in blocks on disk.
type File[T nn.Float] struct {
	Layout
	Text []byte // the text after the blocks
	f    *os.File
	path string // "" if it has no name
}

// Size returns the bytes that the header and the blocks of a file take.
func (l Layout) Size(number int) int64 {
	blocks := (l.Rows + l.BlockRows - 1) / l.BlockRows
	return headerSize + int64(l.Rows)*l.rowSize(number) + int64(blocks)*tailSize
}

// Create writes a file into a folder. It calls next to fill in the rows of each block, and then text. If name is
// given, the file gets that name when it is complete, and stays. Otherwise it has no name and disappears with the
// process.
func Create[T nn.Float](dir, name string, l Layout, next func(block int, into train.Set[T]) error, text func() []byte) (*File[T], error) {
	b := &File[T]{Layout: l}
	f, err := os.CreateTemp(dir, ".gradus-*.rows")
	if err != nil {
		return nil, b.failed("written", dir, err)
	}
	b.f = f
	if name == "" {
		err = os.Remove(f.Name())
	} else {
		defer os.Remove(f.Name()) // fails harmlessly once the file has its name
	}
	if err == nil {
		err = b.write(next, text)
	}
	if err == nil && name != "" {
		b.path = filepath.Join(dir, name)
		if err = f.Sync(); err == nil {
			err = os.Rename(f.Name(), b.path)
		}
	}
	if err != nil {
		f.Close()
		if p, ok := errors.AsType[*fs.PathError](err); ok {
			err = b.failed("written", dir, p)
		}
		return nil, err
	}
	return b, nil
}

func (b *File[T]) write(next func(block int, into train.Set[T]) error, text func() []byte) error {
	size := numberSize[T]()
	if _, err := b.f.Write(make([]byte, headerSize)); err != nil { // the real one comes last
		return err
	}
	s := newSet[T](b.BlockRows, b.Layout)
	for block := 0; block*b.BlockRows < b.Rows; block++ {
		part := slice(s, 0, min(b.BlockRows, b.Rows-block*b.BlockRows))
		if err := next(block, part); err != nil {
			return err
		}
		sum := uint32(0)
		for _, p := range parts(part) {
			sum = crc32.Update(sum, castagnoli, p)
			if _, err := b.f.Write(p); err != nil {
				return err
			}
		}
		if _, err := b.f.Write(tail(sum, block)); err != nil {
			return err
		}
	}
	b.Text = text()
	end := binary.NativeEndian.AppendUint32(nil, uint32(len(b.Text)))
	end = append(end, b.Text...)
	if _, err := b.f.Write(binary.NativeEndian.AppendUint32(end, crc32.Checksum(end, castagnoli))); err != nil {
		return err
	}
	_, err := b.f.WriteAt(b.header(size), 0)
	return err
}

// readText reads the text after the blocks.
func (b *File[T]) readText() error {
	from := b.Size(numberSize[T]())
	info, err := b.f.Stat()
	if err != nil || info.Size() < from+8 || info.Size() > from+1<<24 {
		return fmt.Errorf("%w: %s does not have the length of these rows", ErrDamaged, b.name())
	}
	end := make([]byte, info.Size()-from)
	if _, err := b.f.ReadAt(end, from); err != nil {
		return b.failed("read", b.name(), err)
	}
	n := len(end) - 4
	if binary.NativeEndian.Uint32(end[n:]) != crc32.Checksum(end[:n], castagnoli) || int(binary.NativeEndian.Uint32(end)) != n-4 {
		return fmt.Errorf("%w: the end of %s is not what was written", ErrDamaged, b.name())
	}
	b.Text = end[4:n]
	return nil
}

// tail returns the bytes that follow a block whose parts have that checksum.
func tail(sum uint32, block int) []byte {
	t := binary.NativeEndian.AppendUint32(nil, uint32(block))
	return binary.NativeEndian.AppendUint32(t, crc32.Update(sum, castagnoli, t))
}

// Open opens a file that Create has left. The error wraps fs.ErrNotExist if there is none, and ErrDamaged if
// it is a different file or one of its bytes has changed. It reads all blocks once.
func Open[T nn.Float](path string, l Layout) (*File[T], error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	b := &File[T]{Layout: l, f: f, path: path}
	if err := b.check(); err != nil {
		f.Close()
		return nil, err
	}
	return b, nil
}

func (b *File[T]) check() error {
	size := numberSize[T]()
	head := make([]byte, headerSize)
	if _, err := io.ReadFull(b.f, head); err != nil || !bytes.Equal(head, b.header(size)) {
		return fmt.Errorf("%w: %s does not begin like a file of these rows", ErrDamaged, b.path)
	}
	if err := b.readText(); err != nil {
		return err
	}
	s := newSet[T](b.BlockRows, b.Layout)
	for block := 0; block*b.BlockRows < b.Rows; block++ {
		part := slice(s, 0, min(b.BlockRows, b.Rows-block*b.BlockRows))
		if err := b.Read(block, part); err != nil {
			return err
		}
	}
	return nil
}

// Read reads a block. into must have the block's number of rows.
func (b *File[T]) Read(block int, into train.Set[T]) error {
	at, sum := b.place(block, numberSize[T]()), uint32(0)
	for _, p := range parts(into) {
		if _, err := b.f.ReadAt(p, at); err != nil {
			return b.failed("read", b.name(), err)
		}
		sum = crc32.Update(sum, castagnoli, p)
		at += int64(len(p))
	}
	var end [tailSize]byte
	if _, err := b.f.ReadAt(end[:], at); err != nil {
		return b.failed("read", b.name(), err)
	}
	if !bytes.Equal(end[:], tail(sum, block)) {
		return fmt.Errorf("%w: block %d of %s is not what was written: the disk or its memory may be failing; the table itself was not touched", ErrDamaged, block, b.name())
	}
	return nil
}

func (b *File[T]) name() string {
	if b.path == "" {
		return "the temporary file"
	}
	return b.path
}

// Close closes the file. A file without a name is then gone.
func (b *File[T]) Close() error { return b.f.Close() }

func (b *File[T]) failed(how, where string, err error) error {
	cause := err
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		cause = p.Err
	}
	what := ""
	if how == "written" {
		what = fmt.Sprintf(", which take %s,", memory.Size(float64(b.Size(numberSize[T]()))))
	}
	return fmt.Errorf("%w: the encoded rows%s cannot be %s in %s (%w): free some room, or name a folder on a larger disk", ErrDisk, what, how, where, cause)
}

// parts returns the bytes of rows as they are in a file.
func parts[T nn.Float](s train.Set[T]) [][]byte {
	p := [][]byte{raw(flat(s.X)), raw(flat(s.Y))}
	if s.W != nil {
		p = append(p, raw(s.W))
	}
	return p
}

// flat returns the numbers of a matrix without gaps between its rows.
func flat[T nn.Float](m nn.Matrix[T]) []T { return m.Data[:m.Rows*m.Cols] }

func raw[E any](e []E) []byte {
	var one E
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(e))), len(e)*int(unsafe.Sizeof(one)))
}

func numberSize[T nn.Float]() int {
	var x T
	return int(unsafe.Sizeof(x))
}

// newSet returns memory for that many rows.
func newSet[T nn.Float](rows int, l Layout) train.Set[T] {
	s := train.Set[T]{X: nn.NewMatrix[T](rows, l.Inputs), Y: nn.NewMatrix[T](rows, l.Outputs)}
	if l.Weighted {
		s.W = make([]float64, rows)
	}
	return s
}

func slice[T nn.Float](s train.Set[T], from, to int) train.Set[T] {
	p := train.Set[T]{X: s.X.Slice(from, to), Y: s.Y.Slice(from, to)}
	if s.W != nil {
		p.W = s.W[from:to]
	}
	return p
}
