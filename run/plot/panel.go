package plot

import (
	"image/color"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
)

var (
	red   = color.RGBA{R: 200, G: 40, B: 40, A: 255}
	blue  = color.RGBA{R: 40, G: 70, B: 180, A: 255}
	green = color.RGBA{R: 30, G: 130, B: 60, A: 255}
	grey  = color.RGBA{R: 150, G: 150, B: 150, A: 255}
)

// A curve is a line of a panel. What is not finite, or not positive on a logarithmic axis, is a gap.
type curve struct {
	name  string
	x, y  []float64
	color color.Color
	dots  bool // points besides the line
}

// panel draws curves. With logarithmic set, the y axis is where all the curves' values are positive that are finite.
func panel(title, x, y string, logarithmic bool, curves ...curve) (*plot.Plot, error) {
	p := plot.New()
	p.Title.Text, p.X.Label.Text, p.Y.Label.Text = title, x, y
	p.Add(plotter.NewGrid())
	p.Legend.Top = true
	if logarithmic && positive(curves) {
		p.Y.Scale, p.Y.Tick.Marker = plot.LogScale{}, plot.LogTicks{Prec: -1}
	} else {
		logarithmic = false
	}
	for _, c := range curves {
		first := true
		for _, points := range pieces(c, logarithmic) {
			line, dots, err := plotter.NewLinePoints(points)
			if err != nil {
				return nil, err
			}
			line.Color, line.Width, dots.Color, dots.Radius = c.color, vg.Points(1.2), c.color, vg.Points(1.8)
			p.Add(line)
			if c.dots || len(points) == 1 {
				p.Add(dots)
			}
			if first && c.name != "" {
				p.Legend.Add(c.name, line)
			}
			first = false
		}
	}
	if p.Y.Min == p.Y.Max { // a flat curve, or none
		p.Y.Min, p.Y.Max = p.Y.Min*0.9, p.Y.Max*1.1
	}
	return p, nil
}

// positive reports whether there are values, and all that are finite are positive.
func positive(curves []curve) bool {
	any := false
	for _, c := range curves {
		for _, y := range c.y {
			if y <= 0 {
				return false
			}
			any = any || !math.IsNaN(y) && !math.IsInf(y, 0)
		}
	}
	return any
}

// pieces returns the runs of points that can be drawn.
func pieces(c curve, logarithmic bool) (all []plotter.XYs) {
	var now plotter.XYs
	for i, y := range c.y {
		if math.IsNaN(y) || math.IsInf(y, 0) || logarithmic && y <= 0 {
			if now != nil {
				all, now = append(all, now), nil
			}
			continue
		}
		now = append(now, plotter.XY{X: c.x[i], Y: y})
	}
	if now != nil {
		all = append(all, now)
	}
	return all
}

// level is a horizontal line.
func level(x []float64, y float64) curve {
	return curve{x: []float64{x[0], x[len(x)-1]}, y: []float64{y, y}, color: grey}
}

// mark is a vertical line over the range of the values.
func mark(name string, at float64, of color.Color, values ...[]float64) curve {
	least, most := math.Inf(1), math.Inf(-1)
	for _, v := range values {
		for _, y := range v {
			if !math.IsNaN(y) && !math.IsInf(y, 0) {
				least, most = math.Min(least, y), math.Max(most, y)
			}
		}
	}
	return curve{name: name, x: []float64{at, at}, y: []float64{least, most}, color: of}
}
