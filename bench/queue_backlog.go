package bench

import (
	"context"
	"errors"
	"path/filepath"
	"time"

	"hookline/queue"
)

// This file is the cases of backlogs that are drained, put off, or found again by a process that starts.

func (run *queueRun) drain(ctx context.Context, r *QueueResult) error {
	r.BodyBytes, r.QueueDrain = backlogBody, &QueueDrain{}
	one, err := run.drained(ctx, r, "many", backlogEndpoints, queue.Done)
	if err != nil {
		return err
	}
	r.ManyRate, r.ManyTenths, r.ManyLastOverFirst = r.Rate, one.rates(run.config.Waiting), one.lastOverFirst()
	return run.drainOne(ctx, r)
}

func (run *queueRun) drainOne(ctx context.Context, r *QueueResult) error {
	a, err := run.drained(ctx, r, "one", 1, queue.Done)
	r.Tenths, r.TenthsCPU, r.LastOverFirst = a.rates(run.config.Waiting), a.costs(run.config.Waiting), a.lastOverFirst()
	return err
}

func (run *queueRun) reschedule(ctx context.Context, r *QueueResult) error {
	r.BodyBytes = backlogBody
	a, err := run.drained(ctx, r, "many", backlogEndpoints, queue.Again)
	r.QueueDrain = &QueueDrain{Tenths: a.rates(run.config.Waiting), TenthsCPU: a.costs(run.config.Waiting), LastOverFirst: a.lastOverFirst()}
	return err
}

// filled fills a queue and opens it again, so that the backlog is on disk only.
func (run *queueRun) filled(ctx context.Context, r *QueueResult, name string, endpoints int) (*queueChild, error) {
	child, err := run.child(ctx, name)
	if err != nil {
		return nil, err
	}
	if err := run.fill(child, r, run.config.Waiting, endpoints); err != nil {
		return nil, err
	}
	if err := run.end(child, (*queueChild).end); err != nil {
		return nil, err
	}
	return run.child(ctx, name)
}

// drained fills a queue and drains it.
func (run *queueRun) drained(ctx context.Context, r *QueueResult, name string, endpoints int, verdict queue.Verdict) (a drainAnswer, err error) {
	child, err := run.filled(ctx, r, name, endpoints)
	if err != nil {
		return a, err
	}
	run.config.Progress("draining %d endpoints", endpoints)
	a, err = run.besideLog(ctx, r, child, drainOrder{
		Deliveries: run.config.Waiting, Endpoints: endpoints, Verdict: verdict, Record: true, Profile: run.config.Profile,
	})
	if err != nil {
		return a, err
	}
	left := int64(0)
	if verdict == queue.Again {
		left = r.Waiting
	}
	at, err := child.look(lookOrder{})
	r.RSS, r.PeakRSS, r.Lost = megabytes(at.RSS), megabytes(at.PeakRSS), r.Lost+left-at.Waiting
	return a, errors.Join(err, run.end(child, (*queueChild).kill))
}

// besideLog drains. The log has a slice before that and one after it.
func (run *queueRun) besideLog(ctx context.Context, r *QueueResult, child *queueChild, o drainOrder) (drainAnswer, error) {
	log := run.logLoad(ctx)
	slice := func() error {
		s, err := log.slice(min(run.config.For, maxSlice)/2, "")
		log.slices = append(log.slices, s)
		return err
	}
	if err := slice(); err != nil {
		return drainAnswer{}, err
	}
	answer, err := child.do(queueOrder{Drain: &o})
	if err = errors.Join(err, ctx.Err()); err != nil {
		return drainAnswer{}, err
	}
	a, n := answer.Drain, float64(o.Deliveries)
	a.ended = time.Now()
	if err := slice(); err != nil {
		return drainAnswer{}, err
	}
	r.Rate, r.LogRate = round(ratio(n, a.Took.Seconds())), round(log.slices.rate())
	r.Ratio = round(ratio(r.Rate, r.LogRate))
	r.P99, r.LogP99 = milliseconds(a.P99), milliseconds(log.slices.p99())
	payloads := n / float64(min(backlogFanout, o.Endpoints))
	r.tellWritten(a.Written, payloads*backlogBody)
	r.CPU, r.Seconds = round(ratio(a.CPU.Seconds()*1e4, n)), round(a.Took.Seconds())
	return a, nil
}

func (a *drainAnswer) rates(n int) (rates []float64) {
	for _, t := range a.Tenths {
		rates = append(rates, round(ratio(float64(n)/10, t.Elapsed.Seconds())))
	}
	return rates
}

func (a *drainAnswer) costs(n int) (costs []float64) {
	for _, t := range a.Tenths {
		costs = append(costs, round(ratio(t.CPU.Seconds()*1e4, float64(n)/10)))
	}
	return costs
}

func (a *drainAnswer) lastOverFirst() float64 {
	return round(ratio(a.Tenths[0].Elapsed.Seconds(), a.Tenths[9].Elapsed.Seconds()))
}

func (run *queueRun) restart(ctx context.Context, r *QueueResult) error {
	fewer := *r
	if err := run.killed(ctx, &fewer, "fewer", run.config.Waiting); err != nil {
		return err
	}
	if err := run.killed(ctx, r, "more", 10*run.config.Waiting); err != nil {
		return err
	}
	r.RSSFewer, r.RSSOverFewer = fewer.RSS, round(ratio(r.RSS, fewer.RSS))
	r.Lost += fewer.Lost
	return nil
}

// killed fills a queue, kills the process while it accepts more, starts it again and measures it then.
func (run *queueRun) killed(ctx context.Context, r *QueueResult, name string, waiting int) error {
	child, err := run.child(ctx, name)
	if err != nil {
		return err
	}
	if err := run.fill(child, r, waiting, backlogEndpoints); err != nil {
		return err
	}
	if err := run.killUnderLoad(child); err != nil {
		return err
	}
	run.config.Progress("starting again")
	child, err = run.start(ctx, openOrder{Dir: filepath.Join(run.dir, name), Seed: run.config.Seed, First: true})
	if err != nil {
		return err
	}
	r.QueueRestart = &QueueRestart{FirstDelivery: milliseconds(child.ready), Open: milliseconds(child.opened.Took)}
	side, log := run.loadOf(child, 0), run.logLoad(ctx)
	if err := run.turns(ctx, side, log); err != nil {
		return err
	}
	r.tell(side, log)
	// Memory that is reserved is resident once it was written to. On a slow machine the slices write to less of it, and
	// not as much in each process.
	if err := run.warm(ctx, side, 10*run.config.For); err != nil {
		return err
	}
	if err := r.look(child); err != nil {
		return err
	}
	at, err := child.look(lookOrder{Settled: true})
	r.Bytes = round(ratio(float64(at.Tables), float64(at.Waiting)))
	return errors.Join(err, run.end(child, (*queueChild).kill))
}

// killUnderLoad kills a process that is accepting and settling.
func (run *queueRun) killUnderLoad(child *queueChild) error {
	order := loadOrder{For: time.Minute, Producers: run.config.Producers, Body: run.config.Body}
	if err := child.orders.Encode(queueOrder{Load: &order}); err != nil {
		return err
	}
	time.Sleep(min(run.config.For, warmUp))
	return run.end(child, (*queueChild).kill)
}

func (run *queueRun) space(ctx context.Context, r *QueueResult) error {
	r.BodyBytes = backlogBody
	child, err := run.child(ctx, "space")
	if err != nil {
		return err
	}
	watch := watchSpace(filepath.Join(run.dir, "space"))
	if err := errors.Join(run.fill(child, r, run.config.Waiting, backlogEndpoints), ctx.Err()); err != nil {
		watch.end()
		return err
	}
	a, err := run.besideLog(ctx, r, child, drainOrder{
		Deliveries: run.config.Waiting, Endpoints: backlogEndpoints, Verdict: queue.Done, Profile: run.config.Profile,
	})
	run.config.Progress("drained; waiting for the space it took")
	wait(ctx, time.Until(a.ended.Add(run.config.SpaceAfter)))
	r.QueueSpace = spaceOf(watch.end(), a.ended)
	at, looked := child.look(lookOrder{})
	r.RSS, r.PeakRSS, r.Lost = megabytes(at.RSS), megabytes(at.PeakRSS), -at.Waiting
	return errors.Join(err, looked, ctx.Err())
}
