// Package sqlite lets package data read SQLite databases. Importing it is enough:
//
//	import _ "github.com/gradus-ml/gradus/data/sqlite"
//
//	t, err := data.Read("sqlite:shop.db", data.ReadOptions{Query: "select price, size from houses"})
//
// The database is opened read-only. Columns that are declared as booleans are booleans.
package sqlite

import (
	"bytes"
	"fmt"
	"os"
	"strings"

	"github.com/ncruces/go-sqlite3"

	"github.com/gradus-ml/gradus/data"
)

const magic = "SQLite format 3\x00"

func init() {
	data.Register(data.Format{
		Name: "an SQLite database", Package: "sqlite", Scheme: "sqlite:", Read: read,
		Detect: func(head []byte, _ string) bool { return bytes.HasPrefix(head, []byte(magic)) },
	})
}

func read(f *data.File, opt data.ReadOptions) (*data.Table, error) {
	path := strings.TrimPrefix(f.Path, "sqlite:")
	if path == data.Stdin {
		return nil, f.Fail(data.ErrFormat, "is an SQLite database, which cannot be read from a pipe: name its file")
	}
	info, err := os.Stat(path)
	switch {
	case os.IsNotExist(err):
		return nil, f.Fail(data.ErrNoFile, "no such file: check the path%.0w", err)
	case err != nil:
		return nil, f.Fail(data.ErrUnreadable, "cannot be read: %w", err)
	case info.IsDir():
		return nil, f.Fail(data.ErrFolder, "is a folder: name a database in it")
	}
	db, err := sqlite3.OpenFlags(path, sqlite3.OPEN_READONLY)
	if err != nil {
		return nil, damaged(f, err)
	}
	defer db.Close()
	stmt, err := prepare(f, db, opt.Query)
	if err != nil {
		return nil, err
	}
	defer stmt.Close()
	if n := stmt.ColumnCount(); opt.MaxColumns > 0 && n > opt.MaxColumns {
		return nil, f.Fail(data.ErrLarge, "has %d columns, and at most %d are allowed: select fewer", n, opt.MaxColumns)
	}
	g, err := rows(f, stmt, opt)
	if err != nil {
		return nil, err
	}
	t, err := g.Table()
	if err != nil {
		return nil, err
	}
	return t.Formatted("SQLite"), nil
}

func damaged(f *data.File, err error) error {
	return f.Fail(data.ErrDamaged, "the SQLite database cannot be read (%s): check it with PRAGMA integrity_check", reason(err))
}

// prepare prepares the given query, or else a query of the only table.
func prepare(f *data.File, db *sqlite3.Conn, asked string) (*sqlite3.Stmt, error) {
	query := asked
	if query == "" {
		var err error
		if query, err = onlyTable(f, db); err != nil {
			return nil, err
		}
	}
	stmt, tail, err := db.Prepare(query)
	switch {
	case err != nil && asked == "":
		return nil, damaged(f, err)
	case err != nil:
		return nil, f.Fail(data.ErrOption, "the query is refused: %s", reason(err))
	case stmt == nil || stmt.ColumnCount() == 0 || strings.TrimSpace(tail) != "" || !stmt.ReadOnly():
		if stmt != nil {
			stmt.Close()
		}
		return nil, f.Fail(data.ErrOption, "the query is not one that reads rows: give one, such as select * from TABLE")
	}
	return stmt, nil
}

// rows reads all rows of a query, one by one.
func rows(f *data.File, stmt *sqlite3.Stmt, opt data.ReadOptions) (*data.Growing, error) {
	g := data.NewGrowing(f, opt)
	booleans := make([]bool, stmt.ColumnCount())
	for i := range booleans {
		g.Columns = append(g.Columns, data.NewSeries(stmt.ColumnName(i)))
		booleans[i] = strings.Contains(strings.ToUpper(stmt.ColumnDeclType(i)), "BOOL")
	}
	for stmt.Step() {
		for i, s := range g.Columns {
			if s.IsUnread() {
				continue
			}
			switch stmt.ColumnType(i) {
			case sqlite3.NULL:
				s.Null()
			case sqlite3.INTEGER:
				if x := stmt.ColumnInt64(i); booleans[i] && (x == 0 || x == 1) {
					s.Bool(x == 1)
				} else {
					s.Int(x)
				}
			case sqlite3.FLOAT:
				s.Float(stmt.ColumnFloat(i))
			case sqlite3.BLOB:
				s.Unread(fmt.Sprintf("bytes, as in row %d", g.Rows()), "cast the column to numbers or texts in the query to use it")
			default:
				s.Bytes(stmt.ColumnRawText(i))
			}
		}
		if err := g.EndRow(); err != nil {
			return nil, err
		}
		if opt.Progress != nil && g.Rows()%10000 == 0 {
			opt.Progress(data.Progress{Rows: g.Rows()})
		}
	}
	if err := stmt.Err(); err != nil {
		return nil, damaged(f, err)
	}
	return g, nil
}

// reason returns SQLite's message without its prefix.
func reason(err error) string { return strings.TrimPrefix(err.Error(), "sqlite3: ") }

// onlyTable returns a query that reads the only table.
func onlyTable(f *data.File, db *sqlite3.Conn) (string, error) {
	stmt, _, err := db.Prepare("select name from sqlite_master where type in ('table', 'view') and name not like 'sqlite_%' order by name")
	if err != nil {
		return "", f.Fail(data.ErrDamaged, "is not an SQLite database, or is damaged (%s)", reason(err))
	}
	defer stmt.Close()
	var names []string
	for stmt.Step() && len(names) < 1000 {
		names = append(names, stmt.ColumnText(0))
	}
	switch {
	case stmt.Err() != nil:
		return "", f.Fail(data.ErrDamaged, "the SQLite database cannot be read (%s)", reason(stmt.Err()))
	case len(names) == 0:
		return "", f.Fail(data.ErrEmpty, "the database has no table")
	case len(names) > 1:
		return "", f.FailNote(data.ErrOption, data.Note{{Words: fmt.Sprintf("the database has %d tables, such as %q and %q: say what to read with ", len(names), names[0], names[1])}, {Option: "Query"}})
	}
	return fmt.Sprintf("select * from %s", sqlite3.QuoteIdentifier(names[0])), nil
}
