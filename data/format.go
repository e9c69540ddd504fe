package data

import (
	"bytes"
	"io"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/gradus-ml/gradus/internal/memory"
)

// A Format is a file format or a database that Read can read, besides text and IDX. Its package
// registers it when it is imported:
//
//	import _ "github.com/gradus-ml/gradus/data/parquet"
type Format struct {
	Name    string // in messages, with its article: "a Parquet file"
	Package string // the package that registers it
	Scheme  string // of a database's address, such as "postgres://" or "sqlite:"; "": it is a file
	Rows    bool   // it has rows of cells, and Read follows the options Header, SkipRows, Comment and KeepTotal

	// Detect reports whether a file has this format. It gets the first bytes of the file, up to
	// 64 kB and decompressed, and its name in lower case without the endings .gz and .zst.
	Detect func(head []byte, name string) bool

	// Read reads a table. A database has no file, only the address in f.Path.
	Read func(f *File, opt ReadOptions) (*Table, error)
}

// known are the formats that are not linked unless their packages are imported.
var known = []Format{
	{Name: "a Parquet file", Package: "parquet", Detect: startsWith("PAR1")},
	{Name: "an Arrow file", Package: "arrow", Detect: startsWith("ARROW1", "\xff\xff\xff\xff")},
	{Name: "a NumPy file", Package: "npy", Detect: func(head []byte, name string) bool {
		return bytes.HasPrefix(head, []byte("\x93NUMPY")) || bytes.HasPrefix(head, []byte("PK\x03\x04")) && strings.HasSuffix(name, ".npz")
	}},
	{Name: "a spreadsheet", Package: "excel", Detect: startsWith("PK\x03\x04")},
	{Name: "JSON", Package: "jsonl", Detect: startsWith("{\"", "[{\"")},
	{Name: "an SQLite database", Package: "sqlite", Scheme: "sqlite:", Detect: startsWith("SQLite format 3\x00")},
	{Name: "a PostgreSQL database", Package: "postgres", Scheme: "postgres://", Detect: startsWith()},
	{Name: "a PostgreSQL database", Package: "postgres", Scheme: "postgresql://", Detect: startsWith()},
}

// startsWith returns a Detect function for files that start with one of the words.
func startsWith(words ...string) func(head []byte, name string) bool {
	return func(head []byte, _ string) bool {
		return slices.ContainsFunc(words, func(w string) bool { return bytes.HasPrefix(head, []byte(w)) })
	}
}

var (
	formatsLock sync.RWMutex
	formats     []Format
)

// Register adds a format that Read can then read.
func Register(f Format) {
	formatsLock.Lock()
	defer formatsLock.Unlock()
	formats = append(formats, f)
}

// registered returns all formats.
func registered() []Format {
	formatsLock.RLock()
	defer formatsLock.RUnlock()
	return formats
}

// isDatabase reports whether a path is the address of a database, and of which format.
func isDatabase(path string) (f Format, is, linked bool) {
	for i, list := range [][]Format{registered(), known} {
		for _, f := range list {
			if f.Scheme != "" && strings.HasPrefix(path, f.Scheme) {
				return f, true, i == 0
			}
		}
	}
	return f, false, false
}

// IsDatabase reports whether a path given to Read is the address of a database instead of a file.
func IsDatabase(path string) bool {
	_, is, _ := isDatabase(path)
	return is
}

var passwords = regexp.MustCompile(`(?i)([?&](?:ssl)?password=)[^&]*`)

// WithoutPassword returns a path or the address of a database, without its password, for display.
func WithoutPassword(path string) string {
	f, is, _ := isDatabase(path)
	if !is || !strings.HasSuffix(f.Scheme, "://") {
		return path
	}
	rest := path[len(f.Scheme):]
	if at := strings.LastIndexByte(rest, '@'); at >= 0 { // a password may hold a slash that should be %2F
		if user, _, has := strings.Cut(rest[:at], ":"); has {
			rest = user + rest[at:]
		}
	}
	return f.Scheme + passwords.ReplaceAllString(rest, "${1}")
}

// plainName returns a file's name in lower case without the endings of compression.
func plainName(path string) string {
	name := strings.ToLower(filepath.Base(path))
	return strings.TrimSuffix(strings.TrimSuffix(name, ".gz"), ".zst")
}

// notLinked returns the error for a format whose package the program does not import.
func notLinked(name string, f Format) error {
	return fail(ErrFormat, `%s: is %s, which is not read here: import _ "github.com/gradus-ml/gradus/data/%s"`, name, f.Name, f.Package)
}

// readDatabase reads from a database.
func readDatabase(path string, opt ReadOptions) (*Table, error) {
	f, _, linked := isDatabase(path)
	if !linked {
		return nil, notLinked(WithoutPassword(path), f)
	}
	if err := opt.notFor(f, WithoutPassword(path)); err != nil {
		return nil, err
	}
	return f.Read(&File{Name: WithoutPassword(path), Path: path, most: opt.MaxBytes}, opt)
}

// find detects the format of an open file. ok is false for text and IDX.
func (s *source) find() (f Format, ok bool, err error) {
	head, err := s.r.Peek(peekSize)
	if err != nil && err != io.EOF && len(head) == 0 {
		return f, false, s.readError(err, 1)
	}
	name := plainName(s.name)
	for _, f := range registered() {
		if f.Detect != nil && f.Detect(head, name) {
			return f, true, nil
		}
	}
	for _, f := range known {
		if f.Detect(head, name) && !slices.ContainsFunc(registered(), func(r Format) bool { return r.Package == f.Package }) {
			return f, false, notLinked(s.name, f)
		}
	}
	return f, false, nil
}

// A File is what a Format reads.
type File struct {
	Name string // in messages
	Path string // or address

	src  *source
	most int64
}

// Read reads the file's bytes in order, decompressed.
func (f *File) Read(p []byte) (int, error) {
	n, err := f.src.r.Read(p)
	if err != nil && err != io.EOF {
		err = f.src.readError(err, 1)
	}
	return n, err
}

// Share returns the share of the file read so far, from 0 to 1, for Progress. It is 0 if unknown.
func (f *File) Share() float64 { return f.src.share(0) }

// Bytes returns the whole content at once: the file itself if it is not compressed, otherwise
// everything read from the source.
func (f *File) Bytes() (io.ReaderAt, int64, error) {
	if f.src.packed == "" && f.src.file != nil {
		size := f.src.size
		if f.most > 0 && size > f.most {
			return nil, 0, f.src.readError(tooManyBytes(f.most), 1)
		}
		return f.src.file, size, nil
	}
	var buf bytes.Buffer
	for {
		if err := f.Need(2 * int64(buf.Len())); err != nil {
			return nil, 0, err
		}
		_, err := io.CopyN(&buf, f, 1<<20+int64(buf.Len()))
		if err == io.EOF {
			return bytes.NewReader(buf.Bytes()), int64(buf.Len()), nil
		}
		if err != nil {
			return nil, 0, err
		}
	}
}

// little is the number of bytes that may be used without checking the free memory. The check costs more
// than reading a page of a file does.
const little = 4 << 20

// Need refuses a table that needs more memory than is free or than MaxBytes allows. size is in bytes.
func (f *File) Need(size int64) error {
	if f.most > 0 && size > 16*f.most {
		return fail(ErrLarge, "%s: holds more than the %d bytes that are allowed, after decompression: use a part of it", f.Name, f.most)
	}
	if size <= little {
		return nil
	}
	have, known := available()
	if known && uint64(size) > have.Bytes {
		runtime.GC() // frees what earlier parts have left
		have, known = available()
	}
	if known && uint64(size) > have.Bytes {
		return fail(ErrLarge, "%s: the table needs about %s of memory and %s has %s left: take a part of its rows, or leave columns out of it",
			f.Name, memory.Size(float64(size)), have.Of, memory.Size(float64(have.Bytes)))
	}
	return nil
}

// Spills reports whether a table of so many rows and bytes should be read part by part onto the disk: if the free memory is
// less than twice its size, or has no room for the steps after reading. See Parts.
func (f *File) Spills(rows, size int64, opt ReadOptions) bool {
	if opt.Spill == nil || f.most > 0 || size <= little {
		return false
	}
	have, known := available()
	return known && tight(have, float64(rows), float64(size))
}

// Fail returns an error about the file. Its text begins with the file's name.
func (f *File) Fail(kind error, format string, args ...any) error {
	return Errorf(kind, "%s: "+format, append([]any{f.Name}, args...)...)
}

// FailNote returns an error about the file whose reason is a note.
func (f *File) FailNote(kind error, reason Note) error {
	return &failure{note: noteOf(f.Name+": ", reason), kind: kind}
}

// notFor returns the error for an option that has no effect on a format, and nil if there is none.
func (opt ReadOptions) notFor(f Format, name string) error {
	given := []struct {
		option string
		is     bool
	}{
		{"Delimiter", opt.Delimiter != 0},
		{"Encoding", opt.Encoding != "" && opt.Encoding != "auto"},
		{"Header", !f.Rows && opt.Header != "" && opt.Header != "auto"},
		{"SkipRows", !f.Rows && opt.SkipRows != 0},
		{"Comment", !f.Rows && opt.Comment != ""},
		{"KeepTotal", !f.Rows && opt.KeepTotal},
	}
	for _, o := range given {
		if o.is {
			return &failure{note: noteOf(name+": is "+f.Name+", on which ", named(o.option), " has no effect: leave it out"), kind: ErrOption}
		}
	}
	return nil
}
