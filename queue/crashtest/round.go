package crashtest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"hookline/queue"
	"hookline/queue/internal/lab"
)

// plan is what is random about a round as a whole.
type plan struct {
	often func(*hand) // is done more often than the rest; nil: nothing

	hands     int
	endpoints int
	fanout    int // endpoints of a message, at most
	lives     int
	ordered   bool          // there are order keys
	slow      time.Duration // how long a log takes to sync, at most
	speed     time.Duration // of the queue's clock
	leap      time.Duration // that passes before each opening, in which all dead letters expire; 0: none do
	options   queue.Options
	setup     lab.Setup
}

// Defects that show where much is parked, or where fan-outs are large.
var (
	ofParks = []lab.Defect{lab.ParkWithoutSync, lab.ParkWithTheHeld, lab.UnparkWithoutOne, lab.SweepWithoutParked}
	ofParts = []lab.Defect{lab.PartBeforeDeliveries, lab.PartAfterDeliveries, lab.SweepWithoutParts}
)

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
	switch rng.IntN(8) {
	case 0, 1:
		p.options.KeepDelivered = time.Hour
	case 2, 3:
		if defect == lab.None {
			p.leap, p.options.KeepDead = 26*time.Hour, time.Hour
			p.options.KeepAttempts, p.options.KeepKeys = 20*p.leap, 20*p.leap
			p.options.TrustClock = true // where queue time was is lost with several crashes
		}
	}
	switch often := rng.IntN(8); {
	case often < 2 || slices.Contains(ofParks, defect):
		p.often = (*hand).parkAndUnpark
	case often == 2 || defect == lab.PurgeWithoutSync:
		p.often = (*hand).purge
	case often == 3 || defect == lab.LetterBeforeResend || defect == lab.LetterAfterResend:
		p.often = (*hand).resendLetters
	}
	if rng.IntN(2) == 0 || slices.Contains(ofParts, defect) {
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
	leaps  atomic.Int64
}

// clock is a clock that may run ahead, and leaps.
func (w *world) clock() func() time.Time {
	begin := time.Now()
	return func() time.Time { return begin.Add(time.Since(begin)*w.speed + time.Duration(w.leaps.Load())*w.leap) }
}

func newWorld(ctx context.Context, seed uint64, c *Config) *world {
	rng := rand.New(rand.NewPCG(seed, 0))
	w := &world{
		ctx: ctx, plan: newPlan(rng, c.mutant.defect), rng: rng, model: newModel(new(Report)), disk: newDisk(rng, c.cache), mutant: c.mutant,
	}
	w.setup.Now = w.clock()
	if c.Faults {
		if w.faults = newFaults(rng, seed); w.faults.target.in != nil {
			w.options.SideBytes, w.options.KeepDelivered = 1<<7, 0 // files are made, and removed, all the time
		}
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
		r.Faults, r.Target = w.faults.injected, w.faults.target.name
	}
	if n := w.disk.misuse.Load(); n != 0 {
		r.breach(Other, "%d keys were written or deleted twice", n)
	}
	return r
}

// begin opens the queue that is on the disk, and checks that all is there that has to be. The life is nil if it is not, and also if
// operations fail and one of these was too many.
func (w *world) begin(faulty bool) (*life, error) {
	w.leaps.Add(1)
	l := newLife(w)
	l.note(l.lifeBegins)
	if faulty {
		l.faults.start(true)
	}
	err := l.within(func() error { return l.open(w.options, w.setup, w.mutant) })
	opened := err == nil
	if l.faults.stop(); opened {
		err = l.within(func() error { return errors.Join(w.expired(l), w.verify(l)) })
	}
	if faulty && (errors.Is(err, errorfs.ErrInjected) || errors.Is(err, errFatal)) {
		l.crash()
		w.disk.fs = l.left
		w.model.report.Refused++
		return nil, nil
	}
	if err == nil && !w.model.report.failed() {
		return l, nil
	}
	if opened {
		err = errors.Join(err, l.close())
	}
	return nil, err
}

// start begins a life, after one that could not even begin where the target is of openings. Others fail later: a database that could
// not be opened after it had begun to flush ends by a panic of what goes on in the background, and not by an error.
func (w *world) start() (*life, error) {
	if w.faults != nil && w.faults.target.opening > 0 {
		if l, err := w.begin(true); l != nil || err != nil || w.model.report.failed() {
			return l, err
		}
	}
	return w.begin(false)
}

// verify compares what is in the queue with the model. Nobody else may use it.
func (w *world) verify(l *life) error {
	s, err := look(l.q, w.model)
	if err != nil {
		return fmt.Errorf("looking: %w", err)
	}
	l.note(func() { w.model.compare(s) })
	if w.model.report.failed() {
		return nil
	}
	return w.verifyCounts(l, s)
}

// expired waits until there are no dead letters from before a leap. They may come back in the next life, which begins with one.
func (w *world) expired(l *life) error {
	if w.leap == 0 {
		return nil
	}
	l.note(w.model.expire)
	return w.eventually(func() (wrong string) {
		err := l.q.DeadLetters(queue.Select{Oldest: true}, func(d queue.DeadLetter) bool {
			if age := w.setup.Now().Sub(d.Died); age > w.leap/2 { // queue time may have been ahead
				wrong = fmt.Sprintf("event %d for endpoint %d is a dead letter for %v", d.Event, d.Endpoint, age)
			}
			return false
		})
		if err != nil {
			wrong = err.Error()
		}
		return wrong
	})
}

// verifyCounts compares what the queue counts with what is there.
func (w *world) verifyCounts(l *life, found sights) error {
	check := func() (wrong string) {
		s := l.q.Stats()
		backlogs := map[queue.EndpointID]int{}
		l.q.Backlogs(func(b queue.Backlog) bool { backlogs[b.Endpoint] = b.Waiting; return true })
		if !s.Counted || !s.FilesCounted || s.Waiting != found.waits() || s.InHand != 0 || s.Dead != found.dead || !maps.Equal(backlogs, found.waiting) {
			return fmt.Sprintf("waiting are %v and %d are dead letters, and it has the backlogs %v and the stats %+v", found.waiting, found.dead, backlogs, s)
		}
		return ""
	}
	return w.eventually(check)
}

// eventually waits until nothing is wrong.
func (w *world) eventually(check func() (wrong string)) error {
	for end := time.Now().Add(patience); ; time.Sleep(200 * time.Microsecond) {
		wrong := check()
		if wrong == "" || w.ctx.Err() != nil {
			return nil
		}
		if time.Now().After(end) {
			return errors.New(wrong)
		}
	}
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
	l, err := w.start()
	if l == nil {
		return err
	}
	cut := l.crash
	if w.rng.IntN(2) == 0 {
		late := time.Duration(w.rng.IntN(1000)) * time.Microsecond
		cut = func() { time.AfterFunc(late, l.crash) }
	}
	l.faults.start(false)
	w.load(l, cut)
	select {
	case <-l.crashed:
	case <-time.After(patience): // what is to fail is not even tried
		l.crash()
	}
	w.model.report.Crashes++
	err = l.close()
	w.disk.fs = l.left
	if w.faults != nil {
		return nil // what could not be written is an error of closing as well
	}
	return err
}
