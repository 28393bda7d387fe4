package bench

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// depth is what the rig's engine has queued.
type depth struct{ alive, dead int64 }

// depth reads the engine's metric.
func (r *rig) depth() (d depth, err error) {
	families, err := r.metrics.Gather()
	if err != nil {
		return d, err
	}
	for _, family := range families {
		if family.GetName() != "hookline_queue_depth" {
			continue
		}
		for _, metric := range family.GetMetric() {
			n := int64(metric.GetGauge().GetValue())
			if metric.GetLabel()[0].GetValue() == "dead" {
				d.dead += n
			} else {
				d.alive += n
			}
		}
		return d, nil
	}
	return d, errors.New("bench: the engine has no metric of what is queued")
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
