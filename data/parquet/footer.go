package parquet

import (
	"encoding/base64"
	"encoding/json"
	"strings"

	"github.com/gradus-ml/gradus/internal/flatbuf"
)

// The physical types.
const (
	typeBoolean = iota
	typeInt32
	typeInt64
	typeInt96
	typeFloat
	typeDouble
	typeBytes
	typeFixed
	typeNone = -1 // of a group
)

// A meaning is what the values of a column represent.
type meaning uint8

const (
	plain     meaning = iota // determined by the physical type
	text                     // also JSON
	category                 // ENUM
	decimal                  // unscaled / 10^scale
	day                      // since 1970
	clock                    // time of day
	timestamp                // since 1970 in UTC
	unsigned
	half // a float of 16 bits
	uuid
	null
	other // not a type of tables
)

// A leaf is a column of the file's schema with the way its values are written.
type leaf struct {
	name     string
	physical int
	length   int // of typeFixed, in bytes
	optional bool
	means    meaning
	scale    int
	unit     int64  // units per second, for clock and timestamp
	what     string // what the values of a column that is not read are: "lists", "structs"
	chunk    int    // the place of its chunk, or of the first of several, in a group
}

// A chunk is one column in one row group.
type chunk struct {
	physical   int
	codec      int
	values     int64
	size       int64 // compressed, with the page headers
	start      int64
	elsewhere  bool // in another file
	encrypted  bool
	dictionary int64
	data       int64
}

type group struct {
	rows   int64
	chunks []chunk
}

// A footer is the description at the end of a file.
type footer struct {
	leaves    []leaf
	chunks    int // in each group: one for each column, or several for a nested one
	rows      int64
	groups    []group
	keys      map[string]string
	encrypted bool
}

type element struct {
	leaf
	children   int64
	repetition int64
	converted  int64
}

// parseFooter reads the footer.
func parseFooter(b []byte) (*footer, error) {
	t := &thrift{b: b}
	m := &footer{keys: map[string]string{}, rows: -1}
	var schema []element
	t.fields(func(id int64, kind byte) {
		switch {
		case id == 2 && kind == thriftList:
			t.list(func(byte) { schema = append(schema, t.element()) })
		case id == 3:
			m.rows = t.int()
		case id == 4 && kind == thriftList:
			t.list(func(byte) { m.groups = append(m.groups, t.group()) })
		case id == 5 && kind == thriftList:
			t.list(func(byte) {
				var k, v string
				t.fields(func(id int64, kind byte) {
					switch {
					case id == 1 && kind == thriftBinary:
						k = string(t.bytes())
					case id == 2 && kind == thriftBinary:
						v = string(t.bytes())
					default:
						t.skip(kind)
					}
				})
				m.keys[k] = v
			})
		case id == 8:
			m.encrypted = true
			t.skip(kind)
		default:
			t.skip(kind)
		}
	})
	if t.err != nil {
		return nil, t.err
	}
	if len(schema) == 0 {
		return nil, errCut
	}
	for at := 1; at < len(schema); {
		e := schema[at]
		end, chunks, ok := skipChildren(schema, at)
		if !ok {
			return nil, errCut
		}
		l := e.leaf
		l.optional = e.repetition == 1
		l.chunk = m.chunks
		switch {
		case l.what != "":
		case e.children > 0:
			l.what = "structs"
		case e.repetition == 2:
			l.what = "lists"
		case l.means == other:
			l.what = "values that are no numbers, texts, booleans or times"
		}
		m.leaves = append(m.leaves, l)
		m.chunks += chunks
		at = end
	}
	return m, nil
}

// skipChildren returns the place after an element and its descendants, and how many of these have a chunk of values.
func skipChildren(schema []element, at int) (end, chunks int, ok bool) {
	open := int64(1) // elements still to come
	for ; open > 0; at++ {
		if at >= len(schema) || schema[at].children < 0 || schema[at].children > int64(len(schema)) {
			return 0, 0, false
		}
		if schema[at].physical != typeNone {
			chunks++
		}
		open += schema[at].children - 1
	}
	return at, chunks, true
}

func (t *thrift) element() element {
	e := element{leaf: leaf{physical: typeNone}, converted: -1}
	logical := false
	t.fields(func(id int64, kind byte) {
		switch id {
		case 1:
			e.physical = int(t.int())
		case 2:
			e.length = int(t.int())
		case 3:
			e.repetition = t.int()
		case 4:
			e.name = string(t.bytes())
		case 5:
			e.children = t.int()
		case 6:
			e.converted = t.int()
		case 7:
			e.scale = int(t.int())
		case 10:
			logical = true
			t.logical(&e)
		default:
			t.skip(kind)
		}
	})
	if !logical {
		e.convert()
	}
	if e.physical < typeBoolean && e.children == 0 || e.physical > typeFixed || e.length < 0 {
		t.fail()
	}
	return e
}

// logical reads the union LogicalType.
func (t *thrift) logical(e *element) {
	t.fields(func(id int64, kind byte) {
		switch id {
		case 1, 12:
			e.means = text
		case 2:
			e.what = "maps"
		case 3:
			e.what = "lists"
		case 4:
			e.means = category
		case 5:
			e.means = decimal
			t.fields(func(id int64, kind byte) {
				if id == 1 {
					e.scale = int(t.int())
				} else {
					t.skip(kind)
				}
			})
			return
		case 6:
			e.means = day
		case 7, 8:
			e.means = clock
			if id == 8 {
				e.means = timestamp
			}
			t.fields(func(id int64, kind byte) {
				if id != 2 {
					t.skip(kind)
					return
				}
				t.fields(func(id int64, kind byte) {
					e.unit = map[int64]int64{1: 1e3, 2: 1e6, 3: 1e9}[id]
					t.skip(kind)
				})
			})
			if e.unit == 0 {
				t.fail()
			}
			return
		case 10:
			t.fields(func(id int64, kind byte) {
				if id == 2 && kind == thriftFalse {
					e.means = unsigned
				}
				t.skip(kind)
			})
			return
		case 11:
			e.means = null
		case 14:
			e.means = uuid
		case 15:
			e.means = half
		default:
			e.means = other
		}
		t.skip(kind)
	})
}

// convert reads the converted type, which older writers use instead of a logical type.
func (e *element) convert() {
	switch e.converted {
	case 0, 19:
		e.means = text
	case 1, 2:
		e.what = "maps"
	case 3:
		e.what = "lists"
	case 4:
		e.means = category
	case 5:
		e.means = decimal
	case 6:
		e.means = day
	case 7:
		e.means, e.unit = clock, 1e3
	case 8:
		e.means, e.unit = clock, 1e6
	case 9:
		e.means, e.unit = timestamp, 1e3
	case 10:
		e.means, e.unit = timestamp, 1e6
	case 11, 12, 13, 14:
		e.means = unsigned
	case 20, 21:
		e.means = other
	}
}

func (t *thrift) group() group {
	g := group{rows: -1}
	t.fields(func(id int64, kind byte) {
		switch {
		case id == 1 && kind == thriftList:
			t.list(func(byte) { g.chunks = append(g.chunks, t.chunk()) })
		case id == 3:
			g.rows = t.int()
		default:
			t.skip(kind)
		}
	})
	if g.rows < 0 {
		t.fail()
	}
	return g
}

func (t *thrift) chunk() chunk {
	c := chunk{physical: typeNone}
	t.fields(func(id int64, kind byte) {
		switch {
		case id == 1 && kind == thriftBinary:
			c.elsewhere = len(t.bytes()) > 0
		case id == 3 && kind == thriftStruct:
			t.fields(func(id int64, kind byte) {
				switch id {
				case 1:
					c.physical = int(t.int())
				case 4:
					c.codec = int(t.int())
				case 5:
					c.values = t.int()
				case 7:
					c.size = t.int()
				case 9:
					c.data = t.int()
				case 11:
					c.dictionary = t.int()
				default:
					t.skip(kind)
				}
			})
		case id == 8:
			c.encrypted = true
			t.skip(kind)
		default:
			t.skip(kind)
		}
	})
	c.start = c.data
	if c.dictionary > 0 && c.dictionary < c.start {
		c.start = c.dictionary
	}
	return c
}

// spans is what the values of a column are that holds spans of time. Parquet has no such type: Arrow writes whole numbers and pandas times of
// day, and only their own schemas say what they are.
const spans = "spans of time"

// written adds to the columns what only the schemas of the writers say, which Arrow and pandas each store in the file. It returns which
// columns were categories.
func (m *footer) written() (categories map[string]bool) {
	const duration = 18 // in Arrow's union of types
	categories = map[string]bool{}
	isSpan := map[string]bool{}
	if raw, err := base64.StdEncoding.DecodeString(m.keys["ARROW:schema"]); err == nil {
		b := &flatbuf.Buffer{B: raw[min(8, len(raw)):]} // after a marker and a length
		for _, field := range b.Root().Table(2).Tables(1) {
			if dictionary := 4; field.Has(dictionary) && !b.Bad {
				categories[field.String(0)] = true
			}
			if kind := 2; field.Int(kind, 1, 0) == duration && !b.Bad {
				isSpan[field.String(0)] = true
			}
		}
	}
	var pandas struct {
		Columns []struct {
			Name  any    `json:"name"`
			Field any    `json:"field_name"`
			Type  string `json:"pandas_type"`
			NumPy string `json:"numpy_type"`
		} `json:"columns"`
	}
	if json.Unmarshal([]byte(m.keys["pandas"]), &pandas) == nil {
		for _, c := range pandas.Columns {
			name, ok := c.Name.(string)
			if ok && c.Type == "categorical" {
				categories[name] = true
			}
			if ok && strings.HasPrefix(c.NumPy, "timedelta64") {
				isSpan[name] = true
			}
		}
	}
	for i, l := range m.leaves {
		if isSpan[l.name] && l.what == "" {
			m.leaves[i].what = spans
		}
	}
	return categories
}
