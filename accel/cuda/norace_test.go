//go:build !race

package cuda

const underRace = false
