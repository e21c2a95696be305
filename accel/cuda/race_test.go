//go:build race

package cuda

// underRace says that the race detector makes the emulator some ten times slower: what one goroutine does is then left to other runs.
const underRace = true
