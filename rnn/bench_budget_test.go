package rnn_test

import (
	"fmt"
	"testing"

	"curvestream/accel/cpu"
	"curvestream/rnn"
)

// BenchmarkStateBudget multiplies by G while fewer and fewer states are kept.
func BenchmarkStateBudget(b *testing.B) {
	net, batch, theta := pathological(b, 100, 200, 400)
	states := int64(4 * 100 * batch.Rows())
	for _, percent := range []int64{0, 75, 50, 35} {
		b.Run(fmt.Sprintf("percent=%d", percent), func(b *testing.B) {
			config := net.Config
			config.StateBudget = states * percent / 100
			bounded, err := rnn.New(cpu.New[float32](cpu.Options{}), config)
			check(b, err)
			lin, err := bounded.Linearize(b.Context(), theta, batch)
			check(b, err)
			defer lin.Close()
			gv := theta.New()
			for b.Loop() {
				check(b, lin.AddGv(b.Context(), gv, theta, 0))
			}
			b.ReportMetric(float64(bounded.Bytes(batch, false))/(1<<20), "MiB")
		})
	}
}
