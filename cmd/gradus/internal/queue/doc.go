// Package queue distributes independent work over machines through PostgreSQL. It treats work and
// results as bytes and does not know what they mean.
//
//   - Job: the caller's side. Each piece of the work is a task, and Do waits for its result.
//   - Worker: takes tasks from the queue, one at a time for each of its slots.
//   - link: a connection that is restored after the server was away.
//   - tables: the schema gradus of the database.
//
// A task is claimed with FOR UPDATE SKIP LOCKED. Its lease is a session-level advisory lock, which
// ends with the worker's connection. If a worker is killed, its task is free at once. If a machine
// vanishes, its tasks are free as soon as the server's keepalives notice. It does no harm to do a task
// twice, because the result must be the same. Some tasks are done twice to check that.
package queue
