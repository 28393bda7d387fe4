package queue

import (
	"errors"
	"fmt"
	"sync"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// SideFile is a payload in a file of its own, as a database refers to it.
type SideFile struct {
	Name  string // in Options.Dir
	Event EventID
	Size  int64 // bytes

	file sideFile
}

// Check reads the file from a directory and compares it with what was written. The error is nil, or that of the file
// system (fs.ErrNotExist where the file is missing), or says that the content is another one.
func (f SideFile) Check(from vfs.FS, dir string) error {
	_, err := readSide(from, from.PathJoin(dir, f.Name), f.file)
	return err
}

// SideFiles calls yield for the side files that a database refers to, until it returns false. r is a snapshot,
// or a database that no queue is open on, such as a checkpoint. A row that cannot be read is passed over, and named by the error in
// the end.
//
// The files belong to the database: a copy of it is whole only with the files that it refers to, and needs no others. Of an
// open queue it is made in this order:
//
//  1. HoldFiles, so that no file is removed;
//  2. pebble.DB.Checkpoint, with its log flushed (pebble.WithFlushedWAL), since most commits do not wait for a sync;
//  3. a hard link, or a copy, of each file that SideFiles names for the checkpoint, and a sync of their directory;
//  4. the release of HoldFiles.
//
// A file is never changed once a database refers to it, so that a link is as good as a copy. Files that the copy has beyond
// those are removed after its first Open.
func SideFiles(r pebble.Reader, yield func(SideFile) bool) (err error) {
	iter, err := r.NewIter(&pebble.IterOptions{LowerBound: []byte{prefixSide}, UpperBound: []byte{prefixSide + 1}})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, iter.Close()) }()
	var broken error
	for ok := iter.First(); ok; ok = iter.Next() {
		f, err := sideFileOf(r, iter.Key(), iter.Value())
		if err != nil {
			broken = errors.Join(broken, err)
		} else if !yield(f) {
			break
		}
	}
	return errors.Join(broken, iter.Error())
}

// sideFileOf reads what a row of a side file leads to.
func sideFileOf(r pebble.Reader, key, value []byte) (SideFile, error) {
	number, ok := parseSideKey(key)
	id, err := decodeSideRow(value)
	if !ok || err != nil {
		return SideFile{}, fmt.Errorf("%w: row %x of a payload file", errCorrupt, key)
	}
	v, closer, err := r.Get(appendPayloadKey(nil, id))
	if err != nil {
		return SideFile{}, fmt.Errorf("queue: payload of event %d, in file %s: %w", id, sideName(number), err)
	}
	defer closer.Close()
	_, f, err := decodePayload(v)
	if err != nil || f.number != number {
		return SideFile{}, fmt.Errorf("%w: the payload of event %d does not refer to file %s", errCorrupt, id, sideName(number))
	}
	return SideFile{Name: sideName(number), Event: id, Size: f.size, file: f}, nil
}

// HoldFiles keeps every side file where it is until release is called, which must be before Close: what is freed meanwhile
// is removed after that. It may have to wait for a removal, or shortly after Open for a look through the directory. See SideFiles for what
// it is for.
//
// Error: ErrClosed.
func (q *Queue) HoldFiles() (release func(), err error) {
	if !q.gate.enter() {
		return nil, ErrClosed
	}
	q.sides.holds.RLock()
	return sync.OnceFunc(func() {
		q.sides.holds.RUnlock()
		q.gate.leave()
	}), nil
}
