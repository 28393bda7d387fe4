package queue

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/vfs"

	"hookline/queue/internal/lab"
)

// Options configure a Queue. The zero value is usable.
type Options struct {
	// Window is the number of deliveries read ahead per endpoint and lane.
	//
	// Defaults to 64.
	Window int

	// SyncInterval bounds how long a settlement may stay without a sync to disk, and so how far back a
	// crash can make a settled delivery due again (plus the time the sync itself takes).
	//
	// Defaults to 20 milliseconds.
	SyncInterval time.Duration

	// SweepInterval is the longest time between two sweeps, which free the payloads no delivery and no dead
	// letter refers to and expire dead letters and idempotency keys. One comes sooner, some ten seconds later, when more deliveries
	// have gone since the last than are left, and ten thousand at least.
	//
	// Defaults to 10 minutes.
	SweepInterval time.Duration

	// KeepDead is how long a dead letter and its payload are kept. They go in whole days (UTC), so up
	// to a day later than that.
	//
	// Defaults to 14 days.
	KeepDead time.Duration

	// KeepAttempts is how long a record in the attempt log is kept, see Outcome.Record. They go in whole hours,
	// so up to an hour and a SweepInterval later than that.
	//
	// Defaults to 72 hours.
	KeepAttempts time.Duration

	// KeepAttemptsBytes bounds what the attempt log takes in tables on disk, in bytes: when it is more, a sweep removes its oldest
	// hours, as if they were older than KeepAttempts. The present hour stays however large it is. What a table takes is after
	// compression, and shared out among the hours in it by estimate; what is in memory and the log of the database
	// alone yet, some 256 MiB at most with Tune, does not count.
	//
	// Defaults to 0: no bound.
	KeepAttemptsBytes int64

	// KeepDeadBytes bounds the bytes of dead letters, with the payloads that nothing else needs, each once: when they are
	// more, a sweep removes those of the oldest days (UTC), as if they were older than KeepDead. The present day stays however
	// much it is, so that what was given up lately can be looked at and sent again. The bytes are those of keys and values as
	// they were written; a table takes less where they compress. Summing them up takes a sweep about as long again as it
	// takes without.
	//
	// Defaults to 0: no bound.
	KeepDeadBytes int64

	// KeepDelivered is how long the payload of a message stays after its last delivery was settled as Done, so
	// that Resend can send it again. They go in whole hours, so up to an hour and a SweepInterval later than
	// that. A payload that stays is written to a table, and takes its room there.
	//
	// Defaults to 0: a payload is freed with its last delivery.
	KeepDelivered time.Duration

	// KeepKeys is how long an idempotency key is remembered. Each 12 hours of it cost one more look-up
	// in every Accept with a key.
	//
	// Defaults to 24 hours.
	KeepKeys time.Duration

	// HandOffBytes bounds the payload bytes kept in memory, over all endpoints, so that a delivery made
	// soon after its accept reads no disk. The oldest payloads leave first. It also bounds how long a
	// payload counts as young, when deleting it costs no space in a table.
	//
	// Defaults to 64 MiB.
	HandOffBytes int

	// Dir is the directory for payloads that get files of their own: it belongs to one queue, and to one database. Open
	// makes it, and makes its name durable in the directory it is in. Once there are such payloads, Open
	// fails without it.
	//
	// Defaults to none: all payloads are in the database.
	Dir string

	// Cache is the block cache that the database was opened with, which must outlive the queue. What goes over all that is stored, at
	// Open and in sweeps, then does not leave in it what it has read, so that the memory of the process
	// does not depend on how much waits.
	//
	// Defaults to nil: the cache fills up with all that is read.
	Cache *pebble.Cache

	// FS is the file system of Dir.
	//
	// Defaults to vfs.Default, that of the operating system.
	FS vfs.FS

	// SideBytes is the size in bytes from which on a payload gets a file of its own, if there is a Dir. In the database each
	// byte of it would be written several times, and what is accepted at the same time would wait for that. A smaller one
	// costs less in the database than a file does.
	//
	// Defaults to 1 MiB.
	SideBytes int

	// MaxPayload is the largest payload Accept takes, in bytes.
	//
	// Defaults to 25,000,000.
	MaxPayload int

	// MaxAcceptBytes bounds the bytes of all accepts in progress: payloads and notes, with an allowance for
	// each message and delivery. Above it Accept answers an OverloadedError at once. One message that is
	// larger by itself is refused with ErrTooLarge even if MaxPayload allows it, and so is an AcceptAll whose
	// messages are larger together: waiting would not let them in.
	//
	// Defaults to 64 MiB.
	MaxAcceptBytes int

	// MaxAccepts bounds the number of accepts in progress. Above it Accept answers an OverloadedError at
	// once. The database itself holds 4095 commits in progress and blocks the next.
	//
	// Defaults to 4000.
	MaxAccepts int

	// MaxExpanding bounds the deliveries of large fan-outs that are accepted and not expanded yet, see Accept. Once there
	// are as many, Accept answers an OverloadedError for another large one. It bounds how long Purge, Flush and Waiting wait for
	// them, too.
	//
	// Defaults to 1,000,000.
	MaxExpanding int

	// TrustClock believes a machine's clock that is more than three days ahead of where queue time was when the queue was
	// closed. Otherwise that takes an hour, in which queue time goes on where it was: nothing is too old because of a clock
	// that is wrong, times from before Open are shown later than they were by as much, and what would have become due
	// while the queue was closed waits, for an hour at most.
	TrustClock bool

	// Ready is called when an endpoint has, or from the given time on will have, something due: after
	// Accept and, of a large fan-out, its expansion, Settle with Again, Release and Unpark, a Settle that others with the order key have waited for, for each endpoint found with work at Open, and from a Take
	// that cannot read the disk, for when that is tried again. It is called without locks held, from the
	// goroutine at hand and possibly from several at once. It must return quickly and not call the queue.
	//
	// Defaults to nil: the owner polls.
	Ready func(EndpointID, time.Time)

	// Lost is called for each delivery that the queue gives up by itself, as no Settle tells of those: with PayloadLost or
	// Corrupt. Those of a large fan-out whose destinations cannot be read are no dead letters either: nobody knows where to. Ready's rules for how it is called hold.
	//
	// Defaults to nil.
	Lost func(Lane, Reason)

	// Committed is called after each commit with how long it took: one of accepts (synced), which many share and which
	// waits for the disk, or one of outcomes, which waits for none. Ready's rules for how it is called hold.
	//
	// Defaults to nil.
	Committed func(synced bool, took time.Duration)

	// Refilled is called after each look on the disk for more deliveries of an endpoint, with the number of keys that it
	// passed over because they are deleted: what is left of those that were settled, as long as no compaction has cleared
	// it away. It is what makes a long queue slow. Ready's rules for how it is called hold.
	//
	// Defaults to nil.
	Refilled func(passed int)

	// ReadOnly is asked by each Accept that has something to write, and if it holds the answer is an OverloadedError with
	// the cause ErrReadOnly. Everything else goes on: Take, Settle, Resend, and the answer to a message that is known by its
	// key. It must return quickly.
	//
	// Defaults to never.
	ReadOnly func() bool

	// Trimmed is called when a sweep has removed something because of KeepAttemptsBytes or KeepDeadBytes, with the bytes as
	// these count them. Ready's rules for how it is called hold.
	//
	// Defaults to nil.
	Trimmed func(what Kept, bytes int64)

	// Parked is called for each lane of which a Park has given deliveries up, when they are counted: moments after Park
	// has returned. Deliveries that were being accepted meanwhile may be left out. Ready's rules for how it is called
	// hold.
	//
	// Defaults to nil.
	Parked func(l Lane, why Reason, n int64)

	// Logger receives what no caller can be told: a lost payload, a disk that cannot be read, a failed
	// sweep.
	//
	// Defaults to slog.Default().
	Logger *slog.Logger

	now           func() time.Time // time.Now unless a test sets it
	wall          func() time.Time // the same, without the reading of the monotonic clock
	hooks         hooks
	acceptOptions *pebble.WriteOptions // pebble.Sync; a test proves with pebble.NoSync that a loss is noticed
	maxShared     int                  // maxShared; negative in tests that hold up one commit among several
	defect        lab.Defect           // lab.None but in a crash test that has to notice it
	maxDirect     int                  // maxDirect
	maxPart       int                  // maxPart
	lowWaterStep  int                  // lowWaterStep
}

const day = 24 * time.Hour

func (o Options) withDefaults() Options {
	o.Window = cmp.Or(o.Window, 64)
	o.SyncInterval = cmp.Or(o.SyncInterval, 20*time.Millisecond)
	o.SweepInterval = cmp.Or(o.SweepInterval, 10*time.Minute)
	o.KeepDead = cmp.Or(o.KeepDead, 14*day)
	o.KeepAttempts = cmp.Or(o.KeepAttempts, 72*time.Hour)
	o.KeepKeys = cmp.Or(o.KeepKeys, day)
	o.HandOffBytes = cmp.Or(o.HandOffBytes, 64<<20)
	o.SideBytes = cmp.Or(o.SideBytes, 1<<20)
	o.MaxPayload = cmp.Or(o.MaxPayload, 25_000_000)
	o.MaxAcceptBytes = cmp.Or(o.MaxAcceptBytes, 64<<20)
	o.MaxAccepts = cmp.Or(o.MaxAccepts, 4000)
	o.Logger = cmp.Or(o.Logger, slog.Default())
	o.acceptOptions = cmp.Or(o.acceptOptions, pebble.Sync)
	o.MaxExpanding = cmp.Or(o.MaxExpanding, 1_000_000)
	o.maxShared = cmp.Or(o.maxShared, maxShared)
	if o.FS == nil {
		o.FS = vfs.Default
	}
	o.maxDirect = cmp.Or(o.maxDirect, maxDirect)
	o.maxPart = cmp.Or(o.maxPart, maxPart)
	o.lowWaterStep = cmp.Or(o.lowWaterStep, lowWaterStep)
	if o.ReadOnly == nil {
		o.ReadOnly = func() bool { return false }
	}
	if o.now == nil {
		o.now = time.Now
	}
	if o.wall == nil {
		o.wall = func() time.Time { return o.now().Round(0) }
	}
	return o
}

func (o Options) validate() error {
	var errs []error
	positive := func(name string, v int64) {
		if v < 0 {
			errs = append(errs, fmt.Errorf("queue: option %s is negative", name))
		}
	}
	positive("Window", int64(o.Window))
	positive("SyncInterval", int64(o.SyncInterval))
	positive("SweepInterval", int64(o.SweepInterval))
	positive("KeepDead", int64(o.KeepDead))
	positive("KeepAttempts", int64(o.KeepAttempts))
	positive("KeepAttemptsBytes", o.KeepAttemptsBytes)
	positive("KeepDeadBytes", o.KeepDeadBytes)
	positive("KeepDelivered", int64(o.KeepDelivered))
	positive("KeepKeys", int64(o.KeepKeys))
	positive("HandOffBytes", int64(o.HandOffBytes))
	positive("SideBytes", int64(o.SideBytes))
	positive("MaxPayload", int64(o.MaxPayload))
	positive("MaxAcceptBytes", int64(o.MaxAcceptBytes))
	positive("MaxAccepts", int64(o.MaxAccepts))
	positive("MaxExpanding", int64(o.MaxExpanding))
	return errors.Join(errs...)
}

// memTableSize is what Tune gives a memtable. A payload settled before half of one was written after
// it is young: its deletion meets it in memory, and neither ever reaches a table.
const (
	memTableSize = 64 << 20
	youngBytes   = memTableSize / 2
)

// Tune sets the options of a database that is to hold a queue, and leaves alone what does not concern
// it: file system, listener, logger, directories. Call it before pebble.Open.
func Tune(o *pebble.Options) {
	// Pinned by name: a database opened without a version gets the oldest format, and the newest one
	// would change with the library.
	o.FormatMajorVersion = pebble.FormatValueSeparation
	o.MemTableSize = memTableSize
	o.MemTableStopWritesThreshold = 4
	// What is settled soon leaves nothing of a memtable but the attempt log, a twentieth of it, and that of all endpoints: each table
	// overlaps those before. The more of them are compacted at a time, the less compactions write: with 2 five times as much
	// as with 8.
	o.L0CompactionThreshold = 16
	o.L0StopWritesThreshold = 48
	o.CompactionConcurrencyRange = func() (int, int) { return 1, max(1, runtime.GOMAXPROCS(0)/2) }
	o.FlushDelayDeleteRange = 10 * time.Second
	if o.Cache == nil && o.CacheSize == 0 {
		o.CacheSize = 256 << 20
	}
	o.Experimental.SpanPolicyFunc = oneKind
	o.BlockPropertyCollectors = []func() pebble.BlockPropertyCollector{newBlockNamer}
	for i := range o.Levels {
		o.Levels[i].BlockSize = 16 << 10
		o.Levels[i].FilterPolicy = bloom.FilterPolicy(10)
		o.Levels[i].FilterType = pebble.TableFilter
	}
}

// oneKind ends a table where the next kind of key begins. A table with the first kind and the last would overlap all that is between
// them, so that each compaction of a few tombstones and attempts would write payloads anew.
func oneKind(key []byte) (policy pebble.SpanPolicy, end []byte, err error) {
	if len(key) == 0 || key[0] == 0xff {
		return policy, nil, nil
	}
	return policy, []byte{key[0] + 1}, nil
}
