package train

import (
	"curvestream/run/config"
	"curvestream/run/data"
)

// initialLambda returns λ₀. With damping.init_per output, damping.init is multiplied by the number of output values of a
// sequence, as Sutskever's code for Martens & Sutskever (2011) did it: f and B add up over them, so that one setting fits a
// problem with a single answer at the end and one with an answer at each time-step. Time-steps that a mask leaves out count too.
func initialLambda(c *config.Config, train *data.Set) float64 {
	if c.Damping.InitPer != "output" {
		return c.Damping.Init
	}
	rows := 1.0
	switch train.Encoding.Form {
	case "each":
		rows = train.Manifest.MeanSteps()
	case "next":
		rows = train.Manifest.MeanSteps() - 1
	}
	return c.Damping.Init * rows * float64(train.Encoding.Out)
}
