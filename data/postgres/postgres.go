// Package postgres lets package data read from PostgreSQL. Importing it is enough:
//
//	import _ "github.com/gradus-ml/gradus/data/postgres"
//
//	t, err := data.Read("postgres://ann@db.example/shop", data.ReadOptions{Query: "select price, size from houses"})
//
// The query runs in a read-only transaction. Pass a password with PGPASSWORD or ~/.pgpass, if
// possible; a password in the address is used and never shown. Columns of an enumerated type are categories.
package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/internal/pgerror"
)

func init() {
	for _, scheme := range []string{"postgres://", "postgresql://"} {
		data.Register(data.Format{Name: "a PostgreSQL database", Package: "postgres", Scheme: scheme, Read: read})
	}
}

// patience is the time limit for making a connection.
const patience = 15 * time.Second

func read(f *data.File, opt data.ReadOptions) (*data.Table, error) {
	ctx := context.Background()
	config, err := pgx.ParseConfig(f.Path)
	if err != nil {
		return nil, f.Fail(data.ErrOption, "is not the address of a database: write it as postgres://USER@HOST:PORT/NAME")
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = patience
	}
	db, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return nil, f.Fail(data.ErrUnreadable, "cannot be connected to (%s): %s", pgerror.Reason(err, config.Password), pgerror.Hint(err))
	}
	defer db.Close(ctx)
	tx, err := db.BeginTx(ctx, pgx.TxOptions{AccessMode: pgx.ReadOnly})
	if err != nil {
		return nil, f.Fail(data.ErrUnreadable, "cannot be read (%s)", pgerror.Reason(err, config.Password))
	}
	defer tx.Rollback(ctx)
	enums, err := enumerated(ctx, tx)
	if err != nil {
		return nil, f.Fail(data.ErrUnreadable, "cannot be read (%s)", pgerror.Reason(err, config.Password))
	}
	query := opt.Query
	if query == "" {
		if query, err = onlyTable(ctx, f, tx); err != nil {
			return nil, err
		}
	}
	refused := func(err error) error {
		if sentence, ok := errors.AsType[*pgconn.PgError](err); ok {
			return f.Fail(data.ErrOption, "the query is refused: %s", strings.TrimSpace(sentence.Message+". "+sentence.Hint))
		}
		return f.Fail(data.ErrUnreadable, "the query failed: %s", pgerror.Reason(err, config.Password))
	}
	rows, err := tx.Query(ctx, query)
	if err != nil {
		return nil, refused(err)
	}
	defer rows.Close()
	g := data.NewGrowing(f, opt)
	for rows.Next() {
		if g.Columns == nil {
			if g.Columns, err = describe(f, rows, enums, opt); err != nil {
				return nil, err
			}
		}
		values, err := rows.Values()
		if err != nil {
			return nil, refused(err)
		}
		for i, v := range values {
			if s := g.Columns[i]; !s.IsUnread() {
				if what := put(s, v); what != "" {
					s.Unread(what, "cast the column to numbers or texts in the query to use it")
				}
			}
		}
		if err := g.EndRow(); err != nil {
			return nil, err
		}
		if opt.Progress != nil && g.Rows()%10000 == 0 {
			opt.Progress(data.Progress{Rows: g.Rows()})
		}
	}
	if err := rows.Err(); err != nil {
		return nil, refused(err)
	}
	if g.Rows() == 0 {
		return nil, f.Fail(data.ErrEmpty, "the query returned no rows: it takes at least one")
	}
	t, err := g.Table()
	if err != nil {
		return nil, err
	}
	return t.Formatted("PostgreSQL"), nil
}

// describe creates the columns of a result.
func describe(f *data.File, rows pgx.Rows, enums map[uint32]bool, opt data.ReadOptions) ([]*data.Series, error) {
	fields := rows.FieldDescriptions()
	if opt.MaxColumns > 0 && len(fields) > opt.MaxColumns {
		return nil, f.Fail(data.ErrLarge, "has %d columns, and at most %d are allowed: select fewer", len(fields), opt.MaxColumns)
	}
	var columns []*data.Series
	for _, d := range fields {
		s := data.NewSeries(d.Name)
		if enums[d.DataTypeOID] {
			s.Fix(data.KindCategory)
		}
		columns = append(columns, s)
	}
	return columns, nil
}

// enumerated returns the types that are enumerations.
func enumerated(ctx context.Context, tx pgx.Tx) (map[uint32]bool, error) {
	rows, err := tx.Query(ctx, "select oid from pg_catalog.pg_type where typtype = 'e'")
	if err != nil {
		return nil, err
	}
	oids, err := pgx.CollectRows(rows, pgx.RowTo[uint32])
	is := map[uint32]bool{}
	for _, oid := range oids {
		is[oid] = true
	}
	return is, err
}

// onlyTable returns a query that reads the only table.
func onlyTable(ctx context.Context, f *data.File, tx pgx.Tx) (string, error) {
	rows, err := tx.Query(ctx, "select table_schema::text, table_name::text from information_schema.tables where table_schema not in ('pg_catalog', 'information_schema') order by 1, 2 limit 3")
	if err != nil {
		return "", f.Fail(data.ErrUnreadable, "its tables cannot be listed: %w", err)
	}
	names, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (pgx.Identifier, error) {
		name := make(pgx.Identifier, 2)
		return name, row.Scan(&name[0], &name[1])
	})
	switch {
	case err != nil:
		return "", f.Fail(data.ErrUnreadable, "its tables cannot be listed: %w", err)
	case len(names) == 0:
		return "", f.Fail(data.ErrEmpty, "the database has no table")
	case len(names) > 1:
		return "", f.FailNote(data.ErrOption, data.Note{{Words: fmt.Sprintf("the database has several tables, such as %s and %s: say what to read with ", names[0].Sanitize(), names[1].Sanitize())}, {Option: "Query"}})
	}
	return "select * from " + names[0].Sanitize(), nil
}

// put appends a value in the form that the database gives it, or returns what it is if it cannot be a cell: "lists".
func put(s *data.Series, v any) (unread string) {
	switch x := v.(type) {
	case pgtype.Numeric:
		switch {
		case x.NaN || !x.Valid:
			s.Null()
		case x.InfinityModifier != pgtype.Finite:
			s.Text(fmt.Sprintf("%sinf", map[bool]string{true: "-"}[x.InfinityModifier == pgtype.NegativeInfinity]))
		case x.Int.IsInt64() && x.Exp <= 0:
			s.Decimal(x.Int.Int64(), int(-x.Exp))
		default:
			s.Number(fmt.Sprintf("%se%d", x.Int, x.Exp))
		}
	case pgtype.Time:
		s.Clock(x.Microseconds / 1e6)
	case pgtype.InfinityModifier:
		s.Null()
	case [16]byte:
		s.Text(fmt.Sprintf("%x-%x-%x-%x-%x", x[:4], x[4:6], x[6:8], x[8:10], x[10:]))
	case []byte:
		return "bytes"
	case []any:
		return "lists"
	case map[string]any:
		return "objects"
	case pgtype.Interval:
		return "spans of time"
	default:
		if err := s.Value(v); err != nil {
			return fmt.Sprintf("values of the type %T", v)
		}
	}
	return ""
}
