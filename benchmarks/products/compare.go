package main

import (
	"context"
	"fmt"
	"math"
	"os"
	"slices"
	"time"

	"curvestream/run/bench"
)

// A plan says how runners are compared.
type plan struct {
	rounds   int
	seconds  float64       // that the first runner, ours, computes in a round at least
	quiet    bool          // judge by the clock, and wait for the processors to be left alone
	patience time.Duration // to wait for that, in all
}

// take lets the runners compute in turn, a sample of each a round, and closes them.
func (p plan) take(runners []*runner) error {
	warm, err := runners[0].run()
	if err != nil {
		return err
	}
	products := max(1, int(math.Ceil(p.seconds/warm.Seconds)))
	for range p.rounds {
		for _, r := range runners {
			if err := p.sample(r, products); err != nil {
				return err
			}
		}
	}
	for _, r := range runners {
		if err := r.close(); err != nil {
			return err
		}
	}
	return nil
}

// sample takes one round of one runner, where quiet is asked for again until nobody disturbed it or the patience is over: then
// the disturbed round counts, and is counted as such.
func (p *plan) sample(r *runner, products int) error {
	for {
		began := time.Now()
		quiet := !p.quiet || awaitQuiet(p.patience)
		before, known := busy()
		if err := r.round(products); err != nil {
			return err
		}
		after, _ := busy()
		own := time.Duration(r.rounds[len(r.rounds)-1].cpu * float64(products) * 1e9)
		others := after - before - own
		if !p.quiet || quiet && known && others <= 2*10*time.Millisecond+time.Duration(shareUsed*float64(own)) {
			return nil
		}
		if p.patience -= time.Since(began); p.patience <= 0 {
			r.noisy++
			return nil
		}
		r.rounds = r.rounds[:len(r.rounds)-1]
	}
}

// seconds returns what each round is judged by: the processor time on one thread, the clock on more.
func (p plan) judged(r *runner) []float64 {
	s := make([]float64, len(r.rounds))
	for i, round := range r.rounds {
		s[i] = round.cpu
		if p.quiet {
			s[i] = round.wall
		}
	}
	return s
}

// A ratio compares the seconds of a peer with ours: above 1 ours is faster.
type ratio struct {
	OfMedians float64 `json:"of_medians"`
	Low       float64 `json:"low"` // quartiles of the ratios of single rounds
	High      float64 `json:"high"`
}

func compare(theirs, ours []float64) ratio {
	rounds := make([]float64, len(ours))
	for i := range ours {
		rounds[i] = theirs[i] / ours[i]
	}
	slices.Sort(rounds)
	return ratio{bench.Median(theirs) / bench.Median(ours), quantile(rounds, 0.25), quantile(rounds, 0.75)}
}

// quantile interpolates in sorted x.
func quantile(x []float64, q float64) float64 {
	at := q * float64(len(x)-1)
	i := min(int(at), len(x)-1)
	j := min(i+1, len(x)-1)
	return x[i] + (at-float64(i))*(x[j]-x[i])
}

// agreement returns the largest difference between the checks of two results, relative to the norm of the result.
func agreement(a, b []float64) (float64, error) {
	if len(a) != len(b) || len(a) == 0 {
		return 0, fmt.Errorf("%d check values against %d", len(a), len(b))
	}
	worst := 0.0
	for i := range a {
		worst = max(worst, math.Abs(a[i]-b[i])/max(math.Abs(a[0]), math.Abs(a[i])))
	}
	if math.IsNaN(worst) {
		return 0, fmt.Errorf("not a number among %v and %v", a, b)
	}
	return worst, nil
}

// tolerance of agreement: rounding differs with the order of sums over a batch and all its time-steps.
func tolerance(dtype string) float64 {
	if dtype == "float64" {
		return 1e-11
	}
	return 1e-4
}

// checkAgreement returns the agreement of a peer with ours, or an error where it is none.
func checkAgreement(ours, theirs *runner, dtype string) (float64, error) {
	worst, err := agreement(ours.ready.Check, theirs.ready.Check)
	if err == nil && worst > tolerance(dtype) {
		err = fmt.Errorf("they differ by %.2g of the norm, more than %.2g: ours %v, theirs %v", worst, tolerance(dtype), ours.ready.Check, theirs.ready.Check)
	}
	if err != nil {
		return worst, fmt.Errorf("%s does not compute what we do: %w", theirs.name, err)
	}
	return worst, nil
}

// ours starts this program as a runner.
func ours(ctx context.Context, name, flag, text string) (*runner, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return start(ctx, name, self, flag, text)
}
