//go:build !race

package ingest

const scribble = false
