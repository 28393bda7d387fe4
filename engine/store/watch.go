package store

import (
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// watch knows how much room there is on the disk, and keeps the ballast.
type watch struct {
	fs   vfs.FS // the ballast is removed while writes through the store's own file system wait
	dir  string
	disk Disk
	log  *slog.Logger
	now  atomic.Pointer[Space]

	mu      sync.Mutex // held by what makes up a new Space
	full    bool       // a write found the disk full, and there is not enough room yet
	blind   bool       // the last look failed
	said    time.Time  // when it was last logged that the disk is full
	ballast ballast

	stop  chan struct{}
	ended chan struct{}
}

// lookEvery is the time between two looks at the disk.
const lookEvery = time.Second

func newWatch(fs vfs.FS, dir string, disk Disk, log *slog.Logger) *watch {
	w := &watch{fs: fs, dir: dir, disk: disk, log: log, stop: make(chan struct{}), ended: make(chan struct{})}
	w.ballast = ballast{fs: fs, path: fs.PathJoin(dir, ballastName)}
	w.now.Store(&Space{})
	return w
}

// start looks for the first time, and then goes on doing so. A file system that does not tell its room is left alone.
func (w *watch) start() error {
	err := w.ballast.find()
	if err == nil {
		err = w.look()
	}
	if err != nil {
		close(w.ended)
		if errors.Is(err, vfs.ErrUnsupported) {
			err = nil
		}
		return err
	}
	go w.loop()
	return nil
}

func (w *watch) loop() {
	defer close(w.ended)
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		w.tendBallast()
		select {
		case <-tick.C:
		case <-w.stop:
			return
		}
		err := w.look()
		if err != nil && !w.blind {
			w.log.Error("how much room the disk has cannot be told; what was known last holds", "dir", w.dir, "err", err)
		}
		w.blind = err != nil
	}
}

func (w *watch) close() {
	close(w.stop)
	<-w.ended
}

// look brings the level up to date.
func (w *watch) look() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	free, total, err := usage(w.fs, w.dir)
	if err != nil {
		return err
	}
	l, was := w.disk.limits(total), w.now.Load()
	if w.full && free >= l.enough(total) {
		w.full = false
	}
	is := &Space{Known: true, Free: free, Total: total, Ballast: w.ballast.size(), Full: was.Full, Level: l.level(was.Level, free)}
	if w.full {
		is.Level = Scarce
	}
	w.change(was, is)
	return nil
}

// change makes a new state known. The caller holds mu.
func (w *watch) change(was, is *Space) {
	w.now.Store(is)
	if is.Level == was.Level {
		return
	}
	says := []any{"dir", w.dir, "free", is.Free, "of", is.Total, "level", is.Level.String()}
	switch is.Level {
	case Ample:
		w.log.Info("there is room on the disk again: everything is taken in", says...)
	case Low:
		w.log.Warn("the disk is filling up: nothing new is taken in until there is room, and what waits is delivered", says...)
	case Scarce:
		w.log.Error("the disk is all but full: nothing new is taken in, replays stop, and the oldest attempts go early", says...)
	}
}

// tendBallast makes the ballast, piece by piece, when there is room for it.
func (w *watch) tendBallast() {
	is := w.now.Load()
	if is.Level == Scarce {
		return
	}
	if err := w.ballast.grow(w.disk.limits(is.Total).ballast, is.Free); err != nil {
		w.log.Error("the ballast cannot be made; it will be tried again", "path", w.ballast.path, "err", err)
	}
}

// diskFull is called when a write found the disk full, and holds up the others. What it frees is for them.
func (w *watch) diskFull() {
	w.mu.Lock()
	defer w.mu.Unlock()
	freed, err := w.ballast.remove()
	if err != nil {
		w.log.Error("the ballast cannot be removed", "path", w.ballast.path, "err", err)
	}
	was := w.now.Load()
	is := *was
	is.Ballast = 0
	is.Full++
	if was.Known { // else nobody would find out that there is room again
		w.full, is.Level = true, Scarce
	}
	if now := time.Now(); freed > 0 || now.Sub(w.said) > 10*time.Second {
		w.said = now
		w.log.Error("a write found the disk full; those of the log wait for room", "dir", w.dir, "ballast removed", freed)
	}
	w.change(was, &is)
}

// isFull says whether a write found the disk full and there was not enough room since.
func (w *watch) isFull() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.full
}
