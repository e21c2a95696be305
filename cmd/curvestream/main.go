// Command curvestream trains recurrent and feedforward nets on Parquet and Arrow sequence data by Hessian-free optimization.
//
// This package is flags, progress display and exit statuses; everything else is in package run and below.
package main

import (
	"context"
	"os"
)

func main() {
	os.Exit(run(context.Background(), os.Args, os.Stdin, os.Stdout, os.Stderr))
}
