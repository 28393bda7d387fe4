package crashtest

import (
	"errors"
	"io"
	"math/rand/v2"
	"sync"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"hookline/queue"
)

// disk is a file system in memory that can lose power, and what a database on it is opened with.
type disk struct {
	fs     *vfs.MemFS
	tune   func(*pebble.Options)
	cache  *pebble.Cache
	misuse atomic.Int64
	nested sync.RWMutex // see nesting
}

// The directories of the database and of the large payloads.
const (
	databaseDir = "db"
	payloadDir  = "payloads"
)

func newDisk(rng *rand.Rand, cache *pebble.Cache) *disk {
	return &disk{fs: vfs.NewCrashableMem(), tune: randomOptions(rng), cache: cache}
}

// open opens a database in a directory. fs is the file system, or what it is wrapped in.
func (d *disk) open(dir string, fs vfs.FS, log pebble.Logger) (*pebble.DB, error) {
	o := &pebble.Options{FS: queue.WholeLogs(fs), Logger: log, Cache: d.cache}
	queue.Tune(o)
	d.tune(o)
	o.EventListener = &pebble.EventListener{
		PossibleAPIMisuse: func(i pebble.PossibleAPIMisuseInfo) {
			if queue.Misuse(i) {
				d.misuse.Add(1)
			}
		},
	}
	return pebble.Open(dir, o)
}

// crash returns what a loss of power leaves: what was synced, and a share of the rest.
func (d *disk) crash(rng *rand.Rand, percent int) *vfs.MemFS {
	d.nested.Lock()
	defer d.nested.Unlock()
	return d.fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: percent, RNG: rng})
}

// randomOptions makes everything small, so that flushes and compactions are always on their way, and batches are large
// against a memtable.
func randomOptions(rng *rand.Rand) func(*pebble.Options) {
	memtable := uint64(16<<10) << rng.IntN(4)
	block := 256 << rng.IntN(6)
	l0 := 1 + rng.IntN(4)
	compactions := 1 + rng.IntN(3)
	return func(o *pebble.Options) {
		o.MemTableSize = memtable
		o.L0CompactionThreshold = l0
		o.CompactionConcurrencyRange = func() (int, int) { return 1, compactions }
		o.FlushDelayDeleteRange = 1
		o.LBaseMaxBytes = 64 << 10
		o.TargetFileSizes[0] = 16 << 10
		for i := range o.Levels {
			o.Levels[i].BlockSize = block
		}
	}
}

// reusing is a file system in two steps where MemFS takes a lock, and takes it again with the lock held: a CrashClone
// that comes in between waits for the first, and the second for that, forever. And errorfs would let go of the file: what is
// done to it would never fail, and be no moment to cut.
type reusing struct{ vfs.FS }

func (r reusing) ReuseForWrite(from, to string, c vfs.DiskWriteCategory) (vfs.File, error) {
	if err := r.Rename(from, to); err != nil {
		return nil, err
	}
	return r.OpenReadWrite(to, c)
}

// nesting is a file system where no CrashClone comes between the two times that MemFS takes its lock for a link and for the lock of
// a directory. The clone would wait for the first to be given back, and the second for the clone.
type nesting struct {
	vfs.FS
	nested *sync.RWMutex
}

func (d *disk) nesting(fs *vfs.MemFS) nesting { return nesting{fs, &d.nested} }

func (n nesting) Link(from, to string) error {
	n.nested.RLock()
	defer n.nested.RUnlock()
	return n.FS.Link(from, to)
}

func (n nesting) Lock(name string) (io.Closer, error) {
	n.nested.RLock()
	defer n.nested.RUnlock()
	return n.FS.Lock(name)
}

// forgetful is a file system on which a removal may be durable at once, as it is on real ones. MemFS keeps what was removed until
// its directory is synced.
type forgetful struct{ vfs.FS }

func (f forgetful) Remove(name string) error {
	if err := f.FS.Remove(name); err != nil || rand.IntN(2) == 0 {
		return err
	}
	dir, err := f.OpenDir(f.PathDir(name))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// unsynced is a file system for a queue that forgets to sync its payload files, or their directory.
type unsynced struct {
	vfs.FS
	files, directory bool
}

func (u unsynced) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	f, err := u.FS.Create(name, c)
	if err != nil || !u.files {
		return f, err
	}
	return unsyncedFile{f}, nil
}

func (u unsynced) OpenDir(name string) (vfs.File, error) {
	f, err := u.FS.OpenDir(name)
	if err != nil || !u.directory || u.PathBase(name) != payloadDir {
		return f, err
	}
	return unsyncedFile{f}, nil
}

type unsyncedFile struct{ vfs.File }

func (unsyncedFile) Sync() error                { return nil }
func (unsyncedFile) SyncData() error            { return nil }
func (unsyncedFile) SyncTo(int64) (bool, error) { return false, nil }
