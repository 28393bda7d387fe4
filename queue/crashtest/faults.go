package crashtest

import (
	"math"
	"math/rand/v2"
	"path"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

// target is what fails in a round: operations of some kinds, on some files.
type target struct {
	name  string
	kinds []errorfs.OpKind  // nil: all
	in    func(string) bool // by the path; nil: all

	// opening is how many of these operations each opening has at least, where there may be none later; 0 where they keep coming as
	// long as the queue is in use.
	opening int
}

// targets are all kinds of operations that a queue and its database make, and those whose failure is hardest on them. A file is
// closed without fail, see errorfs.
var targets = []target{
	{name: "anything"},
	{name: "create", kinds: []errorfs.OpKind{errorfs.OpCreate}},
	{name: "open", kinds: []errorfs.OpKind{errorfs.OpOpen}},
	{name: "open directory", kinds: []errorfs.OpKind{errorfs.OpOpenDir}, opening: 3},
	{name: "make directory", kinds: []errorfs.OpKind{errorfs.OpMkdirAll}, opening: 1},
	{name: "lock", kinds: []errorfs.OpKind{errorfs.OpLock}, opening: 1},
	{name: "list", kinds: []errorfs.OpKind{errorfs.OpList}, opening: 1},
	{name: "link", kinds: []errorfs.OpKind{errorfs.OpLink}},
	{name: "rename", kinds: []errorfs.OpKind{errorfs.OpRename}},
	{name: "remove", kinds: []errorfs.OpKind{errorfs.OpRemove}},
	{name: "stat", kinds: []errorfs.OpKind{errorfs.OpStat, errorfs.OpFileStat}},
	{name: "read", kinds: []errorfs.OpKind{errorfs.OpFileRead, errorfs.OpFileReadAt}},
	{name: "write", kinds: writing},
	{name: "sync", kinds: syncing},

	{name: "write of the log", kinds: writing, in: isLog},
	{name: "sync of the log", kinds: syncing, in: isLog},

	{name: "create of a payload file", kinds: []errorfs.OpKind{errorfs.OpCreate}, in: isPayload},
	{name: "write of a payload file", kinds: writing, in: isPayload},
	{name: "sync of a payload file", kinds: syncing, in: isPayload},
	{name: "sync of the names of payload files", kinds: syncing, in: func(p string) bool { return p == payloadDir }},
	{name: "remove of a payload file", kinds: []errorfs.OpKind{errorfs.OpRemove}, in: isPayload},
	{name: "read of a payload file", kinds: []errorfs.OpKind{errorfs.OpOpen, errorfs.OpFileStat, errorfs.OpFileRead}, in: isPayload},
}

var (
	writing = []errorfs.OpKind{errorfs.OpFileWrite, errorfs.OpFileWriteAt}
	syncing = []errorfs.OpKind{errorfs.OpFileSync, errorfs.OpFileSyncData, errorfs.OpFileSyncTo}
)

func isLog(p string) bool     { return path.Dir(p) == databaseDir && strings.HasSuffix(p, ".log") }
func isPayload(p string) bool { return path.Dir(p) == payloadDir }

func (t *target) hit(op errorfs.Op) bool {
	return (t.kinds == nil || slices.Contains(t.kinds, op.Kind)) && (t.in == nil || t.in(op.Path))
}

// faults make operations on files fail, from time to time. Nil makes none fail.
type faults struct {
	target *target
	rarity int // one in half as many fails

	mu       sync.Mutex
	on       bool
	left     int         // operations until one fails, with that one
	most     int         // how many may fail; a database is not open before its first tables are written
	struck   atomic.Bool // one has failed since start
	injected int
}

func newFaults(rng *rand.Rand, seed uint64) *faults {
	f := &faults{target: &targets[seed%uint64(len(targets))], rarity: 1 << (3 + rng.IntN(9))}
	switch {
	case f.target.in != nil:
		f.rarity = 4 + f.rarity/512
	case f.target.kinds != nil:
		f.rarity = 4 + f.rarity/32
	}
	return f
}

// start has operations fail from now on. opening says that a queue is about to be opened.
func (f *faults) start(opening bool) {
	if f == nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.on, f.left, f.most = true, 1+rand.IntN(f.rarity), math.MaxInt
	if opening {
		f.most = 1 + rand.IntN(10)
	}
	if opening && f.target.opening > 0 {
		f.left = 1 + rand.IntN(f.target.opening)
	}
	f.struck.Store(false)
}

// stop returns when no operation fails any more.
func (f *faults) stop() {
	if f != nil {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.on = false
	}
}

// strike says whether an operation is to fail. It calls failing before it says so.
func (f *faults) strike(op errorfs.Op, failing func()) bool {
	if f == nil {
		return false
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.on || f.most == 0 || !f.target.hit(op) {
		return false
	}
	if f.left--; f.left > 0 {
		return false
	}
	if readsOnInCompaction(op) {
		return false // the next one fails
	}
	f.left = 1 + rand.IntN(f.rarity)
	f.most--
	f.injected++
	failing()
	f.struck.Store(true)
	return true
}

// readsOnInCompaction says that a compaction or flush looks for what a key it has read is for: a single delete, or versions that are
// covered. Pebble 2.1.7 ends the process by a panic, on a goroutine of its own, when it cannot read on there (panic(i.err) in
// https://github.com/cockroachdb/pebble/blob/v2.1.7/internal/compact/iterator.go). Elsewhere in a compaction it gets an error.
func readsOnInCompaction(op errorfs.Op) bool {
	if op.Kind != errorfs.OpFileRead && op.Kind != errorfs.OpFileReadAt && op.Kind != errorfs.OpOpen {
		return false
	}
	var stack [64]uintptr
	frames := runtime.CallersFrames(stack[:runtime.Callers(2, stack[:])])
	for {
		frame, more := frames.Next()
		if method, ok := strings.CutPrefix(frame.Function, "github.com/cockroachdb/pebble/v2/internal/compact.(*Iter)."); ok {
			switch method {
			case "skipInStripe", "mergeNext", "singleDeleteNext", "skipDueToSingleDeleteElision", "deleteSizedNext":
				return true
			}
		}
		if !more {
			return false
		}
	}
}

// due says that nothing has failed since start, and that something is going to.
func (f *faults) due() bool { return f != nil && f.target.opening == 0 && !f.struck.Load() }

// vital says whether a process has to end when an operation fails: one on the log, the MANIFEST, what names the present one, or the
// directory of these. The database does not return such an error, and ends by a panic where nobody waits for what failed.
func vital(op errorfs.Op) bool {
	name := path.Base(op.Path)
	switch {
	case op.Path == databaseDir:
		return slices.Contains(syncing, op.Kind)
	case path.Dir(op.Path) != databaseDir:
		return false
	}
	return strings.HasSuffix(name, ".log") || strings.HasPrefix(name, "MANIFEST-") || strings.HasPrefix(name, "marker.")
}
