//go:build race

package ingest

// underRace says that the race detector makes everything ten times slower: tests of a single goroutine look at less.
const underRace = true
