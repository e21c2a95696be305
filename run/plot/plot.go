// Package plot draws what a run recorded: its iterations, and its CG runs as in figure 4 of the report.
package plot

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"curvestream/run/durable"
	"curvestream/run/fault"
	"curvestream/run/rundir"
)

// Options say what is drawn, and where to.
type Options struct {
	Path      string // a file whose ending is one of Formats
	What      string // "run": by iteration; "cg": CG runs by step
	Iter      int    // of the CG run; 0: several
	Overwrite bool
}

// Formats are the endings of files that can be drawn.
var Formats = []string{"svg", "png", "pdf"}

// Done says what was drawn.
type Done struct {
	Schema string `json:"schema"`
	Path   string `json:"path"`
	Panels int    `json:"panels"`
}

// Draw draws the run in a folder, which may be at work. The file is written whole or not at all.
func Draw(run string, o Options) (*Done, error) {
	format := strings.TrimPrefix(filepath.Ext(o.Path), ".")
	if !slices.Contains(Formats, format) {
		return nil, fault.New(fault.Usage, "usage.wrong_value", "%s: the ending must be .%s", o.Path, strings.Join(Formats, ", ."))
	}
	if _, err := os.Stat(o.Path); !o.Overwrite && !errors.Is(err, fs.ErrNotExist) {
		return nil, fault.New(fault.CantCreate, "output.exists", "%s exists already", o.Path).Fix("--overwrite replaces it")
	}
	dir, err := rundir.Open(run)
	if err != nil {
		return nil, err
	}
	var panels []*plot.Plot
	switch o.What {
	case "run":
		panels, err = iterations(dir)
	case "cg":
		panels, err = searches(dir, o.Iter)
	default:
		return nil, fault.New(fault.Usage, "usage.wrong_value", "--what %s: run or cg", o.What)
	}
	if err != nil {
		return nil, err
	}
	picture, err := tile(panels, format)
	if err != nil {
		return nil, fmt.Errorf("drawing %s: %w", o.Path, err)
	}
	if err := durable.WriteFile(o.Path, picture); err != nil {
		return nil, err
	}
	return &Done{Schema: "curvestream.plot/1", Path: o.Path, Panels: len(panels)}, nil
}

// tile puts panels side by side, two or three in a row.
func tile(panels []*plot.Plot, format string) ([]byte, error) {
	columns := 1
	switch n := len(panels); {
	case n > 4:
		columns = 3
	case n > 1:
		columns = 2
	}
	rows := (len(panels) + columns - 1) / columns
	canvas, err := draw.NewFormattedCanvas(vg.Length(columns)*11*vg.Centimeter, vg.Length(rows)*7.5*vg.Centimeter, format)
	if err != nil {
		return nil, err
	}
	tiles := draw.Tiles{Rows: rows, Cols: columns, PadX: 5 * vg.Millimeter, PadY: 5 * vg.Millimeter,
		PadTop: 3 * vg.Millimeter, PadBottom: 3 * vg.Millimeter, PadLeft: 3 * vg.Millimeter, PadRight: 5 * vg.Millimeter}
	dc := draw.New(canvas)
	for i, p := range panels {
		p.Draw(tiles.At(dc, i%columns, i/columns))
	}
	var b bytes.Buffer
	_, err = canvas.WriteTo(&b)
	return b.Bytes(), err
}
