package queue

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

// withSides are options that put payloads of 100 bytes and more into files.
func withSides(o Options) Options {
	o.Dir, o.SideBytes = "payloads", 100
	return o
}

// large returns a payload of more than one chunk that is told from others by its number.
func large(n int) string {
	return fmt.Sprintf("%06d", n) + strings.Repeat(string(rune('a'+n%26)), sideChunk+n)
}

// fileFaults makes operations on payload files, or their directory, fail while it is on.
type fileFaults struct {
	errorfs.Toggle
	kinds atomic.Pointer[[]errorfs.OpKind]
	seen  atomic.Int64 // how many were of these kinds
	check func(errorfs.Op) error
}

func newFileFaults(check func(errorfs.Op) error) *fileFaults {
	f := &fileFaults{check: check}
	f.Injector = errorfs.InjectorFunc(func(op errorfs.Op) error {
		kinds := f.kinds.Load()
		if kinds == nil || !strings.HasPrefix(op.Path, "payloads") || !slices.Contains(*kinds, op.Kind) {
			return nil
		}
		f.seen.Add(1)
		return f.check(op)
	})
	return f
}

func (f *fileFaults) at(kinds ...errorfs.OpKind) *fileFaults {
	f.kinds.Store(&kinds)
	f.On()
	return f
}

func fail(errorfs.Op) error { return errorfs.ErrInjected }

func TestLargePayloadGetsAFile(t *testing.T) {
	h := newHouse(t, withSides(Options{}))
	r := h.accept(large(1), to(1, 2)...)
	h.accept(strings.Repeat("s", 99), to(3)...)
	h.accept(strings.Repeat("s", 100), to(3)...)
	if n := len(h.files()); n != 2 {
		t.Fatalf("%d files", n)
	}
	if s := h.Stats(); s.Files != 2 || s.FileBytes != int64(len(large(1))+100) || s.MemoryBytes > 2*recentOverhead {
		t.Errorf("stats %+v", s)
	}
	v, closer, err := h.db.Get(appendPayloadKey(nil, r.Event))
	if err != nil || len(v) != sideLen {
		t.Fatalf("%d bytes in the database, %v", len(v), err)
	}
	closer.Close()
	h.consistent()
	h.takes(1, large(1))
	h.reopen()
	payload, ok, err := h.Payload(r.Event)
	if string(payload) != large(1) || !ok || err != nil {
		t.Errorf("payload of %d bytes, %v, %v", len(payload), ok, err)
	}
	for _, ep := range []EndpointID{1, 2} {
		h.takes(ep, large(1))
	}
	h.takes(3, strings.Repeat("s", 99), strings.Repeat("s", 100))
	h.consistent()
}

// A file goes soon after the last delivery, without a sweep.
func TestFileGoesWithItsLastDelivery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, withSides(Options{HandOffBytes: 1}))
		defer h.finish()
		r := h.accept(large(1), to(1, 2)...)
		h.settle(h.take(1), done)
		time.Sleep(time.Second)
		if s := h.Stats(); s.Files != 1 {
			t.Errorf("stats %+v with one delivery left", s)
		}
		h.settle(h.take(2), done)
		time.Sleep(time.Second)
		if names, err := h.fs.List("payloads"); len(names) != 0 || err != nil {
			t.Errorf("files %v, %v", names, err)
		}
		if _, ok, err := h.Payload(r.Event); ok || err != nil {
			t.Errorf("payload %v, %v", ok, err)
		}
		h.consistent()
	})
}

// What a crash leaves of the rows of a file that is freed leaves the file too, before it is removed and after.
func TestFileOutlivesItsRows(t *testing.T) {
	for name, free := range map[string]func(*house) error{
		"settled": func(h *house) error {
			h.settle(h.take(1), done)
			return h.committed(context.Background())
		},
		"swept": func(h *house) error { return errors.Join(h.Purge(1), h.sweep()) },
	} {
		for _, removed := range []bool{false, true} {
			t.Run(fmt.Sprint(name, ", removed ", removed), func(t *testing.T) {
				h := newHouse(t, withSides(Options{SyncInterval: time.Hour}))
				h.accept(large(1), to(1)...)
				if err := free(h); err != nil {
					t.Fatal(err)
				}
				if removed {
					h.removeFreed()
				}
				if err := syncDirectory(h.fs, "payloads"); err != nil {
					t.Fatal(err)
				}
				h.crash()
				h.files()
				h.consistent()
				if n := len(h.payloads()); n != 0 && removed {
					t.Errorf("%d payloads", n)
				}
			})
		}
	}
}

func TestLostFile(t *testing.T) {
	path := "payloads/" + sideName(1)
	overwrite := func(t *testing.T, h *house, content string) {
		f, err := h.fs.Create(path, vfs.WriteCategoryUnspecified)
		if err == nil {
			_, err = f.Write([]byte(content))
		}
		if err := errors.Join(err, f.Close()); err != nil {
			t.Fatal(err)
		}
	}
	for name, c := range map[string]func(*testing.T, *house){
		"missing": func(t *testing.T, h *house) {
			if err := h.fs.Remove(path); err != nil {
				t.Fatal(err)
			}
		},
		"short":   func(t *testing.T, h *house) { overwrite(t, h, large(1)[1:]) },
		"long":    func(t *testing.T, h *house) { overwrite(t, h, large(1)+" ") },
		"changed": func(t *testing.T, h *house) { overwrite(t, h, "1"+large(1)[1:]) },
	} {
		t.Run(name, func(t *testing.T) {
			var lost []Reason
			h := newHouse(t, withSides(Options{Logger: quietLogger(), Lost: func(_ Lane, why Reason) { lost = append(lost, why) }}))
			a := h.accept(large(1), to(1)...)
			h.accept(large(2), to(1)...)
			c(t, h)
			if payload, ok, err := h.Payload(a.Event); ok || err != nil {
				t.Errorf("payload of %d bytes, %v, %v", len(payload), ok, err)
			}
			h.takes(1, large(2))
			h.flush()
			if ls := h.letters(); len(ls) != 1 || ls[0].Event != a.Event || ls[0].Reason != PayloadLost || !slices.Equal(lost, []Reason{PayloadLost}) {
				t.Errorf("letters %+v, told of %v", ls, lost)
			}
		})
	}
}

func TestUnreadableFileWaits(t *testing.T) {
	for _, kind := range []errorfs.OpKind{errorfs.OpOpen, errorfs.OpFileStat, errorfs.OpFileRead} {
		w, f := newWall(), newFileFaults(fail)
		h := newFaultyHouse(t, f, withSides(Options{now: w.now, Logger: quietLogger()}))
		h.accept(large(1), to(1)...)
		f.at(kind)
		h.takes(1)
		f.Off()
		w.add(time.Second)
		h.takes(1, large(1))
		if s := h.settledStats(); s.Died != 0 {
			t.Errorf("stats %+v", s)
		}
	}
}

// Whatever of writing a file fails: the accept does, and leaves nothing.
func TestFileThatCannotBeWritten(t *testing.T) {
	for _, kind := range []errorfs.OpKind{errorfs.OpCreate, errorfs.OpFileWrite, errorfs.OpFileSync} {
		f := newFileFaults(fail)
		h := newFaultyHouse(t, f, withSides(Options{}))
		ms := []Message{
			{Payload: []byte("small"), Deliveries: to(1)},
			{Payload: []byte(large(1)), Deliveries: to(1)},
			{Payload: []byte(large(2)), Deliveries: to(1), Key: "k"},
		}
		f.at(kind)
		if _, err := h.AcceptAll(context.Background(), ms); !errors.Is(err, errorfs.ErrInjected) {
			t.Errorf("accepted with operation %v failing: %v", kind, err)
		}
		f.Off()
		if names := h.files(); len(names) != 0 {
			t.Errorf("%v failed and left %v", kind, names)
		}
		h.consistent()
		h.takes(1)
		if _, err := h.AcceptAll(context.Background(), ms); err != nil {
			t.Error(err)
		}
		h.takes(1, "small", large(1), large(2))
		h.consistent()
	}
}

func newFaultyHouse(t *testing.T, f *fileFaults, o Options) *house {
	h := &house{t: t, faults: f, opts: o}
	h.build()
	t.Cleanup(h.finish)
	return h
}

// A disk without room for a file refuses that message alone, and says when to come back.
func TestNoRoomForAFile(t *testing.T) {
	for _, full := range []error{syscall.ENOSPC, syscall.EDQUOT} {
		for _, kind := range []errorfs.OpKind{errorfs.OpCreate, errorfs.OpFileWrite, errorfs.OpFileSync} {
			f := newFileFaults(func(errorfs.Op) error { return full })
			h := newFaultyHouse(t, f, withSides(Options{Logger: quietLogger()}))
			f.at(kind)
			var busy *OverloadedError
			_, err := h.Accept(context.Background(), Message{Payload: []byte(large(1)), Deliveries: to(1)})
			if !errors.Is(err, ErrReadOnly) || !errors.As(err, &busy) || busy.RetryAfter <= 0 {
				t.Errorf("%v failing with %v: %v", kind, full, err)
			}
			h.accept("small", to(1)...)
			f.Off()
			h.accept(large(2), to(1)...)
			h.takes(1, "small", large(2))
			h.consistent()
		}
	}
}

// Files from before Open that are freed before they are counted are not counted out.
func TestFileFreedBeforeItIsCounted(t *testing.T) {
	find := make(chan struct{})
	h := newHouse(t, withSides(Options{}))
	h.accept(large(1), to(1)...)
	h.accept(large(2), to(1)...)
	h.settle(h.take(1), Outcome{Verdict: Dead, Reason: Rejected})
	h.flush()
	h.eager, h.opts.hooks.beforeFind = true, func() { <-find }
	h.reopen()
	if n, err := h.Discard(h.letters()); n != 1 || err != nil {
		t.Fatalf("discarded %d, %v", n, err)
	}
	if err := h.sweep(); err != nil {
		t.Fatal(err)
	}
	h.removeFreed()
	close(find)
	h.files() // which waits until they are counted
	h.consistent()
}

// A repeated message gets no second file, nor does one that is owed to nobody.
func TestFilesOfRepeatedMessages(t *testing.T) {
	h := newHouse(t, withSides(Options{}))
	m := Message{Payload: []byte(large(1)), Deliveries: to(1), Key: "k", Fingerprint: 7}
	nobody := Message{Payload: []byte(large(2))}
	other := m
	other.Fingerprint = 8
	for i := range 3 {
		rs, err := h.AcceptAll(context.Background(), []Message{m, nobody, m})
		if err != nil || rs[0].Repeated != (i > 0) || !rs[2].Repeated {
			t.Fatalf("receipts %+v, %v", rs, err)
		}
		if _, err := h.Accept(context.Background(), other); !errors.Is(err, ErrKeyReused) {
			t.Errorf("another message with the key: %v", err)
		}
	}
	if n := len(h.files()); n != 1 {
		t.Errorf("%d files", n)
	}
	h.takes(1, large(1))
	h.consistent()
}

func TestAcceptAllWithFiles(t *testing.T) {
	h := newHouse(t, withSides(Options{}))
	var ms []Message
	var want []string
	for i := range 5 {
		want = append(want, large(i), fmt.Sprint("small ", i))
		ms = append(ms, Message{Payload: []byte(want[2*i]), Deliveries: to(1, 2)}, Message{Payload: []byte(want[2*i+1]), Deliveries: to(1)})
	}
	if _, err := h.AcceptAll(context.Background(), ms); err != nil {
		t.Fatal(err)
	}
	if n := len(h.files()); n != 5 {
		t.Errorf("%d files", n)
	}
	h.crash()
	for _, d := range h.takes(1, want...) {
		h.settle(d, done)
	}
	h.consistent()
	h.takes(2, want[0], want[2], want[4], want[6], want[8])
}

// What a sweep has to free: of a purged endpoint, of dead letters that were discarded or have expired, and of what was there at
// Open.
func TestSweepFreesFiles(t *testing.T) {
	w := newWall()
	h := newHouse(t, withSides(Options{now: w.now, KeepDead: 48 * time.Hour}))
	dead := Outcome{Verdict: Dead, Reason: Rejected}
	h.accept(large(1), to(1)...)
	h.accept(large(2), to(2)...)
	h.accept(large(3), to(3)...)
	h.accept(large(4), to(4)...)
	h.accept(large(5), to(5)...)
	h.settle(h.take(2), dead)
	h.settle(h.take(3), dead)
	sweep := func(left int) {
		t.Helper()
		h.flush()
		if err := h.sweep(); err != nil {
			t.Fatal(err)
		}
		if n := len(h.files()); n != left || len(h.payloads()) != left {
			t.Errorf("%d files and %d payloads, want %d", n, len(h.payloads()), left)
		}
		h.consistent()
	}
	sweep(5)
	if err := h.Purge(1); err != nil {
		t.Fatal(err)
	}
	sweep(4)
	if n, err := h.Discard(h.letters(2)); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	sweep(3)
	h.reopen()
	h.settle(h.takes(4, large(4))[0], done)
	sweep(2)
	w.add(100 * time.Hour)
	sweep(1)
	h.takes(5, large(5))
}

// What refers to a payload beside the deliveries that are counted keeps its file: a dead letter, or a delivery that was made
// again.
func TestFileStaysForOthers(t *testing.T) {
	for name, first := range map[string]func(*testing.T, *house, EventID){
		"dead letter": func(t *testing.T, h *house, id EventID) {
			h.settle(h.take(1), Outcome{Verdict: Dead, Reason: Rejected})
		},
		"resent": func(t *testing.T, h *house, id EventID) {
			h.settle(h.take(1), done)
			if made, err := h.Resend(context.Background(), []Resend{{Event: id, Endpoint: 1}}); err != nil || !made[0] {
				t.Fatal(made, err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t, withSides(Options{}))
			r := h.accept(large(1), to(1, 2)...)
			first(t, h, r.Event)
			h.settle(h.take(2), done)
			h.flush()
			if n := len(h.files()); n != 1 {
				t.Fatalf("%d files", n)
			}
			if payload, ok, err := h.Payload(r.Event); string(payload) != large(1) || !ok || err != nil {
				t.Errorf("payload of %d bytes, %v, %v", len(payload), ok, err)
			}
			h.consistent()
		})
	}
}

func TestResendOfAFile(t *testing.T) {
	w := newWall()
	h := newHouse(t, withSides(Options{now: w.now, KeepDelivered: time.Hour}))
	a := h.accept(large(1), to(1)...)
	h.settle(h.take(1), done)
	h.accept(large(2), to(2)...)
	h.settle(h.take(2), Outcome{Verdict: Dead, Reason: Rejected})
	h.flush()
	letter := h.letters()[0]
	again := []Resend{{Event: a.Event, Endpoint: 1}, {Event: letter.Event, Endpoint: 2, Letter: &letter}}
	for range 2 {
		if err := h.sweep(); err != nil {
			t.Fatal(err)
		}
		made, err := h.Resend(context.Background(), again)
		if err != nil || !slices.Equal(made, []bool{true, true}) {
			t.Fatal(made, err)
		}
		again[1].Letter = nil
		h.settle(h.takes(1, large(1))[0], done)
		h.settle(h.takes(2, large(2))[0], done)
		h.flush()
		h.consistent()
	}
	w.add(3 * time.Hour)
	if err := h.sweep(); err != nil {
		t.Fatal(err)
	}
	if names := h.files(); len(names) != 0 {
		t.Errorf("left: %v", names)
	}
}

// A resend during a sweep saves the file that the sweep was about to free.
func TestResendSavesAFileFromTheSweep(t *testing.T) {
	var h *house
	var letter DeadLetter
	var others []DeadLetter
	var resent error
	h = newHouse(t, withSides(Options{hooks: hooks{afterMark: func() {
		if letter.Event == 0 {
			return
		}
		made, err := h.Resend(context.Background(), []Resend{{Event: letter.Event, Endpoint: 1}})
		if err != nil || !made[0] {
			resent = fmt.Errorf("resent: %v, %w", made, err)
		}
	}}}))
	for i := range 3 {
		h.accept(large(i), to(1)...)
		h.settle(h.take(1), Outcome{Verdict: Dead, Reason: Rejected})
	}
	h.flush()
	others = h.letters()
	if _, err := h.Discard(others); err != nil {
		t.Fatal(err)
	}
	letter = others[1]
	if err := errors.Join(h.sweep(), resent); err != nil {
		t.Fatal(err)
	}
	if n := len(h.files()); n != 1 {
		t.Errorf("%d files", n)
	}
	h.consistent()
	h.takes(1, large(1))
}

// After Open, files that nothing refers to go: those alone, and none of this run.
func TestFilesThatNothingRefersTo(t *testing.T) {
	h := newHouse(t, withSides(Options{}))
	h.accept(large(1), to(1)...)
	h.accept(large(2), to(2)...)
	put := func(name string) {
		f, err := h.fs.Create("payloads/"+name, vfs.WriteCategoryUnspecified)
		if err := errors.Join(err, f.Close()); err != nil {
			t.Fatal(err)
		}
	}
	h.close()
	foreign := []string{"README", "0", "1", sideName(5) + ".tmp", "00000000000000AB"}
	for _, name := range append(foreign, sideName(5), sideName(sideBlock), sideName(math.MaxUint64)) {
		put(name)
	}
	h.open()
	want := append(foreign, sideName(1), sideName(2), sideName(math.MaxUint64))
	slices.Sort(want)
	if got := h.files(); !slices.Equal(got, want) {
		t.Errorf("files %v, want %v", got, want)
	}
	if s := h.Stats(); s.Files != 2 || s.FileBytes != int64(len(large(1))+len(large(2))) {
		t.Errorf("stats %+v", s)
	}
}

// Numbers are not given out twice, however often a queue is opened.
func TestFileNumbersAreNew(t *testing.T) {
	h := newHouse(t, withSides(Options{}))
	seen := map[uint64]bool{}
	for range 3 {
		for range 3 {
			n, err := h.sides.numbers.take()
			if err != nil || seen[n] || n == 0 {
				t.Fatalf("number %d, %v, after %v", n, err, seen)
			}
			seen[n] = true
		}
		h.crash()
	}
}

func TestOpenWithoutTheFiles(t *testing.T) {
	h := newHouse(t, withSides(Options{}))
	h.accept(large(1), to(1)...)
	h.close()
	db, err := openTestDB(h.fs, h.misuse, h.opts, h.tune)
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{"", "elsewhere"} {
		o := h.opts
		o.Dir = dir
		if q, err := Open(db, o); err == nil || !strings.Contains(err.Error(), "payloads in files") {
			t.Errorf("opened with Dir %q: %v", dir, err)
			q.Close()
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	h.open()
	h.takes(1, large(1))
}

// Nobody waits for a large payload on its way to the disk, nor does it hold up what is taken.
func TestNothingWaitsForAFile(t *testing.T) {
	reached, goOn := make(chan struct{}), make(chan struct{})
	f := newFileFaults(func(errorfs.Op) error {
		reached <- struct{}{}
		<-goOn
		return nil
	})
	h := newFaultyHouse(t, f, withSides(Options{Window: 1, HandOffBytes: 1}))
	f.at(errorfs.OpFileSync)
	accepted := make(chan error, 1)
	go func() {
		_, err := h.Accept(context.Background(), Message{Payload: []byte(large(1)), Deliveries: to(1)})
		accepted <- err
	}()
	for range 2 { // the file, the directory
		<-reached
		h.accept("a", to(1, 2)...)
		h.accept("b", to(1, 2)...)
		for _, d := range append(h.takes(1, "a", "b"), h.takes(2, "a", "b")...) {
			h.settle(d, done)
		}
		h.flush()
		goOn <- struct{}{}
	}
	if err := <-accepted; err != nil {
		t.Fatal(err)
	}
	h.takes(1, large(1))
}

// All who have deliveries of a message in hand share one copy of its payload, and one read.
func TestDeliveriesShareOneRead(t *testing.T) {
	f := newFileFaults(func(errorfs.Op) error { return nil })
	h := newFaultyHouse(t, f, withSides(Options{}))
	const endpoints = 50
	var ts []Target
	for ep := range EndpointID(endpoints) {
		ts = append(ts, Target{Endpoint: ep})
	}
	h.accept(large(1), ts...)
	f.at(errorfs.OpOpen)
	var ds [endpoints]*Delivery
	var wg sync.WaitGroup
	for ep := range ds {
		wg.Go(func() {
			if d, ok := h.Take(EndpointID(ep)); ok {
				ds[ep] = &d
			}
		})
	}
	wg.Wait()
	for ep, d := range ds {
		if d == nil || string(d.Payload) != large(1) || &d.Payload[0] != &ds[0].Payload[0] {
			t.Fatalf("endpoint %d has a payload of its own, or none", ep)
		}
	}
	if n := f.seen.Load(); n != 1 {
		t.Errorf("%d reads", n)
	}
	own, _, err := h.Payload(ds[0].Event)
	if err != nil || string(own) != large(1) || &own[0] == &ds[0].Payload[0] {
		t.Errorf("Payload gave away what is shared, or %v", err)
	}
}

// While files are held, none goes.
func TestHoldFiles(t *testing.T) {
	h := newHouse(t, withSides(Options{SyncInterval: time.Millisecond}))
	h.accept(large(1), to(1)...)
	h.accept(large(2), to(2)...)
	h.files()
	release, err := h.HoldFiles()
	if err != nil {
		t.Fatal(err)
	}
	h.settle(h.take(1), done)
	h.flush()
	checkpoint := "copy"
	if err := h.db.Checkpoint(checkpoint, pebble.WithFlushedWAL()); err != nil {
		t.Fatal(err)
	}
	removed := make(chan struct{})
	go func() {
		h.removeFreed()
		close(removed)
	}()
	h.accept(large(3), to(1)...)
	if names, err := h.fs.List("payloads"); len(names) != 3 || err != nil {
		t.Errorf("files %v, %v", names, err)
	}
	copied, err := pebble.Open(checkpoint, &pebble.Options{FS: h.fs, ReadOnly: true, Logger: quiet{}, FormatMajorVersion: pebble.FormatValueSeparation})
	if err != nil {
		t.Fatal(err)
	}
	var sizes []int64
	err = SideFiles(copied, func(f SideFile) bool {
		sizes = append(sizes, f.Size)
		if err := f.Check(h.fs, "payloads"); err != nil {
			t.Error(err)
		}
		if err := f.Check(h.fs, "elsewhere"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("checked what is not there: %v", err)
		}
		return true
	})
	if err := errors.Join(err, copied.Close()); err != nil || !slices.Equal(sizes, []int64{int64(len(large(2)))}) {
		t.Errorf("files of %v bytes, %v", sizes, err)
	}
	release()
	release()
	<-removed
	if n := len(h.files()); n != 2 {
		t.Errorf("%d files", n)
	}
	h.consistent()
}

// Side files that a database refers to and cannot describe are told of, and the others are listed.
func TestBrokenRowsOfFiles(t *testing.T) {
	h := newHouse(t, withSides(Options{}))
	for i := range 3 {
		h.accept(large(i), to(1)...)
	}
	good := h.accept(large(3), to(1)...)
	for key, value := range map[string][]byte{
		string(appendSideKey(nil, 1)):         {1},
		string(appendSideKey(nil, 2)):         appendSideRow(nil, math.MaxUint64),
		string(appendSideKey(nil, 3)):         appendSideRow(nil, good.Event),
		string(appendSideKey(nil, 99)) + "xy": appendSideRow(nil, good.Event),
	} {
		if err := h.db.Set([]byte(key), value, pebble.Sync); err != nil {
			t.Fatal(err)
		}
	}
	var names []string
	err := SideFiles(h.db, func(f SideFile) bool { names = append(names, f.Name); return true })
	if !slices.Equal(names, []string{sideName(4)}) || err == nil || strings.Count(err.Error(), "\n") != 3 {
		t.Errorf("files %v, %v", names, err)
	}
}

func TestCallersBufferStays(t *testing.T) {
	fs := vfs.NewMem()
	payload := bytes.Repeat([]byte("0123456789"), sideChunk/4)
	before := bytes.Clone(payload)
	sum, err := writeSide(scribbling{fs}, "x", payload)
	if err != nil || !bytes.Equal(payload, before) {
		t.Errorf("the payload was changed: %v, %v", !bytes.Equal(payload, before), err)
	}
	got, err := readSide(fs, "x", sideFile{1, int64(len(payload)), sum})
	if err != nil || !bytes.Equal(got, before) {
		t.Errorf("read %d bytes, %v", len(got), err)
	}
}

// scribbling is a file system that changes what it is given to write, as it may.
type scribbling struct{ vfs.FS }

type scribblingFile struct{ vfs.File }

func (s scribbling) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	f, err := s.FS.Create(name, c)
	return scribblingFile{f}, err
}

func (f scribblingFile) Write(p []byte) (int, error) {
	defer clear(p)
	return io.Writer(f.File).Write(p)
}
