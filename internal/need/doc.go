// Package need finds what a test needs beyond the repository: tables and tools.
//
// A test that lacks something it needs is skipped with one line that says why. With
// GRADUS_MUST_RUN=1 it fails instead, so that a machine that should have everything cannot pass
// by skipping.
package need
