package crashtest

import (
	"math/rand/v2"
	"path"
	"strings"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

// faults make operations on files fail. Nil makes none fail.
type faults struct {
	rarity   int            // one in so many fails
	kind     errorfs.OpKind // the only kind that does; below 0: all do
	on       atomic.Bool
	injected atomic.Int64
}

// lastKind is the last kind of operation.
const lastKind = errorfs.OpFileFlush

func newFaults(rng *rand.Rand) *faults {
	f := &faults{rarity: 1 << (3 + rng.IntN(9)), kind: -1}
	if rng.IntN(2) == 0 {
		f.kind = errorfs.OpKind(rng.IntN(int(lastKind) + 1))
		f.rarity = 1 + f.rarity/32
	}
	return f
}

func (f *faults) start() {
	if f != nil {
		f.on.Store(true)
	}
}

func (f *faults) stop() {
	if f != nil {
		f.on.Store(false)
	}
}

// strike says whether an operation is to fail.
func (f *faults) strike(op errorfs.Op) bool {
	if f == nil || !f.on.Load() || f.kind >= 0 && op.Kind != f.kind || rand.IntN(f.rarity) != 0 {
		return false
	}
	f.injected.Add(1)
	return true
}

// vital says whether a process has to end when an operation fails: one on the log, the MANIFEST, what names the present one, or the
// directory of these. The database does not return such an error, and ends by a panic where nobody waits for what failed.
func vital(op errorfs.Op) bool {
	name := path.Base(op.Path)
	switch {
	case name == databaseDir:
		return isSync(op.Kind) || op.Kind == errorfs.OpFileClose
	case strings.HasSuffix(name, ".log"), strings.HasPrefix(name, "MANIFEST-"), strings.HasPrefix(name, "marker."):
		return true
	}
	return false
}
