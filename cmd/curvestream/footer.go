package main

import (
	"fmt"
	"math"
	"time"

	"curvestream/run/train"
)

// A footer is the line below the last one, on a terminal that can move its cursor: the CG run at work.
type footer struct {
	width int       // columns there are; 0 off a terminal
	iter  int       // whose CG run it shows
	began time.Time // when that was first seen
	drawn time.Time // zero while there is nothing on the line
}

// redraw is how often the footer changes at most: eyes see no more, and writing must not slow the run down.
const redraw = 100 * time.Millisecond

// solving draws the footer. Off a terminal it does nothing.
func (d *lineDisplay) solving(e train.Solving) {
	if d.footer.width == 0 {
		return
	}
	f := &d.footer
	now := time.Now()
	if f.iter != e.Iter {
		f.iter, f.began = e.Iter, now
	}
	if now.Sub(f.drawn) < redraw {
		return
	}
	d.clearFooter()
	d.flush(nil)
	f.drawn = now
	fmt.Fprint(d.w, cut(d.footerText(e, now.Sub(f.began).Seconds()), f.width-1))
}

// footerText is the footer's line.
func (d *lineDisplay) footerText(e train.Solving, seconds float64) string {
	corner := "└"
	if d.ascii {
		corner = "-"
	}
	text := fmt.Sprintf("%s k=%d  CG %d/%d  M=%.1e", corner, e.Iter, e.Step, e.Max, e.M)
	if !math.IsNaN(e.Progress) {
		text += fmt.Sprintf("  progress %.1e (stop <%.0e)", e.Progress, e.Bound)
	}
	if e.Loss != nil {
		text += fmt.Sprintf("  f=%.6g", *e.Loss)
	}
	return text + "  " + span(seconds)
}

// clearFooter empties the footer's line, if there is one, for what is to be written in its place.
func (d *lineDisplay) clearFooter() {
	if !d.footer.drawn.IsZero() {
		fmt.Fprint(d.w, "\r\x1b[K")
		d.footer.drawn = time.Time{}
	}
}

// cut shortens a line to n columns.
func cut(line string, n int) string {
	if runes := []rune(line); len(runes) > n && n >= 0 {
		return string(runes[:n])
	}
	return line
}
