package main

import (
	"os"
	"strconv"
	"strings"
	"time"
)

// Clocks tell something about threads only while nobody else computes. The system counts in ticks of 10 ms.
const (
	lookFor   = 80 * time.Millisecond // also lets the threads of the last runner stop spinning
	mayUse    = 20 * time.Millisecond // others, while we look
	shareUsed = 0.1                   // others may use of the processor time of a sample, besides two ticks
)

// awaitQuiet waits until others leave the processors alone, and reports whether they did before the time is over.
func awaitQuiet(patience time.Duration) bool {
	for until := time.Now().Add(patience); ; {
		before, ok := busy()
		time.Sleep(lookFor)
		after, _ := busy()
		if !ok || after-before <= mayUse {
			return ok
		}
		if time.Now().After(until) {
			return false
		}
	}
}

// busy returns the processor time that the whole system has used, all processors together.
func busy() (time.Duration, bool) {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, false
	}
	first, _, _ := strings.Cut(string(text), "\n")
	var ticks int64
	fields := strings.Fields(first)
	for i := 1; i < len(fields) && i <= 8; i++ {
		n, err := strconv.ParseInt(fields[i], 10, 64)
		if err != nil {
			return 0, false
		}
		if i != 4 && i != 5 { // idle, and waiting for input and output
			ticks += n
		}
	}
	return time.Duration(ticks) * 10 * time.Millisecond, len(fields) > 8
}
