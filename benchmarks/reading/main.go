// Command reading measures reading beside Python: from generated Parquet files to batches, ours packed and the peers' padded, one thread
// each, processor time. What the peers read is checked to be what was written.
//
//	go run ./benchmarks/reading                          # ours and all peers, 50,000 sequences
//	go run ./benchmarks/reading -peers none              # ours only; needs no Python
//	go run ./benchmarks/reading -large 20                # instead: an epoch of 20 GB of sequences of 50 to 5,000 steps within 1 GiB
//	go run ./benchmarks/reading -workers                 # instead: two workers beside one, by the clock
//	go run ./benchmarks/reading -waiting                 # instead: how long training runs wait for data
//
// The peers' libraries are installed by
//
//	python3 -m venv benchmarks/local/readers && benchmarks/local/readers/bin/pip install -r benchmarks/peers/requirements-readers.txt
//	benchmarks/local/readers/bin/pip install --no-deps -r benchmarks/peers/requirements-readers-mosaic.txt
//
// It leaves benchmarks/results/reading.{json,md}, or with another ending.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"

	"curvestream/benchmarks/internal/bench"
	"curvestream/ingest"
	measure "curvestream/run/bench"
)

type options struct {
	sequences, repetitions, batch int
	peers, python                 string
	large                         float64
	compression                   string // of the files of a large run
	workers, waiting              bool
	dir                           string
	memory                        int64
}

func main() {
	var o options
	flag.IntVar(&o.sequences, "sequences", 50_000, "in the generated files")
	flag.IntVar(&o.repetitions, "repetitions", 5, "of each; the median counts")
	flag.IntVar(&o.batch, "batch", 256, "sequences of the peers' batches")
	flag.StringVar(&o.peers, "peers", "pyarrow,duckdb,datasets,mosaicml-streaming,torch", "the peers, or none")
	flag.StringVar(&o.python, "python", filepath.Join("benchmarks", "local", "readers", "bin", "python"), "the Python that has the peers' libraries")
	flag.Float64Var(&o.large, "large", 0, "GB (10⁹ bytes of decoded values) of a large run; 0: none")
	flag.StringVar(&o.compression, "compression", "none", "of the files of a large run: none, or zstd, with which more data are on the same disk")
	flag.BoolVar(&o.workers, "workers", false, "compare two workers with one instead")
	flag.BoolVar(&o.waiting, "waiting", false, "measure how long training runs wait for data instead")
	flag.StringVar(&o.dir, "dir", filepath.Join("benchmarks", "local", "reading"), "where files are generated; they are removed at the end")
	flag.Int64Var(&o.memory, "memory", 1<<30, "bytes, the budget of the pipeline")
	flag.Parse()
	bench.Main("reading", func(ctx context.Context) error {
		if flag.NArg() > 0 {
			return fmt.Errorf("unexpected argument %q: everything is given by flags; see -help", flag.Arg(0))
		}
		ingest.UseGrowingAllocator()
		if err := os.MkdirAll(o.dir, 0o777); err != nil {
			return err
		}
		defer os.RemoveAll(o.dir)
		switch {
		case o.large > 0:
			return large(ctx, o)
		case o.workers:
			return workers(ctx, o)
		case o.waiting:
			return waits(ctx, o)
		}
		return compare(ctx, o)
	})
}

// A row is what one reader took for one file.
type row struct {
	Data           string  `json:"data"`
	Reader         string  `json:"reader"`
	Version        string  `json:"version,omitempty"`
	Delivers       string  `json:"delivers"`
	MBPerCPUSecond float64 `json:"mb_per_cpu_second"` // of x and target, decoded
	CPUSeconds     float64 `json:"cpu_seconds"`
	Seconds        float64 `json:"seconds"`
	Error          string  `json:"error,omitempty"`
}

// compare measures ours and the peers on the same files.
func compare(ctx context.Context, o options) error {
	runtime.GOMAXPROCS(1)
	report, err := measure.RunData(ctx, measure.DataRequest{Sequences: o.sequences, Workers: 1, Memory: o.memory, Repetitions: o.repetitions}, nil)
	if err != nil {
		return err
	}
	decoded := map[string]float64{}
	rows := []row{copying(o.repetitions)}
	for _, r := range report.Rows {
		what := map[string]string{"write": "a file", "packed": "packed batches", "copy": "packed batches, from a working copy"}[r.Stage]
		if what == "" {
			continue
		}
		decoded[r.Data] = float64(r.DecodedBytes) / 1e6
		rows = append(rows, row{Data: r.Data, Reader: "curvestream", Delivers: what, MBPerCPUSecond: r.MBPerCPUSecond, CPUSeconds: r.CPUSeconds, Seconds: r.Seconds})
	}
	for _, compression := range []string{"none", "zstd"} {
		path := filepath.Join(o.dir, compression+".parquet")
		if _, err := measure.WriteLists(ctx, path, compression, o.sequences, 64, 256); err != nil {
			return err
		}
		name := "lists.parquet (" + compression + ")"
		first := answer{}
		for peer := range strings.SplitSeq(o.peers, ",") {
			if peer == "none" {
				break
			}
			r := row{Data: name, Reader: peer, Delivers: fmt.Sprintf("padded NumPy batches of %d", o.batch)}
			a, err := read(ctx, o, peer, path)
			switch {
			case err != nil:
				r.Error = err.Error()
			case a.Sequences != o.sequences || first.Sum != 0 && (a.Steps != first.Steps || a.Sum != first.Sum):
				return fmt.Errorf("%s read %d sequences, %d steps, sum %v; %s %d, %d, %v", peer, a.Sequences, a.Steps, a.Sum, first.Peer, first.Sequences, first.Steps, first.Sum)
			default:
				first = a
				r.Version, r.CPUSeconds, r.Seconds, r.MBPerCPUSecond = a.Version, a.CPUSeconds, a.Seconds, decoded[name]/a.CPUSeconds
			}
			rows = append(rows, r)
		}
		if err := errors.Join(os.Remove(path), os.RemoveAll(path+".mds")); err != nil {
			return err
		}
	}
	command := fmt.Sprintf("go run ./benchmarks/reading -sequences %d -repetitions %d -peers %s", o.sequences, o.repetitions, o.peers)
	return bench.Write("reading", command, table(rows), rows)
}

// copying measures the bound of all of it: copying values that no cache holds to where no cache holds them, once.
func copying(repetitions int) row {
	const size = 256 << 20
	from, to := bytes.Repeat([]byte{1}, size), bytes.Repeat([]byte{2}, size)
	cpu := make([]float64, 0, repetitions)
	for range repetitions {
		start := measure.CPUSeconds()
		copy(to, from)
		cpu = append(cpu, measure.CPUSeconds()-start)
	}
	median := bench.Median(cpu)
	return row{Data: "256 MiB in memory", Reader: "memcpy", Delivers: "256 MiB in memory", CPUSeconds: median, MBPerCPUSecond: size / 1e6 / median}
}

// An answer is the line of reader.py.
type answer struct {
	Peer       string  `json:"peer"`
	Version    string  `json:"version"`
	Sequences  int     `json:"sequences"`
	Steps      int     `json:"steps"`
	Sum        float64 `json:"sum"`
	CPUSeconds float64 `json:"cpu_seconds"`
	Seconds    float64 `json:"seconds"`
}

func read(ctx context.Context, o options, peer, path string) (a answer, err error) {
	c := exec.CommandContext(ctx, o.python, filepath.Join("benchmarks", "reading", "reader.py"), peer, path, strconv.Itoa(o.batch), strconv.Itoa(o.repetitions))
	c.Env = append(os.Environ(), "OMP_NUM_THREADS=1", "HF_HUB_OFFLINE=1", "HF_DATASETS_DISABLE_PROGRESS_BARS=1")
	var stderr bytes.Buffer
	c.Stderr = &stderr
	out, err := c.Output()
	if err != nil {
		lines := strings.Split(strings.TrimSpace(stderr.String()), "\n")
		return a, fmt.Errorf("%s: %w: %s", peer, err, lines[len(lines)-1])
	}
	if err := json.Unmarshal(out, &a); err != nil {
		return a, fmt.Errorf("%s: %w", peer, err)
	}
	return a, nil
}

func table(rows []row) string {
	var b strings.Builder
	b.WriteString("| data | reader | delivers | MB / CPU s | CPU s |\n|---|---|---|---|---|\n")
	for _, r := range rows {
		if r.Error != "" {
			fmt.Fprintf(&b, "| %s | %s | %s | | |\n", r.Data, r.Reader, r.Error)
			continue
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %.0f | %.3f |\n", r.Data, strings.TrimSpace(r.Reader+" "+r.Version), r.Delivers, r.MBPerCPUSecond, r.CPUSeconds)
	}
	return b.String()
}
