// Package queue spreads independent work over machines, with PostgreSQL between them. It knows work
// and results as bytes and nothing of what they mean.
//
//   - Job: the caller's side. Each piece of the work is a task, and Do waits for its result.
//   - Worker: takes tasks from the queue, one at a time for each of its slots.
//   - link: a connection that is made anew when the server was away.
//   - tables: the schema gradus of the database.
//
// A task is claimed with FOR UPDATE SKIP LOCKED, and its lease is a session's advisory lock, which
// goes with the worker's connection: the task of a worker that was killed is free at once, that of a
// machine that vanished as soon as the server's keepalives find out. A task that is done twice
// harms nothing, since it must come to the same; some are done twice so that this is held.
package queue
