package queue

import (
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// sideFiles are the payloads that are too large for the database, in files of their own: in the log and the tables they
// would be written several times over, and everything else would wait for that.
//
// A file is durable before the batch of the accept refers to it, and is removed after the deletion of what refers to it is
// durable. So a crash leaves files that nothing refers to, which are removed after the next Open, and never the reverse.
type sideFiles struct {
	fs       vfs.FS
	dir      string // "": no payload gets a file
	names    nameSync
	numbers  sideNumbers
	open     openSides
	read     sharedReads
	freed    freedSides
	holds    sync.RWMutex // held for reading by who needs all files to stay; for writing by what removes one
	examined atomic.Bool  // what was there at Open is counted, and what nothing refers to is removed
	count    atomic.Int64
	bytes    atomic.Int64
}

// openSides makes the directory of the side files ready. Payloads that are in files need it: without it, each delivery of
// one would be given up, so Open fails instead.
func (q *Queue) openSides() error {
	s := &q.sides
	s.fs, s.dir = q.opts.FS, q.opts.Dir
	s.open.init()
	s.read.init()
	s.freed.init()
	needed, err := q.hasSides()
	if err != nil {
		return err
	}
	if s.dir == "" {
		if needed {
			return errors.New("there are payloads in files, and option Dir does not say where")
		}
		return nil
	}
	if _, err := s.fs.Stat(s.dir); needed && errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("there are payloads in files, and their directory %s is missing", s.dir)
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := s.fs.MkdirAll(s.dir, 0o750); err != nil {
		return err
	}
	if err := syncDirectory(s.fs, s.fs.PathDir(s.dir)); err != nil {
		return err
	}
	reserved, err := q.number(keySide, func() (uint64, error) { return q.unused(prefixSide) })
	if err != nil {
		return err
	}
	s.numbers.init(q.db, reserved)
	s.names.dir, err = s.fs.OpenDir(s.dir)
	return err
}

func syncDirectory(fs vfs.FS, path string) error {
	dir, err := fs.OpenDir(path)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

func (q *Queue) hasSides() (bool, error) {
	iter, err := q.db.NewIter(&pebble.IterOptions{LowerBound: []byte{prefixSide}, UpperBound: []byte{prefixSide + 1}})
	if err != nil {
		return false, err
	}
	any := iter.First()
	err = errors.Join(iter.Error(), iter.Close())
	if isCorrupt(err) {
		return true, nil
	}
	return any, err
}

func (s *sideFiles) close() error {
	if s.names.dir == nil {
		return nil
	}
	return s.names.dir.Close()
}

func (s *sideFiles) path(number uint64) string { return s.fs.PathJoin(s.dir, sideName(number)) }

// write puts a payload into a file. Its content is durable then, and its name when names.sync has returned.
func (s *sideFiles) write(payload []byte) (f sideFile, err error) {
	f.size = int64(len(payload))
	if f.number, err = s.numbers.take(); err != nil {
		return sideFile{}, err
	}
	if f.checksum, err = writeSide(s.fs, s.path(f.number), payload); err != nil {
		if gone := s.fs.Remove(s.path(f.number)); gone != nil && !errors.Is(gone, fs.ErrNotExist) {
			err = errors.Join(err, gone)
		}
		return sideFile{}, err
	}
	s.count.Add(1)
	s.bytes.Add(f.size)
	return f, nil
}

// remove removes a file. What refers to it is not on the disk any more, or never was. One from before Open that examineSides has
// not counted in is not counted out.
func (s *sideFiles) remove(number uint64) error {
	path := s.path(number)
	info, err := s.fs.Stat(path)
	if err == nil {
		err = s.fs.Remove(path)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil // it was lost
	}
	if err == nil && (number >= s.numbers.first || s.examined.Load()) {
		s.count.Add(-1)
		s.bytes.Add(-info.Size())
	}
	return err
}

// sideNumbers gives out the numbers of side files. As those of events they are reserved in blocks, and none is given out
// twice.
type sideNumbers struct {
	db    *pebble.DB
	first uint64 // the first that may be given out; files with smaller ones are from before Open

	mu    sync.Mutex
	next  uint64
	limit uint64 // numbers below it are reserved on disk
}

const sideBlock = 1 << 16

func (n *sideNumbers) init(db *pebble.DB, reserved uint64) {
	n.db, n.first = db, max(reserved, 1)
	n.next, n.limit = n.first, n.first
}

func (n *sideNumbers) take() (uint64, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.next == n.limit {
		if err := writeMeta(n.db, keySide, n.limit+sideBlock, pebble.Sync); err != nil {
			return 0, err
		}
		n.limit += sideBlock
	}
	n.next++
	return n.next - 1, nil
}

// nameSync makes the names of new files durable. Who comes while the directory is being synced shares the next sync.
type nameSync struct {
	dir  vfs.File
	mu   sync.Mutex
	next *sharedSync // begins later; nil if nobody waits for it yet
	turn sync.Mutex  // held during a sync
}

type sharedSync struct {
	done chan struct{} // closed when it is through
	err  error
}

// sync returns when the names of the files made before the call are durable.
func (n *nameSync) sync() error {
	n.mu.Lock()
	s, first := n.next, n.next == nil
	if first {
		s = &sharedSync{done: make(chan struct{})}
		n.next = s
	}
	n.mu.Unlock()
	if !first {
		<-s.done
		return s.err
	}
	n.turn.Lock()
	defer n.turn.Unlock()
	n.mu.Lock()
	n.next = nil
	n.mu.Unlock()
	s.err = n.dir.Sync()
	close(s.done)
	return s.err
}

// openSides are the files of messages that were accepted since Open, with how many of their deliveries are open: so a file
// is freed with the last of them, without waiting for a sweep. As with recent, what is not here is left to the sweep.
type openSides struct {
	mu     sync.Mutex
	events map[EventID]*openSide
}

type openSide struct {
	number uint64
	open   int
	kept   bool // something else refers to the payload
}

// maxOpenSides is how many messages are counted: a few megabytes of memory, for at least as many gigabytes of files.
const maxOpenSides = 1 << 16

func (o *openSides) init() { o.events = make(map[EventID]*openSide) }

// add takes in a message with its open deliveries, before the first of them can be taken.
func (o *openSides) add(id EventID, number uint64, open int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.events) >= maxOpenSides {
		for any := range o.events {
			delete(o.events, any)
			break
		}
	}
	o.events[id] = &openSide{number: number, open: open}
}

// close takes one delivery off a message. It returns the number of the file if that was the last one and nothing refers
// to the payload any more, else 0. kept says that something goes on referring to it.
func (o *openSides) close(id EventID, kept bool) (number uint64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	e, ok := o.events[id]
	if !ok {
		return 0
	}
	e.kept = e.kept || kept
	if e.open--; e.open > 0 {
		return 0
	}
	delete(o.events, id)
	if e.kept {
		return 0
	}
	return e.number
}

// keep says that something will go on referring to the payload of a message.
func (o *openSides) keep(id EventID) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if e, ok := o.events[id]; ok {
		e.kept = true
	}
}

// forget leaves a message to the sweep.
func (o *openSides) forget(id EventID) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.events, id)
}
