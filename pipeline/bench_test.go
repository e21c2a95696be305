package pipeline_test

import (
	"testing"

	"curvestream/ingest"
	"curvestream/internal/shared"
	"curvestream/nn"
	"curvestream/pipeline"
)

// BenchmarkEach streams a whole file: cold, from the file to packed batches, and warm, replayed from memory.
func BenchmarkEach(b *testing.B) {
	for _, test := range []struct {
		file  string
		roles ingest.RoleOptions
	}{
		{"mnist_t10k.parquet", ingest.RoleOptions{Layout: ingest.Flat}},
		{"shakespeare_train.parquet", ingest.RoleOptions{}},
		{"japanese_vowels_train_long.parquet", vowels},
	} {
		for _, mode := range []string{"cold", "warm"} {
			b.Run("file="+test.file+"/"+mode, func(b *testing.B) {
				d := open(b, shared.Dir(b, "data", test.file), test.roles, pipeline.LoaderOptions{})
				mb := newPlan(b, d.manifest, pipeline.PlanOptions{}).Everything()
				b.ReportAllocs()
				steps := 0
				for b.Loop() {
					if mode == "cold" {
						d.loader.Close()
					}
					if err := d.loader.Each(b.Context(), mb, func(batch *nn.Batch[float32]) error {
						steps += batch.Rows()
						return nil
					}); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(steps)/b.Elapsed().Seconds(), "steps/s")
				if mode == "cold" {
					packed := d.loader.Stats().Stages[3]
					b.ReportMetric(float64(packed.Bytes)/b.Elapsed().Seconds()/1e6, "packed-MB/s")
				}
			})
		}
	}
}
