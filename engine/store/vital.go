package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// vital is a file system that knows what a store cannot go on without: the write-ahead log, the MANIFEST, the markers that
// name the present one, and the directory that has them all.
//
// After one of these failed to be written or synced, nobody knows what is on the disk (https://lwn.net/Articles/752063/).
// Pebble gives up then, but not before the failure comes to somebody who waits for it, and by a panic where nobody does. So
// it is met here, where file and operation are known, and before anybody is told anything.
//
// A disk that is full is another matter: what was not taken was not written, so the same write is tried until there is room.
// Commits wait meanwhile. A sync is never tried again.
//
// All that holds for the data directory. A backup is written elsewhere, maybe to another disk: what fails there is the
// backup's failure alone.
type vital struct {
	vfs.FS         // of the data directory
	outside vfs.FS // of everything else
	dir     string

	disk  *watch
	fatal func(error)
	open  atomic.Bool // before that, errors are those of Open

	backup atomic.Pointer[context.Context] // of the backup that is being made: Pebble knows none when it copies tables

	failed atomic.Pointer[error] // nothing is written after it
}

// retryFull is how long a write waits that found the disk full, and a table that is made anew after that: Pebble tries a
// failed flush again at once.
const retryFull = 200 * time.Millisecond

// What is done to a file, as errors say it.
const (
	making  = "making"
	writing = "writing"
	syncing = "syncing"
	closing = "closing"
)

// Unwrap implements vfs.FS.
func (v *vital) Unwrap() vfs.FS { return v.FS }

// isOutside says whether a path leads elsewhere than to the data directory.
func (v *vital) isOutside(path string) bool {
	for at := v.PathJoin(path); ; at = v.PathDir(at) {
		if at == v.dir {
			return false
		}
		if len(at) <= len(v.dir) {
			return true
		}
	}
}

func (v *vital) isVital(path string) bool {
	name := v.PathBase(path)
	return strings.HasSuffix(name, ".log") || strings.HasPrefix(name, "MANIFEST-") || strings.HasPrefix(name, "marker.")
}

// must does what cannot be left undone.
func (v *vital) must(path, what string, do func() error) error {
	for {
		if why := v.failed.Load(); why != nil {
			v.fatal(*why)
		}
		err := do()
		switch {
		case err == nil || !v.open.Load():
			return err
		case isFull(err) && (what == making || what == writing):
			if !errors.Is(err, syscall.ENOSPC) { // vfs.OnDiskFull knows that one alone
				v.disk.diskFull()
			}
			time.Sleep(retryFull)
		default:
			err = fmt.Errorf("store: %s %s failed: %w", what, path, err)
			v.failed.CompareAndSwap(nil, &err)
			v.fatal(err)
		}
	}
}

// isFull says whether a write failed for want of room, on the disk or in a quota.
func isFull(err error) bool { return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) }

// Create implements vfs.FS.
func (v *vital) Create(path string, c vfs.DiskWriteCategory) (f vfs.File, err error) {
	if v.isOutside(path) {
		if err := v.ended(); err != nil {
			return nil, err
		}
		return v.outside.Create(path, c)
	}
	if !v.isVital(path) {
		if v.open.Load() && v.disk.isFull() {
			time.Sleep(retryFull)
		}
		return v.FS.Create(path, c)
	}
	err = v.must(path, making, func() (err error) { f, err = v.FS.Create(path, c); return err })
	return v.file(f, path, err)
}

// ended returns why no more files are to be made for a backup.
func (v *vital) ended() error {
	if ctx := v.backup.Load(); ctx != nil {
		return (*ctx).Err()
	}
	return nil
}

// Link implements vfs.FS.
func (v *vital) Link(from, to string) error {
	if v.isOutside(to) {
		if err := v.ended(); err != nil {
			return err
		}
		return v.outside.Link(from, to)
	}
	return v.FS.Link(from, to)
}

// MkdirAll implements vfs.FS.
func (v *vital) MkdirAll(path string, perm os.FileMode) error {
	if v.isOutside(path) {
		return v.outside.MkdirAll(path, perm)
	}
	return v.FS.MkdirAll(path, perm)
}

// ReuseForWrite implements vfs.FS.
func (v *vital) ReuseForWrite(from, to string, c vfs.DiskWriteCategory) (f vfs.File, err error) {
	if !v.isVital(to) {
		return v.FS.ReuseForWrite(from, to, c)
	}
	err = v.must(to, making, func() (err error) { f, err = v.FS.ReuseForWrite(from, to, c); return err })
	return v.file(f, to, err)
}

// OpenDir implements vfs.FS.
func (v *vital) OpenDir(path string) (vfs.File, error) {
	if v.isOutside(path) {
		return v.outside.OpenDir(path)
	}
	f, err := v.FS.OpenDir(path)
	return v.file(f, path, err)
}

func (v *vital) file(f vfs.File, path string, err error) (vfs.File, error) {
	if err != nil {
		return nil, err
	}
	return &vitalFile{File: f, path: path, of: v}, nil
}

// vitalFile is a file that must be written.
type vitalFile struct {
	vfs.File
	path string
	of   *vital
}

func (f *vitalFile) Write(p []byte) (n int, err error) {
	err = f.of.must(f.path, writing, func() error {
		m, err := f.File.Write(p[n:])
		n += m
		return err
	})
	return n, err
}

func (f *vitalFile) WriteAt(p []byte, offset int64) (n int, err error) {
	err = f.of.must(f.path, writing, func() error {
		m, err := f.File.WriteAt(p[n:], offset+int64(n))
		n += m
		return err
	})
	return n, err
}

func (f *vitalFile) Sync() error { return f.of.must(f.path, syncing, f.File.Sync) }

func (f *vitalFile) SyncData() error { return f.of.must(f.path, syncing, f.File.SyncData) }

func (f *vitalFile) SyncTo(length int64) (full bool, err error) {
	err = f.of.must(f.path, syncing, func() (err error) { full, err = f.File.SyncTo(length); return err })
	return full, err
}

func (f *vitalFile) Close() error { return f.of.must(f.path, closing, f.File.Close) }
