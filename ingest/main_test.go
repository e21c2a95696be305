package ingest

import (
	"testing"

	"go.uber.org/goleak"
)

// No test leaves a goroutine behind, and writers write in linear time.
func TestMain(m *testing.M) {
	UseGrowingAllocator()
	goleak.VerifyTestMain(m)
}
