//go:build race

package pipeline_test

// raceEnabled is that the race detector is on.
const raceEnabled = true
