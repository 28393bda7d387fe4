package queue

import (
	"io"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// WholeLogs returns the file system that the database of a queue has to be opened on for its Checkpoint to be called while it is
// written to. Who opens a log for reading gets what was written to it until then, and nothing of what comes later.
//
// A Checkpoint copies the log that is being written, piece by piece. A log is mostly a file that was one before, with room behind its
// end: the piece with the end would be copied as it was, and the next ones with what was written meanwhile. Between them is
// a hole, and the copy cannot be opened: "pebble/record: invalid chunk". What was synced before the Checkpoint is in front of it,
// so nothing is missing from a copy that ends there.
//
// It is safe for concurrent use, as far as fs is.
func WholeLogs(fs vfs.FS) vfs.FS { return &wholeLogs{FS: fs, written: map[string]*atomic.Int64{}} }

type wholeLogs struct {
	vfs.FS

	mu      sync.Mutex
	written map[string]*atomic.Int64 // path -> bytes, of the logs that were begun since it was made
}

// Unwrap implements vfs.FS.
func (w *wholeLogs) Unwrap() vfs.FS { return w.FS }

// Create implements vfs.FS.
func (w *wholeLogs) Create(path string, c vfs.DiskWriteCategory) (vfs.File, error) {
	f, err := w.FS.Create(path, c)
	return w.begin(path, f, err)
}

// ReuseForWrite implements vfs.FS.
func (w *wholeLogs) ReuseForWrite(from, to string, c vfs.DiskWriteCategory) (vfs.File, error) {
	w.forget(from)
	f, err := w.FS.ReuseForWrite(from, to, c)
	return w.begin(to, f, err)
}

// Remove implements vfs.FS.
func (w *wholeLogs) Remove(path string) error {
	w.forget(path)
	return w.FS.Remove(path)
}

func (w *wholeLogs) begin(path string, f vfs.File, err error) (vfs.File, error) {
	if err != nil || !strings.HasSuffix(path, ".log") {
		return f, err
	}
	n := new(atomic.Int64)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.written[path] = n
	return &writtenLog{f, n}, nil
}

func (w *wholeLogs) forget(path string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.written, path)
}

// Open implements vfs.FS.
func (w *wholeLogs) Open(path string, opts ...vfs.OpenOption) (vfs.File, error) {
	w.mu.Lock()
	n := w.written[path]
	w.mu.Unlock()
	if n == nil {
		return w.FS.Open(path, opts...)
	}
	most := n.Load() // what is written while it is being opened may be part of what is read, or not
	f, err := w.FS.Open(path, opts...)
	if err != nil {
		return nil, err
	}
	return &wholeLog{f, io.LimitReader(f, most)}, nil
}

// writtenLog is a log that is being written, from its beginning on.
type writtenLog struct {
	vfs.File
	n *atomic.Int64
}

func (l *writtenLog) Write(p []byte) (int, error) {
	n, err := l.File.Write(p)
	l.n.Add(int64(n))
	return n, err
}

// wholeLog is a log that is being read.
type wholeLog struct {
	vfs.File
	to io.Reader
}

func (l *wholeLog) Read(p []byte) (int, error) { return l.to.Read(p) }
