package store

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"hookline/queue"
)

// Errors of backups that the one who asked can act on.
var (
	// ErrExists means that there is something where a backup or a restored data directory is to be.
	ErrExists = errors.New("store: it exists already")
	// ErrBusy means that another backup is being made.
	ErrBusy = errors.New("store: a backup is being made already")
)

// partial ends the name of what is not whole yet: of a backup, or of a data directory that is being restored. It becomes whole by
// being renamed.
const partial = ".partial"

// Backup makes a copy of all that the store and the queue hold at a moment during the call, in a directory that must not exist.
// What was accepted, or settled, before the call is in it. The directory is there when the backup is whole and durable, and
// not before; its parent is made where it is missing.
//
// Accepts and deliveries go on. Tables and side files are not copied but linked, where the directory is on the same file
// system: then a backup takes about as long as it takes to copy the log, and no room at first. What is deleted later keeps its
// room as long as a backup has it.
//
// Side files must not be removed meanwhile: hold is the HoldFiles of the queue that is open on the store, or nil where none is.
//
// Errors: [ErrExists], [ErrBusy], [ErrClosed], [ErrFormat] where a newer queue has been in it, those of hold and ctx, or one of the
// disk.
func (s *Store) Backup(ctx context.Context, dir string, hold func() (release func(), err error)) (*Backup, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return nil, ErrClosed
	}
	if !s.backups.TryLock() {
		return nil, ErrBusy
	}
	defer s.backups.Unlock()
	if hold != nil {
		release, err := hold()
		if err != nil {
			return nil, err
		}
		defer release()
	}
	s.fs.backup.Store(&ctx)
	defer s.fs.backup.Store(nil)
	b, err := s.backup(ctx, s.fs.PathJoin(dir))
	if err != nil {
		return nil, fmt.Errorf("store: backup to %s: %w", dir, err)
	}
	return b, nil
}

func (s *Store) backup(ctx context.Context, dir string) (_ *Backup, err error) {
	if !s.fs.isOutside(dir) {
		return nil, errors.New("it is in the data directory; name one outside of it")
	}
	if err := mustNotExist(s.fs, dir); err != nil {
		return nil, err
	}
	layout, err := queue.FormatOf(s.db)
	if err == nil {
		err = checkQueue(layout)
	}
	if err != nil {
		return nil, err
	}
	parts := dir + partial
	defer func() {
		if err != nil {
			err = errors.Join(err, s.fs.RemoveAll(parts))
		}
	}()
	if err := startDirectory(s.fs, parts); err != nil {
		return nil, err
	}
	b := &Backup{Version: backupVersion, Made: time.Now().UTC(), Store: s.format, Queue: cmp.Or(layout, queue.Format), Database: uint64(s.db.FormatMajorVersion())}
	data := s.fs.PathJoin(parts, backupData)
	if err := s.checkpoint(data); err != nil {
		return nil, err
	}
	if err := s.linkSideFiles(ctx, data); err != nil {
		return nil, err
	}
	if b.Files, err = describe(ctx, s.fs, data); err != nil {
		return nil, err
	}
	if err := b.write(s.fs, parts); err != nil {
		return nil, err
	}
	return b, finish(s.fs, parts, dir)
}

// RemoveUnfinished removes from a directory what is left of backups that were being made when a process ended. No process may
// make one there during the call.
func (s *Store) RemoveUnfinished(dir string) error {
	names, err := s.fs.List(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, name := range names {
		if parts := s.fs.PathJoin(dir, name); strings.HasSuffix(name, partial) && exists(s.fs, s.fs.PathJoin(parts, backupData)) {
			err = errors.Join(err, s.fs.RemoveAll(parts))
		}
	}
	return err
}

// checkpoint makes a copy of the database. Pebble panics where a directory cannot be synced, which is right for its own and not
// for that of a backup: nothing depends on that, and Pebble holds no lock then.
func (s *Store) checkpoint(dir string) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%v", p)
		}
	}()
	return s.db.Checkpoint(dir, pebble.WithFlushedWAL())
}

// linkSideFiles gives a backup all side files. Some may be newer than the checkpoint or only just being written: nothing refers
// to those, and the first start on what is restored removes them. To leave them out, the checkpoint would have to be opened.
func (s *Store) linkSideFiles(ctx context.Context, data string) error {
	from, to := s.PayloadDir(), s.fs.PathJoin(data, payloadDir)
	names, err := s.fs.List(from)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = s.fs.MkdirAll(to, 0o750)
	}
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := ctx.Err(); err != nil {
			return err
		}
		err := vfs.LinkOrCopy(s.fs, s.fs.PathJoin(from, name), s.fs.PathJoin(to, name))
		if err != nil && !errors.Is(err, fs.ErrNotExist) { // an accept that failed has removed what it had begun
			return err
		}
	}
	return errors.Join(syncDirectory(s.fs, to), syncDirectory(s.fs, data))
}

// describe lists the files below a directory. It reads those that are in no other way known to be whole.
func describe(ctx context.Context, from vfs.FS, dir string) ([]File, error) {
	names, err := filesBelow(from, dir)
	if err != nil {
		return nil, err
	}
	var files []File
	for _, name := range names {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		f := File{Name: name}
		if checksItself(name) {
			info, err := from.Stat(from.PathJoin(dir, name))
			if err != nil {
				return nil, err
			}
			f.Size = info.Size()
		} else if f.Size, f.SHA256, err = checksum(from, from.PathJoin(dir, name)); err != nil {
			return nil, err
		}
		files = append(files, f)
	}
	return files, nil
}

// checksItself says whether what is in a file has checksums of its own: tables in each block, side files in the row that
// refers to them.
func checksItself(name string) bool {
	return strings.HasSuffix(name, ".sst") || strings.HasPrefix(name, payloadDir+"/")
}

// filesBelow returns the names of files in a directory and those below it, with slashes, in order. Locks are not among them.
func filesBelow(from vfs.FS, dir string) ([]string, error) {
	var list []string
	var walk func(below string) error
	walk = func(below string) error {
		names, err := from.List(from.PathJoin(dir, below))
		if err != nil {
			return err
		}
		for _, name := range names {
			name = path.Join(below, name)
			info, err := from.Stat(from.PathJoin(dir, name))
			if err == nil && info.IsDir() {
				err = walk(name)
			} else if err == nil && path.Base(name) != "LOCK" {
				list = append(list, name)
			}
			if err != nil {
				return err
			}
		}
		return nil
	}
	err := walk("")
	slices.Sort(list)
	return list, err
}

func checksum(from vfs.FS, name string) (size int64, sum string, err error) {
	f, err := from.Open(name, vfs.SequentialReadsOption)
	if err != nil {
		return 0, "", err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	h := sha256.New()
	size, err = io.Copy(h, f)
	return size, sumText(h), err
}

func sumText(h hash.Hash) string { return hex.EncodeToString(h.Sum(nil)) }

func mustNotExist(on vfs.FS, path string) error {
	_, err := on.Stat(path)
	if err == nil {
		return fmt.Errorf("%w: %s", ErrExists, path)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// startDirectory makes the directory of what is not whole yet, in place of one that an earlier try has left.
func startDirectory(on vfs.FS, parts string) error {
	if err := on.RemoveAll(parts); err != nil {
		return err
	}
	return makeDirectory(on, parts)
}

// makeDirectory makes a directory, and its parents where they are missing, durably.
func makeDirectory(on vfs.FS, path string) error {
	var missing []string
	for at := path; ; at = on.PathDir(at) {
		_, err := on.Stat(at)
		if err == nil || on.PathDir(at) == at {
			break
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		missing = append(missing, at)
	}
	if err := on.MkdirAll(path, 0o750); err != nil {
		return err
	}
	for _, made := range missing {
		if err := syncDirectory(on, on.PathDir(made)); err != nil {
			return err
		}
	}
	return nil
}

// finish makes something whole that is in parts: it is at its place when this returns, and stays there.
func finish(on vfs.FS, parts, dir string) error {
	if err := syncDirectory(on, parts); err != nil {
		return err
	}
	if err := on.Rename(parts, dir); err != nil {
		return err
	}
	return syncDirectory(on, on.PathDir(dir))
}

func syncDirectory(on vfs.FS, path string) error {
	dir, err := on.OpenDir(path)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// BackupOffline makes a backup of a data directory that no process has open. See Store.Backup; it brings what is in the log into
// tables before, as a start of the server does. Further errors: [ErrNoStore], [ErrInUse], [ErrFormat], or why the directory cannot
// be opened.
func BackupOffline(ctx context.Context, from, dir string, o Options) (_ *Backup, err error) {
	o = o.withDefaults()
	if err := mustBeStore(o.FS, from); err != nil {
		return nil, err
	}
	if err := mustNotExist(o.FS, dir); err != nil {
		return nil, err
	}
	s, err := Open(from, o)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	return s.Backup(ctx, dir, nil)
}
