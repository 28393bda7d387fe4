package crashtest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"hookline/queue"
	"hookline/queue/internal/lab"
)

// life is a queue from its opening to its crash.
type life struct {
	*model
	disk  *disk
	mem   *vfs.MemFS // that of the disk, in this life
	fs    vfs.FS     // with the faults
	db    *pebble.DB
	q     *queue.Queue
	hands sync.WaitGroup
	ctx   context.Context // of the hands
	stop  context.CancelFunc

	over    bool // guarded by model.mu: what its calls still do is not noted
	percent int  // of what is not synced, that a crash leaves
	rng     *rand.Rand
	left    *vfs.MemFS    // what the crash has left
	crashed chan struct{} // closed then

	moments  atomic.Int64 // to come until cut is called
	betweens atomic.Int64 // the same, of those between two batches of a defect
	cut      func()
	isCut    atomic.Bool

	moving atomic.Int64  // batches of outcomes that are being committed
	slow   time.Duration // how long a log takes to sync, at most
	faults *faults
	opened atomic.Bool   // errors are not those of the opening any more
	fatal  chan struct{} // closed by the first fatal error
	died   sync.Once
}

func newLife(w *world) *life {
	l := &life{
		model: w.model, disk: w.disk, mem: w.disk.fs, percent: w.rng.IntN(5) * 25, rng: rand.New(rand.NewPCG(w.rng.Uint64(), 1)),
		slow: w.slow, faults: w.faults,
		crashed: make(chan struct{}), fatal: make(chan struct{}),
	}
	l.ctx, l.stop = context.WithCancel(context.Background())
	l.moments.Store(math.MaxInt64)
	return l
}

// note does something to the model, unless this life has ended.
func (l *life) note(f func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.over {
		f()
	}
}

// crash ends this life, at a moment of which the model says all that is known.
func (l *life) crash() {
	l.note(func() {
		l.left = l.disk.crash(l.rng, l.percent)
		l.over = true
		close(l.crashed)
	})
}

// open opens the queue that is on the disk.
func (l *life) open(o queue.Options, s lab.Setup, m mutant) error {
	s.At = l.at
	lab.Prepare(&o, s)
	l.fs = reusing{errorfs.Wrap(forgetful{l.disk.nesting(l.mem)}, l)}
	o.Cache = l.disk.cache
	o.FS = unsynced{l.fs, m.fileUnsynced, m.nameUnsynced}
	o.Logger = slog.New(slog.NewTextHandler(io.Discard, nil))
	o.Lost = func(_ queue.Lane, why queue.Reason) {
		l.note(func() { l.report.breach(MissingPayload, "a delivery was given up by Take: %v", why) })
	}
	db, err := l.disk.open(databaseDir, l.fs, exits{l})
	if err != nil {
		return fmt.Errorf("opening the database: %w", err)
	}
	l.opened.Store(true)
	q, err := queue.Open(db, o)
	if err != nil {
		return errors.Join(fmt.Errorf("opening the queue: %w", err), db.Close())
	}
	l.db, l.q = db, q
	return nil
}

// close ends the hands and closes the queue, unless there was a fatal error: then nothing goes on.
func (l *life) close() error {
	l.stop()
	l.faults.stop()
	err := l.within(func() error {
		l.hands.Wait()
		return errors.Join(l.q.Close(), l.db.Close())
	})
	if errors.Is(err, errFatal) {
		return nil
	}
	return err
}

var errFatal = errors.New("there was a fatal error")

// within does something until there is a fatal error.
func (l *life) within(do func() error) error {
	done := make(chan error, 1)
	go func() { done <- do() }()
	select {
	case err := <-done:
		return err
	case <-l.fatal:
		return errFatal
	case <-time.After(2 * patience):
		return errors.New("opening, looking or closing does not end")
	}
}

// at is called at every step of the queue: a moment at which it may be cut, or kept waiting so that others come in between.
func (l *life) at(s lab.Step) {
	switch s {
	case lab.OutcomesBegin:
		l.moving.Add(1)
	case lab.OutcomesEnd:
		l.moving.Add(-1)
	case lab.Snapshot:
		if l.moving.Load() > 0 {
			// A flush may have dropped what is moved from its old place when it is not visible at the new one:
			// https://github.com/cockroachdb/pebble/issues/6085. It is too rare to wait for.
			l.note(func() {
				l.report.breach(MissingPayload, "a sweep took its snapshot while outcomes were being committed")
			})
		}
	}
	select {
	case <-l.fatal:
		select {}
	default:
	}
	if l.moment(); s == lab.Between && l.betweens.Add(-1) == 0 {
		l.cutNow()
	}
	if s == lab.Between || rand.IntN(16) == 0 {
		pause()
	}
}

// String is for errorfs.
func (l *life) String() string { return "crashtest" }

// MaybeError is called before every operation on a file.
func (l *life) MaybeError(op errorfs.Op) error {
	l.moment()
	if rand.IntN(64) == 0 {
		pause()
	}
	if l.slow > 0 && isLog(op.Path) && slices.Contains(syncing, op.Kind) {
		time.Sleep(rand.N(l.slow))
	}
	// While it is opened, the database returns errors, but panics where the directory cannot be synced.
	fatal := vital(op) && (l.opened.Load() || op.Path == databaseDir)
	failed := l.faults.strike(op, func() {
		if fatal {
			l.exit("the disk")
		}
	})
	switch {
	case !failed:
		return nil
	case fatal:
		select {}
	}
	return errorfs.ErrInjected
}

// cutAfter has cut called after a number of moments, or of those between two batches of a defect.
func (l *life) cutAfter(moments, betweens int64, cut func()) {
	l.cut = cut
	l.betweens.Store(betweens)
	l.moments.Store(moments)
}

// moment is one at which a crash may come. None comes before what is to fail has failed.
func (l *life) moment() {
	if l.moments.Add(-1) <= 0 && !l.faults.due() {
		l.cutNow()
	}
}

func (l *life) cutNow() {
	if l.isCut.CompareAndSwap(false, true) {
		l.cut()
	}
}

// pause lets others go first, or even get some things done.
func pause() {
	time.Sleep(time.Duration(rand.IntN(200)) * time.Microsecond)
}

// exits is what the database logs to. A fatal error ends the process there and then, and so it ends this life; its
// goroutines are left where they are.
type exits struct{ *life }

func (exits) Infof(string, ...any)  {}
func (exits) Errorf(string, ...any) {}

func (e exits) Fatalf(format string, args ...any) { e.die(fmt.Sprintf(format, args...)) }

// die ends this life as a fatal error ends the process. It does not return.
func (l *life) die(why string) {
	l.exit(why)
	select {}
}

// exit is die for who sees to it that nothing comes after it.
func (l *life) exit(why string) {
	l.died.Do(func() {
		l.note(func() {
			l.report.Exits++
			if l.faults == nil {
				l.report.breach(Other, "fatal: %s", why)
			}
		})
		l.crash()
		close(l.fatal)
	})
}
