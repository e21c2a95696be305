package main

import (
	"errors"
	"io"
	"os"

	"github.com/urfave/cli/v2"

	"curvestream/run/fault"
	"curvestream/run/train"
)

// watchFlags are those of commands that train.
func watchFlags() []cli.Flag {
	return []cli.Flag{
		&cli.BoolFlag{Name: "verbose", Aliases: []string{"v"}, Usage: "also show norms, times, memory and checkpoints"},
		&cli.StringFlag{Name: "log-file", Usage: "append the progress lines to `FILE`, too; log.txt in the run directory has them anyway"},
	}
}

// watched calls work with the display that flags ask for: on standard error, and in the file of --log-file.
func (t *terminal) watched(c *cli.Context, work func(train.Observer) error) error {
	display, err := t.progress(c)
	if err != nil {
		return err
	}
	if c.String("log-file") == "" {
		return work(display)
	}
	f, err := os.OpenFile(c.String("log-file"), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		return fault.New(fault.CantCreate, "io.log_file", "--log-file: %v", err).Fix("name a file in a folder that exists and that you may write to")
	}
	log := displays{&lineDisplay{w: f, wide: true, log: true, verbose: c.Bool("verbose")}}
	if display != nil {
		log = append(log, display)
	}
	return errors.Join(work(log), f.Close())
}

// logDisplay writes what a run's log.txt holds.
func logDisplay(w io.Writer) train.Observer { return &lineDisplay{w: w, wide: true, log: true} }

// displays are several displays that show the same.
type displays []train.Observer

// Observe implements train.Observer.
func (d displays) Observe(event any) {
	for _, one := range d {
		one.Observe(event)
	}
}
