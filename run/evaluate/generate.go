package evaluate

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"

	"curvestream/accel"
	"curvestream/ingest"
	"curvestream/nn"
	"curvestream/rnn"
	"curvestream/run/device"
	"curvestream/run/fault"
	"curvestream/run/model"
)

// A Generation says what a next-step model is to go on with by itself: of what it predicts of a time-step, a value is drawn, which is
// the input of the next one. Classes are drawn from their distribution, active indices each by itself, and numbers are the prediction.
type Generation struct {
	Steps       int     // to generate, of each sequence
	Temperature float64 // what log-odds are divided by before drawing: 0 takes the most likely values, 1 draws as predicted
	Seed        uint64  // decides what is drawn, with the position of a sequence alone
	Prime       string  // what each sequence begins with; see [ParsePrime]
	Samples     int     // sequences, where no data begin them
}

// Generated is what `curvestream predict --generate` reports.
type Generated struct {
	Schema      string   `json:"schema"`
	Model       string   `json:"model"`
	Output      string   `json:"output"`
	Sequences   int      `json:"sequences"`
	Steps       int      `json:"steps"`
	Temperature float64  `json:"temperature"`
	Seed        uint64   `json:"seed"`
	Start       string   `json:"start"`
	Columns     []string `json:"columns"`
}

// Generate lets a stored next-step model go on by itself, and writes what it generates as a table laid out as its training data are:
// one row a sequence, with the columns that were inputs. The state that it goes on from is the one after the sequences of o.Data, if
// there are any, and else after g.Prime. All that is generated is held in memory.
func Generate(ctx context.Context, o Options, g Generation, to Destination) (Generated, error) {
	stored, err := model.Find(o.Model, o.Checkpoint)
	if err != nil {
		return Generated{}, err
	}
	if err := g.check(stored.Spec, len(o.Data) > 0); err != nil {
		return Generated{}, err
	}
	r := Generated{Schema: "curvestream.generate/1", Model: o.Model, Output: to.Path, Steps: g.Steps, Temperature: g.Temperature, Seed: g.Seed}
	if stored.Spec.DType == "float64" {
		err = generate[float64](ctx, o, g, stored, to, &r)
	} else {
		err = generate[float32](ctx, o, g, stored, to, &r)
	}
	return r, err
}

// check refuses what a model cannot generate.
func (g Generation) check(s model.Spec, data bool) error {
	usage := func(format string, args ...any) *fault.Error {
		return fault.New(fault.Usage, "usage.generate", format, args...)
	}
	switch {
	case s.Encoding.Form != "next":
		return usage("the model predicts targets of form %s, not the next time-step, so it cannot go on by itself", s.Encoding.Form).Fix("train one with --form next")
	case s.Arch == "mlp":
		return usage("a feedforward net has no state to go on from").Fix("train a recurrent one: --arch rnn")
	case g.Steps < 1:
		return usage("--generate %d: want at least one time-step", g.Steps)
	case !(g.Temperature >= 0 && g.Temperature <= 1e6):
		return usage("--temperature %g: want a number from 0 (the most likely values) to 1e6; 1 draws as predicted", g.Temperature)
	case g.Samples < 1:
		return usage("--samples %d: want at least one sequence", g.Samples)
	case data && g.Prime != "":
		return usage("both --data and --prime say what sequences begin with").Fix("leave one of them out")
	case !data && len(s.Encoding.Static) > 0:
		return usage("the model has inputs with one value a sequence (%s), which only data give", encodingNames(s.Encoding.Static)).Fix("--data FILE with sequences to go on from")
	}
	return nil
}

func encodingNames(columns []ingest.ColumnEncoding) string {
	text := ""
	for i, c := range columns {
		if i > 0 {
			text += ", "
		}
		text += c.Column
	}
	return text
}

func generate[F accel.Float](ctx context.Context, o Options, g Generation, stored model.Stored, to Destination, report *Generated) error {
	var all []continuation
	emit := func(c continuation) { all = append(all, c) }
	var err error
	if len(o.Data) > 0 {
		report.Start = "the sequences of the data"
		err = fromData[F](ctx, o, g, stored, emit)
	} else {
		report.Start, err = fromPrime[F](ctx, o, g, stored, emit)
	}
	if err != nil {
		return err
	}
	t := newContinuations(stored.Spec.Encoding, all)
	report.Sequences, report.Columns = len(all), t.columns()
	return t.write(to)
}

// A continuation is what was generated of a sequence: a row of outputs a time-step, in the units of the net.
type continuation struct {
	id    string
	prime [][]float64 // what it begins with, where a person gave it
	rows  [][]float64
}

// fromData goes on from the ends of the sequences of data, in their order.
func fromData[F accel.Float](ctx context.Context, o Options, g Generation, stored model.Stored, emit func(continuation)) error {
	return with(ctx, o, stored, stored.Spec.Encoding, func(a *applied[F]) error {
		waiting, next := map[int]continuation{}, 0
		return a.loader.Each(ctx, a.all, func(b *nn.Batch[F]) error {
			run, err := newFreeRun(a.net, a.theta, b.Columns(), g, stored.Spec, b.Position)
			if err != nil {
				return err
			}
			defer run.Close()
			if err := run.read(ctx, b); err != nil {
				return err
			}
			rows, err := run.generate(ctx, g.Steps)
			if err != nil {
				return err
			}
			for j := range b.Columns() {
				waiting[b.Position[j]] = continuation{id: b.ID[j], rows: rows[j]}
			}
			for c, ok := waiting[next]; ok; c, ok = waiting[next] {
				delete(waiting, next)
				emit(c)
				next++
			}
			return nil
		})
	})
}

// fromPrime goes on from what a person gave, or from nothing. It says what that is.
func fromPrime[F accel.Float](ctx context.Context, o Options, g Generation, stored model.Stored, emit func(continuation)) (start string, err error) {
	prime, err := ParsePrime(g.Prime, stored.Spec.Encoding)
	if err != nil {
		return "", err
	}
	backend, note, err := device.Open[F](o.Device, o.Threads)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, backend.Close()) }()
	if note != "" && o.Warn != nil {
		o.Warn(note)
	}
	net, theta, err := model.Load(backend, stored)
	if err != nil {
		return "", err
	}
	run, err := newFreeRun(net, theta, g.Samples, g, stored.Spec, nil)
	if err != nil {
		return "", err
	}
	defer run.Close()
	start = "the prime"
	for _, row := range prime {
		for j := range g.Samples {
			run.next[j] = row
		}
		if err := run.step(ctx); err != nil {
			return "", err
		}
	}
	if len(prime) == 0 {
		if start, err = run.begin(ctx, stored.Spec); err != nil {
			return "", err
		}
	}
	rows, err := run.generate(ctx, g.Steps)
	if err != nil {
		return "", err
	}
	for j := range g.Samples {
		emit(continuation{id: fmt.Sprint(j), prime: prime, rows: rows[j]})
	}
	return start, nil
}

// A freeRun is a net that runs on what it draws, on sequences side by side.
type freeRun[F accel.Float] struct {
	*rnn.Runner[F]
	g      Generation
	draw   drawer
	in     int
	rng    []*rand.Rand
	static [][]F       // inputs of a sequence after those that it predicts
	next   [][]float64 // inputs of the next time-step
	p      [][]F       // what was predicted last
	drawn  [][]float64 // what was drawn of it already; nil where nothing was
}

func newFreeRun[F accel.Float](net model.Net[F], theta accel.Vector[F], sequences int, g Generation, s model.Spec, position []int) (*freeRun[F], error) {
	recurrent, ok := net.(*rnn.Net[F])
	if !ok {
		return nil, fmt.Errorf("evaluate: a %T has no state to go on from", net)
	}
	runner, err := recurrent.NewRunner(theta, sequences)
	if err != nil {
		return nil, err
	}
	r := &freeRun[F]{Runner: runner, g: g, draw: drawerOf(s.Loss, g.Temperature), in: s.In, static: make([][]F, sequences), next: make([][]float64, sequences), p: make([][]F, sequences)}
	for j := range sequences {
		place := j
		if position != nil {
			place = position[j]
		}
		r.rng = append(r.rng, rand.New(rand.NewPCG(g.Seed, uint64(place))))
	}
	return r, nil
}

// read runs over the sequences of a batch, the last time-step of each included, which is a target.
func (r *freeRun[F]) read(ctx context.Context, b *nn.Batch[F]) error {
	for t, active := range b.Active {
		x := make([]F, active*b.In)
		for j := range active {
			inputRow(b, b.Offset[t]+j, x[j*b.In:(j+1)*b.In])
			r.static[j] = x[j*b.In+b.Out : (j+1)*b.In]
		}
		if _, err := r.Step(ctx, x); err != nil {
			return err
		}
	}
	for j, length := range b.Lengths {
		row, last := make([]float64, b.Out), b.Offset[length-1]+j
		if b.Class != nil {
			row[b.Class[last]] = 1
		} else {
			for k := range row {
				row[k] = float64(b.Target[last*b.Out+k])
			}
		}
		r.next[j] = row
	}
	return r.step(ctx)
}

// inputRow copies a row of inputs to x, which is zero.
func inputRow[F accel.Float](b *nn.Batch[F], row int, x []F) {
	if b.Sparse == nil {
		copy(x, b.Dense[row*b.In:(row+1)*b.In])
		return
	}
	for i := b.Sparse.Ptr[row]; i < b.Sparse.Ptr[row+1]; i++ {
		x[b.Sparse.Col[i]] = 1
		if b.Sparse.Val != nil {
			x[b.Sparse.Col[i]] = b.Sparse.Val[i]
		}
	}
}

// begin starts from nothing, in the way that fits the inputs, and says which.
func (r *freeRun[F]) begin(ctx context.Context, s model.Spec) (string, error) {
	how := "no active index"
	switch {
	case s.Loss == "softmax_cross_entropy":
		how = "a value drawn evenly from the vocabulary"
		r.drawn = make([][]float64, len(r.next))
	case s.Encoding.Inputs[0].Kind == ingest.Numeric:
		how = "inputs of 0 after normalisation"
	}
	for j := range r.next {
		r.next[j] = make([]float64, s.Out)
		if r.drawn != nil {
			r.next[j][r.rng[j].IntN(s.Out)] = 1
			r.drawn[j] = r.next[j]
		}
	}
	return how, r.step(ctx)
}

// step runs all sequences on by what next holds.
func (r *freeRun[F]) step(ctx context.Context) error {
	x := make([]F, len(r.next)*r.in)
	for j, row := range r.next {
		for k, value := range row {
			x[j*r.in+k] = F(value)
		}
		copy(x[j*r.in+len(row):], r.static[j])
	}
	p, err := r.Step(ctx, x)
	if err != nil {
		return err
	}
	out := len(p) / len(r.next)
	for j := range r.p {
		r.p[j] = p[j*out : (j+1)*out]
	}
	return nil
}

// generate returns so many rows of each sequence. What begin has drawn is the first of them.
func (r *freeRun[F]) generate(ctx context.Context, steps int) ([][][]float64, error) {
	rows := make([][][]float64, len(r.next))
	for j, row := range r.drawn {
		rows[j] = append(rows[j], row)
	}
	for len(rows[0]) < steps {
		for j := range rows {
			p := make([]float64, len(r.p[j]))
			for k, value := range r.p[j] {
				p[k] = float64(value)
			}
			r.next[j] = r.draw(p, r.rng[j])
			rows[j] = append(rows[j], r.next[j])
		}
		if len(rows[0]) == steps {
			break
		}
		if err := r.step(ctx); err != nil {
			return nil, err
		}
	}
	return rows, nil
}
