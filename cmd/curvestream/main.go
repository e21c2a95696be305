// Command curvestream trains recurrent and feedforward nets on Parquet and Arrow sequence data by Hessian-free optimization.
//
// This package is flags, progress display and exit statuses; everything else is in package run and below.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	signal.Ignore(syscall.SIGPIPE) // a reader that has seen enough is an error of writing, not the end of a run
	os.Exit(run(context.Background(), os.Args, os.Stdin, os.Stdout, os.Stderr))
}
