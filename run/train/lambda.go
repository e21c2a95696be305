package train

import (
	"math"

	"curvestream/run/config"
	"curvestream/run/data"
)

// initialLambda returns λ₀. With damping.init_per output, damping.init is multiplied by the number of output values of a
// sequence, as Sutskever's code for Martens & Sutskever (2011) did it: f and B add up over them, so that one setting fits a
// problem with a single answer at the end and one with an answer at each time-step. With root_output it is multiplied by the square root of
// that number: gradients of independent outputs add up like it, so that the first steps, about ∇f/λ, keep their length. Of benchmarks/pathological
// the whole number makes the memory problems creep, and no number the addition problem jump. Time-steps that a mask leaves out count too.
func initialLambda(c *config.Config, train *data.Set) float64 {
	if c.Damping.InitPer == "sequence" {
		return c.Damping.Init
	}
	rows := 1.0
	switch train.Encoding.Form {
	case "each":
		rows = train.Manifest.MeanSteps()
	case "next":
		rows = train.Manifest.MeanSteps() - 1
	}
	values := rows * float64(train.Encoding.Out)
	if c.Damping.InitPer == "root_output" {
		values = math.Sqrt(values)
	}
	return c.Damping.Init * values
}
