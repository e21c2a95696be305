package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/urfave/cli/v2"

	"curvestream/run/bench"
	"curvestream/run/data"
	"curvestream/run/fault"
)

func benchDataCommand(t *terminal) *cli.Command {
	roles := settingFlags(func(key string) bool {
		return key != "data.train" && key != "data.valid" && !underKeys("data.cache", "data.cache_compression", "data.manifest", "data.workers", "data.prefetch")(key) && underKeys("data", "model.loss", "memory")(key)
	})
	return &cli.Command{Name: "data", Usage: "reading: from files to records and packed batches; without FILE on generated ones", ArgsUsage: "[FILE...]",
		Action: t.benchData, Flags: append(append(configFlags(), roles...),
			&cli.IntFlag{Name: "sequences", Usage: "`N` sequences in the generated files", Value: 200_000},
			&cli.IntFlag{Name: "workers", Usage: "`N` goroutines that decode, and as many that encode", Value: 1},
			&cli.IntFlag{Name: "repetitions", Aliases: []string{"r"}, Usage: "`N` times; the median counts", Value: 3})}
}

func (t *terminal) benchData(c *cli.Context) error {
	for _, flag := range []string{"sequences", "workers", "repetitions"} {
		if c.Int(flag) < 1 {
			return fault.New(fault.Usage, "usage.wrong_value", "--%s %d: at least 1", flag, c.Int(flag))
		}
	}
	settings, err := t.settings(c)
	if err != nil {
		return err
	}
	report, err := bench.RunData(c.Context, bench.DataRequest{Files: c.Args().Slice(), Sequences: c.Int("sequences"), Roles: data.Roles(&settings.Config),
		Workers: c.Int("workers"), Memory: int64(settings.Memory), Repetitions: c.Int("repetitions")}, nil)
	if err != nil {
		return err
	}
	return t.answer(report, func(w io.Writer) { fmt.Fprint(w, benchDataText(report)) })
}

func benchDataText(r *bench.DataReport) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s; %s; workers %d\n\n", r.Machine.CPU, r.Date, r.Workers)
	b.WriteString("| data | stage | MB / CPU s | MB / s | sequences / s | CPU s | decoded MB | allocated MB | peak RSS MB |\n|---|---|---|---|---|---|---|---|---|\n")
	for _, row := range r.Rows {
		fmt.Fprintf(&b, "| %s | %s | %.0f | %.0f | %.0f | %.3f | %.1f | %.1f | %.0f |\n", row.Data, row.Stage, row.MBPerCPUSecond, row.MBPerSecond, row.SequencesPerSecond,
			row.CPUSeconds, float64(row.DecodedBytes)/1e6, float64(row.AllocatedBytes)/1e6, float64(row.PeakRSSBytes)/1e6)
	}
	return b.String()
}
