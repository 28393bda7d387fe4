package bench

import (
	"context"
	"fmt"
	"time"
)

// depth is what the rig's engine has queued.
type depth struct{ alive, dead int64 }

// depth reads the engine's metric.
func (r *rig) depth() (d depth, err error) {
	byState, err := r.figures("hookline_queue_depth")
	for state, n := range byState {
		if state == "dead" {
			d.dead += int64(n)
		} else {
			d.alive += int64(n)
		}
	}
	return d, err
}

// figures are those of a gauge or counter of the engine by its one label, or by "" where it has none.
func (r *rig) figures(name string) (map[string]float64, error) {
	families, err := r.metrics.Gather()
	if err != nil {
		return nil, err
	}
	for _, family := range families {
		if family.GetName() != name {
			continue
		}
		figures := map[string]float64{}
		for _, metric := range family.GetMetric() {
			label := ""
			for _, pair := range metric.GetLabel() {
				label = pair.GetValue()
			}
			figures[label] += metric.GetGauge().GetValue() + metric.GetCounter().GetValue() // one of which is there
		}
		return figures, nil
	}
	return nil, fmt.Errorf("bench: the engine has no metric %s", name)
}

// settle waits until nothing is queued but dead letters, so that what a slice has left behind does not burden the next.
func (r *rig) settle(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, drainTimeout)
	defer cancel()
	for {
		d, err := r.depth()
		if err != nil || d.alive == 0 {
			return err
		}
		if ctx.Err() != nil {
			return fmt.Errorf("bench: %d deliveries are still queued: %w", d.alive, ctx.Err())
		}
		wait(ctx, depthPoll)
	}
}

const (
	depthPoll = 5 * time.Millisecond

	// steadyPolls is how often in a row the depth must be the same. Deliveries that have arrived are settled within one.
	steadyPolls = 20
)

// kept returns how many deliveries the engine still has, waiting or dead, once that is steady: retries do not change it.
// Nothing may be published meanwhile.
func (r *rig) kept(ctx context.Context) (int64, error) {
	ctx, cancel := context.WithTimeout(ctx, drainTimeout)
	defer cancel()
	last, same := int64(-1), 0
	for same < steadyPolls {
		d, err := r.depth()
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return 0, err
		}
		same++
		if n := d.alive + d.dead; n != last {
			last, same = n, 0
		}
		wait(ctx, depthPoll)
	}
	return last, nil
}
