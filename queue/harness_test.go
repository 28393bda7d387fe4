package queue

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

// wall is a clock that tests set.
type wall struct {
	mu sync.Mutex
	t  time.Time
}

func newWall() *wall { return &wall{t: time.Date(2030, 5, 17, 12, 0, 0, 0, time.UTC)} }

func (w *wall) now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.t
}

func (w *wall) add(d time.Duration) time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.t = w.t.Add(d)
	return w.t
}

// house is a database on a file system in memory and the queue on it, which can be opened again.
type house struct {
	t      testing.TB
	fs     *vfs.MemFS
	opts   Options
	eager  bool // do not wait for recovery
	tune   func(*pebble.Options)
	faults errorfs.Injector // nil: the disk works
	misuse *atomic.Int64
	db     *pebble.DB
	*Queue
}

func newHouse(t testing.TB, o Options) *house {
	h := &house{t: t, opts: o}
	h.build()
	t.Cleanup(h.finish)
	return h
}

func (h *house) build() {
	h.fs, h.misuse = vfs.NewCrashableMem(), new(atomic.Int64)
	if h.opts.Logger == nil {
		h.opts.Logger = slog.New(slog.NewTextHandler(h.t.Output(), &slog.HandlerOptions{Level: slog.LevelError}))
	}
	h.open()
}

func (h *house) finish() {
	h.close()
	if n := h.misuse.Load(); n != 0 {
		h.t.Errorf("%d keys were written or deleted twice", n)
	}
}

// openTestDB counts as misuse what tells of a defect. Where no low-water mark is moved that is every event.
func openTestDB(fs vfs.FS, misuse *atomic.Int64, opts Options, tune func(*pebble.Options)) (*pebble.DB, error) {
	o := &pebble.Options{FS: reusing{fs}, Logger: quiet{}, CacheSize: 1 << 20}
	Tune(o)
	o.MemTableSize = 64 << 10 // small, so that flushes and compactions are always on their way
	o.FlushDelayDeleteRange = time.Millisecond
	o.EventListener = &pebble.EventListener{
		PossibleAPIMisuse: func(i pebble.PossibleAPIMisuseInfo) {
			if opts.lowWaterStep == 0 || Misuse(i) {
				misuse.Add(1)
			}
		},
		DataCorruption: func(pebble.DataCorruptionInfo) {},
	}
	if tune != nil {
		tune(o)
	}
	return pebble.Open("db", o)
}

// reusing is a file system in two steps where MemFS takes a lock, and takes it again with the lock held: a CrashClone
// that comes in between waits for the first, and the second for that, forever.
type reusing struct{ vfs.FS }

func (r reusing) ReuseForWrite(from, to string, c vfs.DiskWriteCategory) (vfs.File, error) {
	if err := r.Rename(from, to); err != nil {
		return nil, err
	}
	return r.OpenReadWrite(to, c)
}

type quiet struct{}

func (quiet) Infof(string, ...any)         {}
func (quiet) Errorf(string, ...any)        {}
func (quiet) Fatalf(f string, args ...any) { panic(fmt.Sprintf(f, args...)) }

func (h *house) open() {
	h.t.Helper()
	var fs vfs.FS = h.fs
	if h.faults != nil {
		fs = errorfs.Wrap(fs, h.faults)
	}
	db, err := openTestDB(fs, h.misuse, h.opts, h.tune)
	if err != nil {
		h.t.Fatal(err)
	}
	h.opts.FS = fs
	q, err := Open(db, h.opts)
	if err != nil {
		h.t.Fatal(err)
	}
	h.db, h.Queue = db, q
	for !h.eager && !q.recovered.Load() {
		runtime.Gosched()
	}
}

// near compares times of a clock that stands still, where due times run ahead of it by a microsecond
// each.
func near(a, b time.Time) bool { return a.Sub(b).Abs() < time.Millisecond }

func (h *house) close() {
	h.t.Helper()
	if h.Queue == nil {
		return
	}
	if err := h.Queue.Close(); err != nil {
		h.t.Error(err)
	}
	if err := h.db.Close(); err != nil {
		h.t.Error(err)
	}
	h.Queue = nil
}

func (h *house) reopen() {
	h.t.Helper()
	h.close()
	h.open()
}

// crash goes on with what a power loss right now would leave of the disk, losing all that was not synced.
func (h *house) crash() {
	h.t.Helper()
	fs := h.fs.CrashClone(vfs.CrashCloneCfg{})
	h.close()
	h.fs = fs
	h.open()
}

func (h *house) accept(payload string, ts ...Target) Receipt {
	h.t.Helper()
	r, err := h.Accept(context.Background(), Message{Payload: []byte(payload), Deliveries: ts})
	if err != nil {
		h.t.Fatal(err)
	}
	return r
}

func (h *house) take(ep EndpointID) *Delivery {
	h.t.Helper()
	d, ok := h.Take(ep)
	if !ok {
		h.t.Fatalf("endpoint %d has nothing to take", ep)
	}
	return &d
}

// takes checks the payloads of the next deliveries, and that no more follow.
func (h *house) takes(ep EndpointID, want ...string) []*Delivery {
	h.t.Helper()
	var ds []*Delivery
	for _, w := range want {
		d := h.take(ep)
		if string(d.Payload) != w {
			h.t.Fatalf("endpoint %d: took %q, want %q", ep, d.Payload, w)
		}
		ds = append(ds, d)
	}
	if d, ok := h.Take(ep); ok {
		h.t.Fatalf("endpoint %d: took %q, want nothing", ep, d.Payload)
	}
	return ds
}

func (h *house) settle(d *Delivery, o Outcome) {
	h.t.Helper()
	if err := h.Settle(d, o); err != nil {
		h.t.Fatal(err)
	}
}

// flush waits until the settlements so far are written and handed over.
func (h *house) flush() {
	h.t.Helper()
	if err := h.Flush(context.Background()); err != nil {
		h.t.Fatal(err)
	}
}

// settled waits until what was on disk at Open has been counted and the settlements are written.
func (h *house) settledStats() Stats {
	h.t.Helper()
	h.flush()
	for !h.Stats().Counted {
		time.Sleep(time.Millisecond)
	}
	return h.Stats()
}

// letters returns the dead letters of some endpoints, or of all, oldest first.
func (h *house) letters(eps ...EndpointID) []DeadLetter {
	h.t.Helper()
	var all []DeadLetter
	if err := h.DeadLetters(Select{Endpoints: eps, Oldest: true}, func(l DeadLetter) bool { all = append(all, l); return true }); err != nil {
		h.t.Fatal(err)
	}
	return all
}

// payloads returns the events whose payload is stored.
func (h *house) payloads() map[EventID]bool {
	h.t.Helper()
	ids := map[EventID]bool{}
	err := eachKey(h.db, []byte{prefixPayload}, []byte{prefixPayload + 1}, nil, func(k []byte) {
		id, ok := parsePayloadKey(k)
		if !ok {
			h.t.Errorf("malformed payload key %x", k)
		}
		ids[id] = true
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return ids
}

// files returns the payload files that are there, once those that were freed are removed.
func (h *house) files() []string {
	h.t.Helper()
	for !h.Stats().FilesCounted {
		time.Sleep(time.Millisecond)
	}
	h.removeFreed()
	names, err := h.fs.List(h.opts.Dir)
	if err != nil {
		h.t.Fatal(err)
	}
	slices.Sort(names)
	return names
}

// consistent checks that there are the files that the database refers to, as they were written, and no others.
func (h *house) consistent() {
	h.t.Helper()
	for end := time.Now().Add(time.Minute); !h.Stats().FilesCounted && time.Now().Before(end); { // after Open that takes a moment
		runtime.Gosched()
	}
	if err := sidesConsistent(h.Queue, h.fs); err != nil {
		h.t.Fatal(err)
	}
}

// sidesConsistent compares files and rows of a queue at rest.
func sidesConsistent(q *Queue, fs vfs.FS) error {
	q.removeFreed()
	left := map[string]bool{}
	names, err := fs.List(q.opts.Dir)
	if err != nil {
		return err
	}
	for _, name := range names {
		left[name] = true
	}
	var bytes int64
	var lost error
	err = SideFiles(q.db, func(f SideFile) bool {
		if err := f.Check(fs, q.opts.Dir); err != nil {
			lost = fmt.Errorf("the payload of event %d is lost: %w", f.Event, err)
		}
		delete(left, f.Name)
		bytes += f.Size
		return lost == nil
	})
	if err := errors.Join(err, lost); err != nil {
		return err
	}
	if len(left) > 0 {
		return fmt.Errorf("nothing refers to %d of %d files, such as %v", len(left), len(names), slices.Sorted(maps.Keys(left))[0])
	}
	if s := q.Stats(); s.Files != int64(len(names)) || s.FileBytes != bytes {
		return fmt.Errorf("%d files of %d bytes, and %+v", len(names), bytes, s)
	}
	return nil
}

func quietLogger() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }

func to(eps ...EndpointID) (ts []Target) {
	for _, ep := range eps {
		ts = append(ts, Target{Endpoint: ep})
	}
	return ts
}

var done = Outcome{Verdict: Done, Attempted: true, Status: 200}

func textLogger(w io.Writer) *slog.Logger { return slog.New(slog.NewTextHandler(w, nil)) }

// checkMarks returns an error if a delivery on disk is before the low-water mark of its track.
func checkMarks(r pebble.Reader) error {
	marks := map[stream]position{}
	err := each(r, &pebble.IterOptions{LowerBound: []byte{prefixWater}, UpperBound: []byte{prefixWater + 1}}, nil, func(iter *pebble.Iterator) {
		ep, t, ok := parseWaterKey(iter.Key())
		mark, err := decodeWater(iter.Value())
		if !ok || err != nil {
			panic(fmt.Sprintf("malformed mark %x: %x", iter.Key(), iter.Value()))
		}
		marks[stream{ep, t}] = mark
	})
	var wrong error
	err = errors.Join(err, eachKey(r, []byte{prefixDelivery}, []byte{prefixDelivery + 1}, nil, func(k []byte) {
		ep, t, pos, _ := parseDeliveryKey(k)
		if pos.less(marks[stream{ep, t}]) && wrong == nil {
			wrong = fmt.Errorf("%v of endpoint %d, track %d, is before the mark %v", pos, ep, t, marks[stream{ep, t}])
		}
	}))
	return errors.Join(err, wrong)
}

// eachKey calls f with the keys of a span.
func eachKey(r pebble.Reader, lo, hi []byte, stop <-chan struct{}, f func([]byte)) error {
	return each(r, &pebble.IterOptions{LowerBound: lo, UpperBound: hi}, stop, func(iter *pebble.Iterator) { f(iter.Key()) })
}

// countKeys counts the keys of a span.
func countKeys(r pebble.Reader, lo, hi []byte, stop <-chan struct{}) (n int64, err error) {
	err = eachKey(r, lo, hi, stop, func([]byte) { n++ })
	return n, err
}
