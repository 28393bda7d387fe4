package bench

import (
	"context"
	"errors"
	"slices"
	"time"

	"hookline/queue"
)

// parkRounds is how often a backlog is parked and unparked.
const parkRounds = 9

// park parks a backlog and unparks it again, over and over, and takes a delivery in between: what was parked and unparked waits
// as before.
func (s *queueSide) park() (a parkAnswer, err error) {
	for range parkRounds {
		begin := time.Now()
		if err := s.queue.Park(deadEndpoint, queue.Disabled); err != nil {
			return a, err
		}
		parked := time.Now()
		if _, ok := s.queue.Take(deadEndpoint); ok {
			return a, errors.New("a delivery that is parked can be taken")
		}
		unparking := time.Now()
		if err := s.queue.Unpark(deadEndpoint); err != nil {
			return a, err
		}
		a.Park, a.Unpark = append(a.Park, parked.Sub(begin)), append(a.Unpark, time.Since(unparking))
		if err := s.firstDelivery(); err != nil {
			return a, err
		}
	}
	return a, nil
}

// park fills one endpoint and opens its queue again, so that the backlog is on disk only.
func (run *queueRun) park(ctx context.Context, r *QueueResult) error {
	r.BodyBytes = backlogBody
	child, err := run.filled(ctx, r, "park", 1)
	if err != nil {
		return err
	}
	log := run.logLoad(ctx)
	before, err := log.slice(min(run.config.For, maxSlice)/2, "")
	if err != nil {
		return err
	}
	log.slices = loadSlices{before}
	answer, err := child.do(queueOrder{Park: &parkOrder{}})
	if err = errors.Join(err, ctx.Err()); err != nil {
		return err
	}
	a := answer.Park
	r.LogRate, r.LogP99 = round(log.slices.rate()), milliseconds(log.slices.p99())
	r.QueuePark = &QueuePark{
		Park: milliseconds(median(a.Park)), Unpark: milliseconds(median(a.Unpark)),
		ParkMost: milliseconds(slices.Max(a.Park)), UnparkMost: milliseconds(slices.Max(a.Unpark)),
	}
	r.Rate = round(ratio(float64(r.Waiting), median(a.Park).Seconds()))
	r.Ratio = round(ratio(r.Rate, r.LogRate))
	return errors.Join(r.look(child), run.end(child, (*queueChild).kill))
}
