// Package lock keeps two processes from using one folder. The system releases a lock when its
// process ends, however it ends, so none is left behind by kill -9.
package lock
