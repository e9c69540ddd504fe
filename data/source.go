package data

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// ReadOptions say how a text file is read. The zero value detects everything.
type ReadOptions struct {
	Delimiter rune      // 0: a comma, semicolon, tab, bar or blanks (' '), whichever the first lines show
	Header    string    // "auto" (or ""), "yes" or "no"
	Encoding  string    // "auto" (or ""), "utf-8", "utf-16", "latin-1" or "windows-1252"
	SkipRows  int       // lines above the header
	Comment   string    // prefix of lines to skip; "": none
	Query     string    // what to read from a database, in SQL; "": its only table
	Sheet     string    // the sheet of a spreadsheet; "": the first
	KeepTotal bool      // a last line that starts with "Total" is a row
	Stdin     io.Reader // what the path "-" reads; nil: os.Stdin

	// Progress, if not nil, is told now and then how far reading has got, one call at a time.
	Progress func(Progress)

	// Spill, if not nil, stores the cells of a table that does not fit in memory. Without it such a
	// table is refused. The result of reading is the same.
	Spill *Spill

	// Limits for input from untrusted sources; 0 is no limit. A few bytes may decompress to
	// many, and the names of a few columns take more memory than their commas.
	MaxBytes   int64 // after decompression
	MaxColumns int

	rawQuotes bool // of a text with tabs: quotes are ordinary characters
}

// Progress is how far reading a text has got.
type Progress struct {
	Share float64 `json:"share"` // of the file, from 0 to 1; 0 if unknown
	Bytes int64   `json:"bytes"` // of text, decompressed
	Rows  int     `json:"rows"`
}

// Stdin is the path of standard input, and StdinName the name of a table read from it.
const (
	Stdin     = "-"
	StdinName = "standard input"
)

// Read reads a table. path is a file with CSV or TSV text, an IDX file, or a file of any registered
// Format, plain or compressed with gzip or zstd. It may also be the address of a database, or a
// folder, whose files are read as in ReadAll. The type of a file is detected from its first bytes.
// Its name decides only that .tsv is delimited by tabs, and what a zip archive contains. The labels
// of IDX images are looked for next to the images.
func Read(path string, opt ReadOptions) (*Table, error) { return ReadAll([]string{path}, opt) }

// read reads one file or one database.
func read(path string, opt ReadOptions) (*Table, error) {
	if err := opt.check(); err != nil {
		return nil, err
	}
	if IsDatabase(path) {
		return readDatabase(path, opt)
	}
	src, err := open(path, opt.Stdin)
	if err != nil {
		return nil, err
	}
	defer src.Close()
	t, err := readSource(src, path, opt)
	if err != nil && src.raw && path != Stdin { // the first chunk did not show it
		opt.rawQuotes = true
		return Read(path, opt)
	}
	return t, err
}

// ReadFrom reads a table from a reader. It reads what Read reads from a file, except databases, by the same rules and
// limits. The name is used for the file in messages, and its ending has the same meaning as that of a path in Read.
// CSV, JSON lines and Arrow streams are read as they arrive. Other formats are held in memory first, unless r is an
// *os.File. ReadFrom does not close r.
func ReadFrom(r io.Reader, name string, opt ReadOptions) (*Table, error) {
	if err := opt.check(); err != nil {
		return nil, err
	}
	if name == "" {
		return nil, fail(ErrOption, "a table from a reader has no name: give one for messages, with the ending of its format, such as rows.csv")
	}
	start := int64(-1) // where r can be read again from, or -1
	if s, ok := r.(io.Seeker); ok {
		if at, err := s.Seek(0, io.SeekCurrent); err == nil {
			start = at
		}
	}
	src, err := sourceOf(name, r, start)
	if err != nil {
		return nil, err
	}
	defer src.Close()
	t, err := readSource(src, Stdin, opt)
	if err != nil && src.raw && start >= 0 {
		if _, err := r.(io.Seeker).Seek(start, io.SeekStart); err == nil {
			opt.rawQuotes = true
			return ReadFrom(r, name, opt)
		}
	}
	return t, err
}

// sourceOf returns the source of a reader. at is the reader's offset, or negative if unknown.
func sourceOf(name string, r io.Reader, at int64) (*source, error) {
	s := &source{name: name, size: -1}
	if f, ok := r.(*os.File); ok && at == 0 {
		s.isFile(f)
	}
	return s, s.begin(r)
}

// readSource reads the only table of a source. path is Stdin if there is no file. If the file changed meanwhile, it returns
// that error, because neither the table nor any other error can be trusted.
func readSource(src *source, path string, opt ReadOptions) (*Table, error) {
	t, err := readUnchanged(src, path, opt)
	if changed := src.changed(); changed != nil {
		return nil, changed
	}
	return t, err
}

// readUnchanged is readSource without the check for a change.
func readUnchanged(src *source, path string, opt ReadOptions) (*Table, error) {
	src.bound(opt.MaxBytes)
	head, err := src.r.Peek(4)
	if err != nil && err != io.EOF {
		return nil, src.readError(err, 1)
	}
	switch f, ok, err := src.find(); {
	case err != nil:
		return nil, err
	case opt.Query != "" && f.Scheme == "":
		return nil, fail(ErrOption, "%s: is not a database, and only a database takes a query: name one as sqlite:FILE or postgres://...", src.name)
	case opt.Sheet != "" && f.Package != "excel":
		return nil, fail(ErrOption, "%s: is not a spreadsheet, and only a spreadsheet has a sheet such as %s", src.name, quote(opt.Sheet))
	case ok:
		if err := opt.notFor(f, src.name); err != nil {
			return nil, err
		}
		if f.Scheme != "" { // a database keeps what is read consistent
			src.written = time.Time{}
		}
		return f.Read(&File{Name: src.name, Path: path, src: src, most: opt.MaxBytes}, opt)
	}
	if isIDX(head) {
		if err := opt.notFor(Format{Name: "an IDX file"}, src.name); err != nil {
			return nil, err
		}
		return readIDX(src, path)
	}
	if name := filepath.Base(src.name); strings.Contains(name, "-idx") && len(head) > 0 && !utf8.Valid(head) {
		return nil, fail(ErrIDX, "%s: is named like an IDX file, but does not start like one (00 00, an element type, the number of dimensions)", src.name)
	}
	return readCSV(src, opt)
}

func (opt ReadOptions) check() error {
	switch opt.Header {
	case "", "auto", "yes", "no":
	default:
		return fail(ErrOption, "the header option %s is not one of auto, yes and no", quote(opt.Header))
	}
	switch opt.Encoding {
	case "", "auto", encodingUTF8, encodingUTF16, encodingLatin1, encodingWindows:
	default:
		return fail(ErrOption, "the encoding %s is not one of auto, utf-8, utf-16, latin-1 and windows-1252", quote(opt.Encoding))
	}
	if opt.SkipRows < 0 {
		return fail(ErrOption, "%d lines cannot be skipped: give a number of at least 0", opt.SkipRows)
	}
	switch d := opt.Delimiter; {
	case d == '"' || d == '\r' || d == '\n' || d == 0xFEFF, d != 0 && !utf8.ValidRune(d), d == utf8.RuneError:
		return fail(ErrOption, "%q cannot be a delimiter: take a comma, a semicolon, a tab or a bar", d)
	}
	return nil
}

// A source is an open file, decompressed.
type source struct {
	name      string
	size      int64 // of the stored file, or -1 if unknown
	packed    string
	rewritten bool      // the text differs in length from the file
	file      *os.File  // nil for standard input
	written   time.Time // when the file was last written, before it was read; zero: it does not matter whether it changes
	raw       bool      // its quotes are broken, unless they are ordinary characters
	r         *bufio.Reader
	taken     *counter // counts the bytes of the stored file
	closings  []func() error
}

// counter counts what is read.
type counter struct {
	r io.Reader
	n int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// share returns the share of the file that has been read after done bytes of decompressed
// data, or 0 if unknown.
func (s *source) share(done int64) float64 {
	switch {
	case s.size <= 0:
		return 0
	case s.packed != "" || s.rewritten:
		done = s.taken.n
	}
	return min(1, float64(done)/float64(s.size))
}

// peekSize is how many bytes of a file are looked at to detect its delimiter.
const peekSize = 1 << 16

func open(path string, stdin io.Reader) (*source, error) {
	s := &source{name: path, size: -1}
	var r io.Reader
	if path == Stdin {
		s.name = StdinName
		if r = stdin; r == nil {
			r = os.Stdin
		}
	} else {
		f, err := openFile(path)
		if err != nil {
			return nil, err
		}
		s.closings = append(s.closings, f.Close)
		s.isFile(f)
		r = f
	}
	if err := s.begin(r); err != nil {
		return nil, err
	}
	return s, nil
}

// isFile lets formats read the file itself, if it is a regular file.
func (s *source) isFile(f *os.File) {
	if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
		s.size, s.file, s.written = info.Size(), f, info.ModTime()
	}
}

// changed returns an error if the file is no longer what it was when it was opened.
func (s *source) changed() error {
	if s.written.IsZero() {
		return nil
	}
	info, err := s.file.Stat()
	if err != nil || info.Size() == s.size && info.ModTime().Equal(s.written) {
		return nil
	}
	found := fmt.Sprintf("its %d bytes were written to", s.size)
	if n := info.Size(); n > s.size {
		found = fmt.Sprintf("it grew from %d to %d bytes", s.size, n)
	} else if n < s.size {
		found = fmt.Sprintf("it shrank from %d to %d bytes", s.size, n)
	}
	return fail(ErrChanged, "%s: changed while it was read, %s: wait until nothing writes to it, or read a copy", s.name, found)
}

// begin makes the source read from a reader.
func (s *source) begin(r io.Reader) error {
	s.taken = &counter{r: r}
	s.r = bufio.NewReaderSize(s.taken, peekSize)
	err := s.unpack()
	if err != nil {
		s.Close()
	}
	return err
}

func openFile(path string) (*os.File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, openError(path, err)
	}
	if info, err := f.Stat(); err == nil && info.IsDir() {
		f.Close()
		return nil, fail(ErrFolder, "%s: is a folder: name a file in it", path)
	}
	return f, nil
}

// openError returns the error for a file that cannot be opened.
func openError(path string, err error) error {
	cause := err
	if pathErr, ok := errors.AsType[*fs.PathError](err); ok {
		cause = pathErr.Err
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return failBecause(err, ErrNoFile, "%s: no such file: check the path", path)
	case errors.Is(err, fs.ErrPermission):
		return failBecause(err, ErrUnreadable, "%s: cannot be read: %v: ask for the right to read it", path, cause)
	}
	return failBecause(err, ErrUnreadable, "%s: cannot be read: %v", path, cause)
}

// unpack puts a decompressor before the reader if the first bytes call for one.
func (s *source) unpack() error {
	head, err := s.r.Peek(4)
	if err != nil && err != io.EOF {
		return s.readError(err, 1)
	}
	switch {
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		s.packed = "gzip"
		z, err := gzip.NewReader(s.r)
		if err != nil {
			return s.readError(err, 1)
		}
		s.closings = append(s.closings, z.Close)
		s.r = bufio.NewReaderSize(z, peekSize)
	case bytes.HasPrefix(head, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		s.packed = "zstd"
		z, err := zstd.NewReader(s.r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(1<<28))
		if err != nil {
			return s.readError(err, 1)
		}
		s.closings = append(s.closings, func() error { z.Close(); return nil })
		s.r = bufio.NewReaderSize(z, peekSize)
	}
	return nil
}

// bound makes reading fail after that many bytes, if there are more.
func (s *source) bound(most int64) {
	if most > 0 {
		s.r = bufio.NewReaderSize(&bounded{s.r, most, most}, peekSize)
	}
}

// bounded is a reader with a limit on its bytes.
type bounded struct {
	r    io.Reader
	left int64
	most int64
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.left < 0 {
		return 0, tooManyBytes(b.most)
	}
	if int64(len(p)) > b.left+1 { // one more byte shows that there are more
		p = p[:b.left+1]
	}
	n, err := b.r.Read(p)
	b.left -= int64(n)
	if b.left < 0 {
		return n + int(b.left), tooManyBytes(b.most)
	}
	return n, err
}

// tooManyBytes is the error for a file that is longer than allowed.
type tooManyBytes int64

func (most tooManyBytes) Error() string {
	return fmt.Sprintf("it holds more than %d bytes", int64(most))
}

// readError returns the error for a failure of reading after that many lines.
func (s *source) readError(err error, line int) error {
	if most, ok := errors.AsType[tooManyBytes](err); ok {
		return failBecause(err, ErrLarge, "%s: holds more than the %d bytes that are allowed, after decompression: use a part of it", s.name, int64(most))
	}
	if s.packed != "" {
		return failBecause(err, ErrCompressed, "%s: the %s data is cut short or damaged after line %d (%v): fetch the file again",
			s.name, s.packed, line, err)
	}
	if pathErr, ok := errors.AsType[*fs.PathError](err); ok {
		err = pathErr.Err
	}
	return failBecause(err, ErrUnreadable, "%s: cannot be read: %v", s.name, err)
}

// Close closes the decompressor and the file.
func (s *source) Close() error {
	var first error
	for i := len(s.closings) - 1; i >= 0; i-- {
		if err := s.closings[i](); err != nil && first == nil {
			first = err
		}
	}
	return first
}
