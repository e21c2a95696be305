package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/apache/arrow/go/v15/arrow"
	"golang.org/x/sync/errgroup"

	"curvestream/ingest"
	"curvestream/nn"
	"curvestream/pipeline"
	"curvestream/run/version"
)

// A DataRequest says what reading to measure.
type DataRequest struct {
	Files       []string           // as ingest.Open takes them; none means generated ones
	Sequences   int                // of the generated files
	Roles       ingest.RoleOptions // of the columns of Files
	Workers     int                // goroutines that decode, and as many that encode
	Memory      int64              // the budget of the pipeline
	Repetitions int                // the row is that of the median processor time
}

// A DataReport is what was measured. Its own figures are those of the first row of stage packed: from the file to packed batches.
type DataReport struct {
	Schema  string       `json:"schema"`
	Date    string       `json:"date"` // UTC
	Machine version.Info `json:"machine"`
	DataFigures
	Rows []DataRow `json:"rows"`
}

// A DataRow is one stage of one set of files. Stages: write, generated data to a file; decode, all columns of all row groups to Arrow
// records; scan, the first pass, which finds lengths and statistics; packed, from the file to packed batches of all sequences; copy, the same
// from a working copy.
type DataRow struct {
	Data  string `json:"data"`
	Stage string `json:"stage"`
	DataFigures
	Stages []pipeline.StageStats `json:"stages,omitempty"` // of packed and copy, all passes together
}

// DataFigures are the figures of a stage. A megabyte is 10⁶ bytes of decoded columns.
type DataFigures struct {
	MBPerCPUSecond     float64 `json:"mb_per_cpu_second"`
	MBPerSecond        float64 `json:"mb_per_second"`
	SequencesPerSecond float64 `json:"sequences_per_second"`
	CPUSeconds         float64 `json:"cpu_seconds"`
	Seconds            float64 `json:"seconds"`
	FastestSeconds     float64 `json:"fastest_seconds"` // of all repetitions, by the clock: what disturbed the others counts least here
	AllocatedBytes     int64   `json:"allocated_bytes"`
	DecodedBytes       int64   `json:"decoded_bytes"`
	PeakRSSBytes       int64   `json:"peak_rss_bytes"` // of the process up to then; 0 where the system does not say
	Workers            int     `json:"workers"`
	Sequences          int     `json:"sequences"`
}

const stagePacked, stageCopy = "packed", "copy"

// RunData measures reading. Generated files lie in a temporary directory while it runs. progress is told each row; it may be nil.
func RunData(ctx context.Context, r DataRequest, progress func(DataRow)) (*DataReport, error) {
	if r.Workers < 1 || r.Repetitions < 1 || r.Memory < 1 || len(r.Files) == 0 && r.Sequences < 1 {
		return nil, fmt.Errorf("bench: data: %d workers, %d repetitions, %d bytes, %d sequences: at least 1 of each", r.Workers, r.Repetitions, r.Memory, r.Sequences)
	}
	report := &DataReport{Schema: "curvestream.bench.data/1", Date: time.Now().UTC().Format(time.RFC3339), Machine: version.Get()}
	add := func(row DataRow) {
		report.Rows = append(report.Rows, row)
		if progress != nil {
			progress(row)
		}
	}
	if len(r.Files) > 0 {
		if err := r.measure(ctx, strings.Join(r.Files, " "), r.Files, add); err != nil {
			return nil, err
		}
	} else if err := r.generated(ctx, add); err != nil {
		return nil, err
	}
	for _, row := range report.Rows {
		if row.Stage == stagePacked {
			report.DataFigures = row.DataFigures
			break
		}
	}
	return report, nil
}

// measure measures the stages of reading one set of files.
func (r DataRequest) measure(ctx context.Context, name string, files []string, add func(DataRow)) error {
	src, err := ingest.Open(ctx, files, ingest.OpenOptions{MemoryLimit: r.Memory})
	if err != nil {
		return err
	}
	defer src.Close()
	fitter, err := ingest.NewFitter(src.Schema(), r.Roles)
	if err != nil {
		return err
	}
	roles := fitter.Roles()
	options := pipeline.ManifestOptions{Layout: roles.Layout, Identified: len(roles.ID) > 0, Memory: r.Memory, Workers: r.Workers}
	start := startMeter()
	manifest, err := pipeline.BuildManifest(ctx, src, fitter, options)
	if err != nil {
		return err
	}
	scan := start.stop()
	encoding, err := fitter.Encoding()
	if err != nil {
		return err
	}
	decoded, err := decodeAll(ctx, src, fitter.Columns(), r.Workers)
	if err != nil {
		return err
	}
	add(DataRow{Data: name, Stage: "scan", DataFigures: scan.figures(decoded, manifest.Len(), r.Workers)})
	if err := r.measureDecode(ctx, name, src, manifest.Len(), add); err != nil {
		return err
	}
	return r.measurePacked(ctx, name, src, manifest, encoding, add)
}

// measureDecode measures decoding all columns that can be read.
func (r DataRequest) measureDecode(ctx context.Context, name string, src ingest.Source, sequences int, add func(DataRow)) error {
	var all []int
	for i := range src.Schema().NumFields() {
		if _, err := decodeUnit(ctx, src, 0, []int{i}); err == nil { // one of a type that is not read is not measured
			all = append(all, i)
		}
	}
	var rows []DataFigures
	for range r.Repetitions {
		start := startMeter()
		decoded, err := decodeAll(ctx, src, all, r.Workers)
		if err != nil {
			return err
		}
		rows = append(rows, start.stop().figures(decoded, sequences, r.Workers))
	}
	add(DataRow{Data: name, Stage: "decode", DataFigures: medianFigures(rows)})
	return nil
}

// measurePacked measures passes over everything, from the files and from a working copy, with no data in memory before them, but with the
// memory that the passes before have left: what is allocated is what a pass after many others allocates.
func (r DataRequest) measurePacked(ctx context.Context, name string, src ingest.Source, m *pipeline.Manifest, e *ingest.Encoding, add func(DataRow)) (err error) {
	encoder, err := ingest.NewEncoder[float32](src.Schema(), e)
	if err != nil {
		return err
	}
	decoded, err := decodeAll(ctx, src, encoder.Columns(), r.Workers)
	if err != nil {
		return err
	}
	options := pipeline.LoaderOptions{Memory: r.Memory, Workers: r.Workers}
	row := DataRow{Data: name, Stage: stagePacked}
	if err := r.measurePasses(ctx, &row, src, m, e, options, decoded); err != nil {
		return err
	}
	add(row)
	if options.Copy.Dir, err = os.MkdirTemp("", "curvestream-bench-"); err != nil {
		return fmt.Errorf("bench: data: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(options.Copy.Dir)) }()
	row = DataRow{Data: name, Stage: stageCopy}
	if err := r.measurePasses(ctx, &row, src, m, e, options, decoded); err != nil {
		return err
	}
	add(row)
	return nil
}

func (r DataRequest) measurePasses(ctx context.Context, row *DataRow, src ingest.Source, m *pipeline.Manifest, e *ingest.Encoding, o pipeline.LoaderOptions, decoded int64) error {
	plan, err := pipeline.NewPlan(m, pipeline.PlanOptions{})
	if err != nil {
		return err
	}
	everything := plan.Everything()
	loader, err := pipeline.NewLoader[float32](src, m, e, o)
	if err != nil {
		return err
	}
	defer loader.Close()
	const before = 2 // passes: one that writes the copy, if there is one, and one that reads it
	var rows []DataFigures
	for i := range before + r.Repetitions {
		loader.Close()
		start := startMeter()
		if err := loader.Each(ctx, everything, func(*nn.Batch[float32]) error { return nil }); err != nil {
			return err
		}
		if i >= before {
			rows = append(rows, start.stop().figures(decoded, m.Len(), r.Workers))
		}
		row.Stages = loader.Stats().Stages
	}
	row.DataFigures = medianFigures(rows)
	return nil
}

// decodeAll decodes columns of all units, so many at once, and returns the size of what they hold.
func decodeAll(ctx context.Context, src ingest.Source, columns []int, workers int) (int64, error) {
	var decoded atomic.Int64
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(workers)
	for i := range src.Len() {
		g.Go(func() error {
			n, err := decodeUnit(ctx, src, i, columns)
			decoded.Add(n)
			return err
		})
	}
	err := g.Wait()
	return decoded.Load(), err
}

func decodeUnit(ctx context.Context, src ingest.Source, i int, columns []int) (n int64, err error) {
	rec, err := src.Read(ctx, i, columns)
	if err != nil {
		return 0, err
	}
	defer rec.Release()
	for _, c := range rec.Columns() {
		n += contentBytes(c.Data())
	}
	return n, nil
}

// contentBytes is the size of the values, offsets and validity of an array.
func contentBytes(d arrow.ArrayData) (n int64) {
	for _, b := range d.Buffers() {
		if b != nil {
			n += int64(b.Len())
		}
	}
	for _, child := range d.Children() {
		n += contentBytes(child)
	}
	return n
}

// A meter is the clocks and the allocator when something began.
type meter struct {
	began     reading
	allocated uint64
	wall, cpu float64
}

func startMeter() meter {
	runtime.GC() // what was before is not this one's to collect
	return meter{began: now(), allocated: allocated()}
}

func (m meter) stop() meter {
	m.wall, m.cpu = since(m.began)
	m.allocated = allocated() - m.allocated
	return m
}

func allocated() uint64 {
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	return s.TotalAlloc
}

func (m meter) figures(decoded int64, sequences, workers int) DataFigures {
	mb := float64(decoded) / 1e6
	return DataFigures{MBPerCPUSecond: mb / max(m.cpu, 1e-9), MBPerSecond: mb / m.wall, SequencesPerSecond: float64(sequences) / m.wall,
		CPUSeconds: m.cpu, Seconds: m.wall, FastestSeconds: m.wall, AllocatedBytes: int64(m.allocated), DecodedBytes: decoded, PeakRSSBytes: PeakRSS(), Workers: workers, Sequences: sequences}
}

// medianFigures returns the row with the median processor time.
func medianFigures(rows []DataFigures) DataFigures {
	slices.SortFunc(rows, func(a, b DataFigures) int {
		switch {
		case a.CPUSeconds < b.CPUSeconds:
			return -1
		case a.CPUSeconds > b.CPUSeconds:
			return 1
		}
		return 0
	})
	median := rows[len(rows)/2]
	for _, r := range rows {
		median.FastestSeconds = min(median.FastestSeconds, r.Seconds)
	}
	return median
}

// PeakRSS returns the most memory that this process has occupied, as Linux says, in bytes; 0 where the system does not say.
func PeakRSS() int64 {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if kib, found := strings.CutPrefix(line, "VmHWM:"); found {
			n, _ := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(kib), "kB")), 10, 64) // 0 where it is no number
			return n * 1024
		}
	}
	return 0
}
