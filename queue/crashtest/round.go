package crashtest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"hookline/queue"
	"hookline/queue/internal/lab"
)

// plan is what is random about a round as a whole.
type plan struct {
	hands     int
	endpoints int
	fanout    int // endpoints of a message, at most
	lives     int
	ordered   bool          // there are order keys
	slow      time.Duration // how long a log takes to sync, at most
	speed     time.Duration // of the queue's clock
	options   queue.Options
	setup     lab.Setup
}

func newPlan(rng *rand.Rand, defect lab.Defect) plan {
	p := plan{hands: 3 + rng.IntN(4), endpoints: 1 + rng.IntN(8), lives: 2 + rng.IntN(3), speed: 1}
	p.ordered = defect != lab.CursorWithoutWatermark // a line with a delivery in it twice ends the process, in places without a caller
	p.slow = time.Duration(rng.IntN(3)) * 500 * time.Microsecond
	p.fanout = 1 + rng.IntN(p.endpoints)
	p.options = queue.Options{
		Window:        1 + rng.IntN(8),
		SyncInterval:  time.Duration(200+rng.IntN(3000)) * time.Microsecond,
		SweepInterval: time.Duration(200+rng.IntN(3000)) * time.Microsecond,
		HandOffBytes:  1 << (8 + rng.IntN(16)),
	}
	if rng.IntN(4) == 0 {
		p.options.KeepDelivered = time.Hour
	}
	if rng.IntN(2) == 0 || defect == lab.PartBeforeDeliveries || defect == lab.PartAfterDeliveries {
		p.setup.MaxDirect, p.setup.MaxPart = 1+rng.IntN(4), 1+rng.IntN(3)
	}
	if rng.IntN(2) == 0 || defect == lab.WaterAboveTheHeld {
		// A mark stays behind queue time by up to a second, which is more than a round lasts.
		p.setup.LowWaterStep, p.speed = 1+rng.IntN(20), 200
	}
	p.setup.Defect = defect
	p.options.Dir, p.options.SideBytes = payloadDir, 1<<(7+rng.IntN(8))
	return p
}

// world is a round: one disk, and the lives of the queue on it.
type world struct {
	plan
	ctx    context.Context // when it has ended, nothing is waited for any more
	rng    *rand.Rand
	model  *model
	disk   *disk
	mutant mutant
	faults *faults // nil: no operation fails
	next   []int   // number of the next message of each hand
}

// clock is a clock that may run ahead.
func (p *plan) clock() func() time.Time {
	begin, speed := time.Now(), p.speed
	return func() time.Time { return begin.Add(time.Since(begin) * speed) }
}

func newWorld(ctx context.Context, seed uint64, c *Config) *world {
	rng := rand.New(rand.NewPCG(seed, 0))
	w := &world{
		ctx: ctx, plan: newPlan(rng, c.mutant.defect), rng: rng, model: newModel(new(Report)), disk: newDisk(rng, c.cache), mutant: c.mutant,
	}
	w.setup.Now = w.clock()
	w.disk.strict = w.setup.LowWaterStep == 0
	if c.Faults {
		w.faults = newFaults(rng)
	}
	w.next = make([]int, w.hands)
	return w
}

// round plays one round. ctx ends it between two lives.
func round(ctx context.Context, seed uint64, c *Config) *Report {
	w := newWorld(ctx, seed, c)
	r := w.model.report
	for n := 0; n < w.lives && !r.failed() && ctx.Err() == nil; n++ {
		play := w.crash
		if n == w.lives-1 {
			play = w.finish
		}
		if err := play(); err != nil {
			r.breach(Other, "life %d of %d: %v", n+1, w.lives, err)
		}
	}
	if w.faults != nil {
		r.Faults = int(w.faults.injected.Load())
	}
	if n := w.disk.misuse.Load(); n != 0 {
		r.breach(Other, "%d keys were written or deleted twice", n)
	}
	return r
}

// begin opens the queue that is on the disk, and checks that all is there that has to be. The life is nil if it is not.
func (w *world) begin() (*life, error) {
	l := newLife(w)
	l.note(func() { clear(l.mixed) })
	if err := l.open(w.options, w.setup, w.mutant); err != nil {
		return nil, err
	}
	err := w.verify(l)
	if err != nil || w.model.report.failed() {
		return nil, errors.Join(err, l.close())
	}
	return l, nil
}

// verify compares what is in the queue with the model. Nobody else may use it.
func (w *world) verify(l *life) error {
	s, err := look(l.q, w.model)
	if err != nil {
		return fmt.Errorf("looking: %w", err)
	}
	w.model.mu.Lock()
	defer w.model.mu.Unlock()
	w.model.compare(s)
	return nil
}

// load has the hands work until cut is called, after a random number of moments.
func (w *world) load(l *life, cut func()) {
	moments := int64(1) << w.rng.IntN(12)
	moments += w.rng.Int64N(moments)
	betweens := int64(0) // none counts
	if w.setup.Defect != lab.None && w.rng.IntN(2) == 0 {
		moments, betweens = 4000, 1+w.rng.Int64N(8)
	}
	l.cutAfter(moments, betweens, cut)
	for id := range w.hands {
		h := &hand{life: l, id: id, rng: rand.New(rand.NewPCG(w.rng.Uint64(), uint64(id))), plan: &w.plan, next: &w.next[id]}
		l.hands.Go(h.work)
	}
}

// crash is a life that ends with a crash: at a moment of the workload or at any time. The next one is on what that has left.
func (w *world) crash() error {
	l, err := w.begin()
	if l == nil {
		return err
	}
	cut := l.crash
	if w.rng.IntN(2) == 0 {
		late := time.Duration(w.rng.IntN(1000)) * time.Microsecond
		cut = func() { time.AfterFunc(late, l.crash) }
	}
	l.faults.start()
	w.load(l, cut)
	<-l.crashed
	w.model.report.Crashes++
	err = l.close()
	w.disk.fs = l.left
	if w.faults != nil {
		return nil // what could not be written is an error of closing as well
	}
	return err
}
