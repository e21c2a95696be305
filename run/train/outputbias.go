package train

import (
	"context"
	"fmt"

	"curvestream/hf"
	"curvestream/nn"
	"curvestream/run/model"
)

// startAtMean moves the output biases to where the outputs are right on average over the first gradient minibatch. What is random in θ
// stays, and on resume θ comes from a checkpoint.
func (m *machine[F]) startAtMean(ctx context.Context) error {
	bias, ok := model.OutputBias(m.net.Layout())
	if !ok {
		return nil
	}
	if err := m.objective.Advance(ctx, 1); err != nil {
		return fmt.Errorf("output biases: %w", err)
	}
	var mean model.TargetMean[F]
	err := m.objective.Chunks(ctx, hf.Gradient, func(b *nn.Batch[F]) error {
		mean.Add(b)
		return nil
	})
	if err != nil {
		return fmt.Errorf("output biases: %w", err)
	}
	loss, err := m.spec.NetLoss()
	if err != nil {
		return err
	}
	if z := mean.Biases(loss); z != nil {
		m.theta.View(bias.Off, bias.Off+bias.Size()).Write(z)
	}
	return nil
}
