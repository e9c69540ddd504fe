package queue

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// tablesVersion is the version of the tables. A gradus with another version refuses them.
const tablesVersion = 1

// class is the first key of all advisory locks of gradus; the second is a task's id, or 0 for the tables.
const class = 0x67726164

// tables are made on first use.
const tables = `
create schema if not exists gradus;
create table gradus.version (version integer not null);
create table gradus.jobs (
	id integer generated always as identity primary key,
	key text not null unique,              -- drawn by the caller, so that an insert made again makes no second job
	caller text not null,                  -- who called, and where
	version text not null,                 -- of the caller's gradus
	command text[] not null,               -- the call, without passwords
	head bytea not null,                   -- all that the results depend on
	state text not null default 'open',    -- open, done, canceled
	seen timestamptz not null default now() -- when the caller was last there
);
create table gradus.tasks (
	id integer generated always as identity primary key,
	job integer not null references gradus.jobs on delete cascade,
	number integer not null,               -- in the job
	copy integer not null,                 -- 0, or 1 of a task that is done a second time
	work bytea not null,
	state text not null default 'waiting', -- waiting, running, done, failed
	claim integer not null default 0,      -- how often it was claimed
	worker text,                           -- who claimed it last
	failed text[] not null default '{}',   -- who failed at it
	lost integer not null default 0,       -- how often its worker was lost
	result bytea,
	same text,                             -- what must be equal whoever does it
	seconds double precision,
	error text,
	status integer,                        -- the exit status that goes with the error
	unique (job, number, copy)
);
create index on gradus.tasks (number, copy, id) where state in ('waiting', 'running');
create table gradus.workers (name text primary key, seen timestamptz not null);
create table gradus.refusals (
	job integer not null references gradus.jobs on delete cascade,
	worker text not null,
	reason text not null,
	primary key (job, worker)
);`

// makeTables makes the tables if they do not exist, and refuses tables of another version.
func makeTables(ctx context.Context, db *pgx.Conn) error {
	return pgx.BeginFunc(ctx, db, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "select pg_advisory_xact_lock($1::integer, 0)", class); err != nil {
			return err
		}
		var there bool
		if err := tx.QueryRow(ctx, "select to_regclass('gradus.version') is not null").Scan(&there); err != nil {
			return err
		}
		if !there {
			if _, err := tx.Exec(ctx, tables); err != nil {
				return err
			}
			_, err := tx.Exec(ctx, "insert into gradus.version values ($1)", tablesVersion)
			return err
		}
		var version int
		err := tx.QueryRow(ctx, "select version from gradus.version").Scan(&version)
		if err == nil && version != tablesVersion {
			return fmt.Errorf("%w: its tables are of version %d and this gradus knows version %d: use one gradus everywhere, or another database, or drop the schema gradus", errTables, version, tablesVersion)
		}
		return err
	})
}

var errTables = errors.New("other tables")
