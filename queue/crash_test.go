package queue

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// A crash round runs producers, workers and a sweep on a file system that can lose power, takes a clone
// of what the disk would hold at a random moment, and compares a queue opened on the clone with what
// the ledger says was promised before that moment.

// owed names one delivery by what its producer called it.
type owed struct {
	message string
	ep      EndpointID
}

// ledger is what the outside world knows.
type ledger struct {
	mu       sync.Mutex
	promised map[owed]int // Accept returned nil: 0; Resend returned true: how often it had ended before
	ended    map[owed]int // how often Settle with Done or Dead, or Discard, was called: it may be gone
	settled  map[owed]int // ... Settle has returned
	durable  map[owed]int // ... and a Flush begun after that has returned: it is gone, but for again
	again    map[owed]int // Resend was called
	lines    map[inLine][]int
	disorder error
}

// inLine names a line of deliveries. All of one order key come from one producer, which numbers them.
type inLine struct {
	ep  EndpointID
	key byte
}

// lineOf returns the line of a delivery, and its number there.
func lineOf(d *Delivery) (line inLine, number int, ok bool) {
	if d.Lane != Fresh || d.Note[1] == 0 {
		return inLine{}, 0, false
	}
	_, n, _ := strings.Cut(owedBy(d).message, "-")
	number, err := strconv.Atoi(n)
	return inLine{d.Endpoint, d.Note[1]}, number, err == nil
}

// wait notes what is accepted in lines; a delivery that is there may be taken before that.
func (l *ledger) wait(number int, in []inLine) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, line := range in {
		l.lines[line] = append(l.lines[line], number)
	}
}

// turn notes whether it is the turn of a delivery that was taken: whether what was accepted before is ended.
func (l *ledger) turn(d *Delivery) {
	line, number, ok := lineOf(d)
	if !ok {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if before := l.lines[line]; len(before) > 0 && before[0] < number {
		l.disorder = fmt.Errorf("%d was taken before %d was settled, of %+v", number, before[0], line)
	}
}

// leave is called just before a delivery is settled for good.
func (l *ledger) leave(d *Delivery) {
	line, number, ok := lineOf(d)
	if !ok {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines[line] = slices.DeleteFunc(l.lines[line], func(n int) bool { return n == number })
}

func newLedger() *ledger {
	return &ledger{
		promised: map[owed]int{}, ended: map[owed]int{}, settled: map[owed]int{}, durable: map[owed]int{},
		again: map[owed]int{}, lines: map[inLine][]int{},
	}
}

func (l *ledger) copyOf(m map[owed]int) map[owed]int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return maps.Clone(m)
}

// add counts something one up for each delivery.
func (l *ledger) add(m map[owed]int, os ...owed) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, o := range os {
		m[o]++
	}
}

func (l *ledger) promise(ended int, os ...owed) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, o := range os {
		l.promised[o] = ended
	}
}

const crashEndpoints = 6

type round struct {
	q      *Queue
	clock  *fast
	seed   uint64
	ledger *ledger
	ctx    context.Context
}

// fast is a clock that runs ahead, so that a round of milliseconds takes seconds.
type fast struct {
	begin time.Time
	speed time.Duration
}

func (f *fast) now() time.Time { return f.begin.Add(time.Since(f.begin) * f.speed) }

func (f *fast) in(d time.Duration) time.Time { return f.now().Add(d * f.speed) }

func (r *round) produce(n int) {
	rng := rand.New(rand.NewPCG(r.seed, uint64(n)))
	for i := 0; r.ctx.Err() == nil; i++ {
		m := Message{Payload: fmt.Appendf(nil, "%d-%d %s", n, i, strings.Repeat("x", rng.IntN(3000)))}
		if rng.IntN(3) == 0 {
			m.Key = fmt.Sprint(n, i)
		}
		var promised []owed
		var in []inLine
		for _, ep := range rng.Perm(crashEndpoints)[:1+rng.IntN(3)] {
			t := Target{Endpoint: EndpointID(ep), Lane: Lane(rng.IntN(lanes))}
			if k := rng.IntN(3); k > 0 {
				t.Order = uint64(2*n + k)
				if t.Lane == Fresh {
					in = append(in, inLine{t.Endpoint, byte(t.Order)})
				}
			}
			t.Note = []byte{byte(ep), byte(t.Order)}
			if rng.IntN(10) == 0 {
				t.NotBefore = r.clock.in(time.Duration(rng.IntN(4)) * time.Millisecond)
			}
			m.Deliveries = append(m.Deliveries, t)
			promised = append(promised, owed{fmt.Sprint(n, "-", i), EndpointID(ep)})
		}
		r.ledger.wait(i, in)
		if _, err := r.q.Accept(r.ctx, m); err == nil {
			r.ledger.promise(0, promised...)
		}
	}
}

func owedBy(d *Delivery) owed {
	name, _, _ := strings.Cut(string(d.Payload), " ")
	return owed{name, d.Endpoint}
}

func (r *round) work(n int) {
	rng := rand.New(rand.NewPCG(r.seed, 1000+uint64(n)))
	for r.ctx.Err() == nil {
		d, ok := r.q.Take(EndpointID(rng.IntN(crashEndpoints)))
		if !ok {
			continue
		}
		r.ledger.turn(&d)
		o := Outcome{Verdict: Done, Attempted: true, Record: []byte(owedBy(&d).message)}
		switch rng.IntN(12) {
		case 0:
			r.q.Release(&d)
			continue
		case 1:
			o.Verdict, o.Reason, o.Attempted = Dead, Rejected, false
		case 2, 3:
			o.Verdict, o.At = Again, r.clock.in(time.Duration(rng.IntN(2000))*time.Microsecond)
		}
		if o.Verdict != Again {
			r.ledger.add(r.ledger.ended, owedBy(&d))
			r.ledger.leave(&d)
		}
		if r.q.Settle(&d, o) == nil && o.Verdict != Again {
			r.ledger.add(r.ledger.settled, owedBy(&d))
		}
	}
}

// byHand sends dead letters again, one of them twice at once, and discards a few.
func (r *round) byHand() {
	rng := rand.New(rand.NewPCG(r.seed, 2000))
	for r.ctx.Err() == nil {
		var rs []Resend
		var names []owed
		err := r.q.DeadLetters(Select{Oldest: rng.IntN(2) == 0}, func(l DeadLetter) bool {
			if payload, ok, _ := r.q.Payload(l.Event); ok {
				rs = append(rs, Resend{Event: l.Event, Endpoint: l.Endpoint, Note: l.Note, Letter: &l})
				names = append(names, owedBy(&Delivery{Payload: payload, Endpoint: l.Endpoint}))
			}
			return len(rs) < 3
		})
		switch {
		case err != nil || len(rs) == 0:
			time.Sleep(time.Millisecond)
		case rng.IntN(4) == 0:
			r.ledger.add(r.ledger.ended, names[0])
			r.q.Discard([]DeadLetter{*rs[0].Letter})
		default:
			r.resend(rs, names)
		}
	}
}

func (r *round) resend(rs []Resend, names []owed) {
	r.ledger.add(r.ledger.again, names...)
	ended := r.ledger.copyOf(r.ledger.ended)
	made, err := r.q.Resend(r.ctx, append(rs, rs[0]))
	if err != nil {
		return
	}
	for i, name := range names {
		if made[i] {
			r.ledger.promise(ended[name], name)
		}
	}
}

func (r *round) flush() {
	for r.ctx.Err() == nil {
		settled := r.ledger.copyOf(r.ledger.settled)
		if r.q.Flush(r.ctx) != nil {
			return
		}
		for o := range settled {
			r.ledger.add(r.ledger.durable, o)
		}
		time.Sleep(3 * time.Millisecond)
	}
}

// erratic is a disk that takes up to a time to sync a log, and may make the removal of a file durable before that. MemFS,
// which it is on, keeps what was removed until the directory is synced.
type erratic struct {
	vfs.FS
	sync time.Duration
}

func (e erratic) Remove(name string) error {
	if err := e.FS.Remove(name); err != nil || rand.IntN(4) == 0 {
		return err
	}
	return syncDirectory(e.FS, e.PathDir(name))
}

func (e erratic) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	f, err := e.FS.Create(name, c)
	return e.file(name, f), err
}

func (e erratic) OpenReadWrite(name string, c vfs.DiskWriteCategory, o ...vfs.OpenOption) (vfs.File, error) {
	f, err := e.FS.OpenReadWrite(name, c, o...)
	return e.file(name, f), err
}

func (e erratic) file(name string, f vfs.File) vfs.File {
	if f != nil && e.sync > 0 && strings.HasSuffix(name, ".log") {
		return slowFile{f, e.sync}
	}
	return f
}

type slowFile struct {
	vfs.File
	sync time.Duration
}

func (f slowFile) Sync() error {
	for end := time.Now().Add(rand.N(f.sync)); time.Now().Before(end); {
		runtime.Gosched() // workers never rest, and a timer may have to wait for them
	}
	return f.File.Sync()
}

func (f slowFile) SyncData() error { return f.Sync() }

// crashRound returns what is wrong after a crash.
func crashRound(seed uint64, change func(*Options)) error {
	rng := rand.New(rand.NewPCG(seed, 0))
	fs, misuse := vfs.NewCrashableMem(), new(atomic.Int64)
	disk := erratic{fs, time.Duration(rng.IntN(3)) * time.Millisecond}
	o := Options{
		Window: 1 + rng.IntN(8), SyncInterval: time.Millisecond, SweepInterval: 2 * time.Millisecond,
		HandOffBytes: 1 << (8 + rng.IntN(16)), Logger: quietLogger(),
		FS: disk, Dir: "payloads", SideBytes: 1000,
		maxDirect: 1 + rng.IntN(3), maxPart: 1 + rng.IntN(2),
	}
	clock := &fast{time.Now(), 1}
	if rng.IntN(2) == 0 { // marks stay behind by up to a second
		o.lowWaterStep = 1 + rng.IntN(20)
		clock.speed = 200
	}
	o.now = clock.now
	change(&o)
	db, err := openTestDB(disk, misuse, o)
	if err != nil {
		return err
	}
	q, err := Open(db, o)
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(context.Background())
	r := &round{q: q, clock: clock, seed: seed, ledger: newLedger(), ctx: ctx}
	var wg sync.WaitGroup
	for n := range 4 {
		wg.Go(func() { r.produce(n) })
	}
	for n := range 2 {
		wg.Go(func() { r.work(n) })
	}
	wg.Go(r.flush)
	wg.Go(r.byHand)
	time.Sleep(time.Duration(10+rng.IntN(60)) * time.Millisecond)
	// Promises count that were made before the clone, and endings that may have been before it.
	promised, durable := r.ledger.copyOf(r.ledger.promised), r.ledger.copyOf(r.ledger.durable)
	clone := fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: rng.IntN(5) * 25, RNG: rng})
	ended, again := r.ledger.copyOf(r.ledger.ended), r.ledger.copyOf(r.ledger.again)
	stop()
	wg.Wait()
	if err := errors.Join(q.Close(), db.Close(), r.ledger.disorder); err != nil {
		return fmt.Errorf("seed %d: %w", seed, err)
	}
	o.acceptOptions, o.FS, o.SweepInterval = nil, clone, time.Hour
	if err := verify(clone, misuse, o, promised, ended, durable, again); err != nil {
		return fmt.Errorf("seed %d: %w", seed, err)
	}
	if n := misuse.Load(); n != 0 {
		return fmt.Errorf("seed %d: %d keys were written or deleted twice", seed, n)
	}
	return nil
}

// verify drains the queue on the clone.
func verify(clone *vfs.MemFS, misuse *atomic.Int64, o Options, promised, ended, durable, again map[owed]int) error {
	db, err := openTestDB(clone, misuse, o)
	if err != nil {
		return err
	}
	if err := checkMarks(db); err != nil {
		return err
	}
	o.now = func() time.Time { return time.Now().Add(time.Minute) } // everything is due
	q, err := Open(db, o)
	if err != nil {
		return err
	}
	defer func() { db.Close() }()
	defer q.Close()
	for !q.Stats().FilesCounted {
		time.Sleep(time.Millisecond)
	}
	if err := sidesConsistent(q, clone); err != nil {
		return fmt.Errorf("after the crash: %w", err)
	}
	if err := q.Flush(context.Background()); err != nil { // large fan-outs are with their endpoints after that
		return err
	}
	found := map[owed]int{}
	for ep := range EndpointID(crashEndpoints) {
		if err := drain(q, ep, found); err != nil {
			return err
		}
	}
	err = q.DeadLetters(Select{Oldest: true}, func(l DeadLetter) bool {
		payload, ok, err := q.Payload(l.Event)
		if l.Reason == PayloadLost || !ok || err != nil {
			found[owed{fmt.Sprintf("payload of event %d, a dead letter (%v, %v, error %v),", l.Event, l.Lane, l.Reason, err), l.Endpoint}] = 99
			return true
		}
		found[owedBy(&Delivery{Payload: payload, Endpoint: l.Endpoint})]++
		return true
	})
	if err != nil {
		return err
	}
	for o, n := range found {
		if n != 1 {
			return fmt.Errorf("%v found %d times", o, n)
		}
	}
	for o := range promised {
		if found[o] == 0 && ended[o] <= promised[o] {
			return fmt.Errorf("lost: %v was promised and is gone", o)
		}
	}
	if err := logged(q, durable); err != nil {
		return err
	}
	for o := range again {
		delete(durable, o)
	}
	return drained(q, durable, found)
}

// drain takes what an endpoint has, several at a time, and counts it. What has an order key has to come in order,
// and one at a time.
func drain(q *Queue, ep EndpointID, found map[owed]int) error {
	last := map[inLine]int{}
	for {
		var ds []Delivery
		inHand := map[inLine]bool{}
		for range 5 {
			d, ok := q.Take(ep)
			if !ok {
				break
			}
			if len(d.Note) != 2 || d.Note[0] != byte(ep) {
				return fmt.Errorf("note %v of endpoint %d", d.Note, ep)
			}
			if line, n, ok := lineOf(&d); ok {
				if inHand[line] || n < last[line] {
					return fmt.Errorf("%d of %+v after %d, which is in hand: %v", n, line, last[line], inHand[line])
				}
				last[line], inHand[line] = n, true
			}
			found[owedBy(&d)]++
			ds = append(ds, d)
		}
		if len(ds) == 0 {
			return nil
		}
		for i := range ds {
			if err := q.Settle(&ds[i], done); err != nil {
				return err
			}
		}
	}
}

// logged checks that a settlement that is durable is in the attempt log.
func logged(q *Queue, durable map[owed]int) error {
	log := map[owed]bool{}
	err := q.Attempts(Select{}, func(a LoggedAttempt) bool {
		log[owed{string(a.Record), a.Endpoint}] = true
		return true
	})
	for o := range durable {
		if !log[o] {
			err = errors.Join(err, fmt.Errorf("%v is not in the attempt log", o))
		}
	}
	return err
}

// drained checks what is left when all deliveries are done.
func drained(q *Queue, durable map[owed]int, found map[owed]int) error {
	if err := q.Flush(context.Background()); err != nil {
		return err
	}
	letters := map[EventID]bool{}
	dead := map[owed]bool{}
	err := q.DeadLetters(Select{Oldest: true}, func(l DeadLetter) bool {
		letters[l.Event] = true
		payload, _, _ := q.Payload(l.Event)
		dead[owedBy(&Delivery{Payload: payload, Endpoint: l.Endpoint})] = true
		return true
	})
	if err != nil {
		return err
	}
	for o := range durable {
		if found[o] != 0 && !dead[o] {
			return fmt.Errorf("%v came back after its end was durable", o)
		}
	}
	for !q.Stats().Counted {
		time.Sleep(time.Millisecond)
	}
	if s := q.Stats(); s.Waiting != 0 || s.InHand != 0 || s.Dead != int64(len(dead)) {
		return fmt.Errorf("drained, but %+v; %d dead letters", s, len(dead))
	}
	if n, err := countKeys(q.db, []byte{prefixReplay}, []byte{prefixReplay + 1}, nil); n != 0 || err != nil {
		return fmt.Errorf("drained, but %d notes of replays are left, %v", n, err)
	}
	if err := q.sweep(); err != nil {
		return err
	}
	if err := sidesConsistent(q, q.opts.FS); err != nil {
		return fmt.Errorf("after the sweep: %w", err)
	}
	return eachKey(q.db, []byte{prefixPayload}, []byte{prefixPayload + 1}, nil, func(k []byte) {
		if id, _ := parsePayloadKey(k); !letters[id] {
			panic(fmt.Sprintf("payload of event %d is left over", id))
		}
	})
}

func TestPowerLoss(t *testing.T) {
	rounds := uint64(30)
	if testing.Short() {
		rounds = 5
	}
	base := uint64(time.Now().UnixNano())
	for i := range rounds {
		if err := crashRound(base+i, func(*Options) {}); err != nil {
			t.Fatalf("seed %d: %v", base+i, err)
		}
	}
}

// TestPowerLossIsNoticed shows that the test above can fail.
func TestPowerLossIsNoticed(t *testing.T) {
	for seed := range uint64(40) {
		err := crashRound(seed, func(o *Options) { o.acceptOptions = pebble.NoSync })
		if err != nil && strings.Contains(err.Error(), "lost") {
			return
		}
	}
	t.Error("accepts that were not synced all survived 40 crashes")
}
