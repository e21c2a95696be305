package bench

import "time"

// A reading is the time on both clocks, in seconds.
type reading struct {
	wall time.Time
	cpu  float64 // of all threads of this process
}

func now() reading { return reading{time.Now(), cpuSeconds()} }

// since returns what has passed since r.
func since(r reading) (wall, cpu float64) {
	return time.Since(r.wall).Seconds(), cpuSeconds() - r.cpu
}

// CPUSeconds returns the processor time that this process has taken, user and system, of all threads; where the system does not tell, the
// time on the clock.
func CPUSeconds() float64 { return cpuSeconds() }
