//go:build race

package ingest

// scribble makes a recycler overwrite what is freed, so that tests under the race detector notice who goes on using it.
const scribble = true
