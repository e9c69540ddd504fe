// Package lock keeps two processes out of one folder. The system gives a lock back when its
// process ends, however it ends, so none is left behind by kill -9.
package lock
