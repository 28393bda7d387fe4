package store

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// Restore makes a data directory of a backup. Every file is copied, so the backup stays as it is whatever becomes of the
// directory. That must not exist, or be empty, and no mount point; it is there when it is whole and durable, and not before. Its
// parent, which must be writable, is made where it is missing. The file system is on, nil for the operating system's.
//
// What the backup does not know is done again: what was delivered since it was made is delivered once more.
//
// Errors: [ErrExists], [ErrIncomplete], [ErrFormat], that of ctx, or one of the disk.
func Restore(ctx context.Context, on vfs.FS, from, to string) (*Backup, error) {
	if on == nil {
		on = vfs.Default
	}
	from, to = on.PathJoin(from), on.PathJoin(to)
	b, err := ReadBackup(on, from)
	if err != nil {
		return nil, err
	}
	if err := mustBeEmpty(on, to); err != nil {
		return nil, err
	}
	if from == to+partial {
		return nil, fmt.Errorf("%w: %s, where %s is to be made; restore to another directory", ErrExists, from, to)
	}
	if err := b.restore(ctx, on, from, to); err != nil {
		return nil, fmt.Errorf("store: restoring %s to %s: %w", from, to, err)
	}
	return b, nil
}

func (b *Backup) restore(ctx context.Context, on vfs.FS, from, to string) (err error) {
	parts, emptied := to+partial, false
	defer func() {
		if err != nil {
			err = errors.Join(err, on.RemoveAll(parts))
		}
		if err != nil && emptied {
			err = errors.Join(err, on.MkdirAll(to, 0o750))
		}
	}()
	if err := startDirectory(on, parts); err != nil {
		return err
	}
	// A mount point cannot be replaced, which should be known before everything is copied.
	err = on.Remove(to)
	if emptied = err == nil; !emptied && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w; the directory cannot be replaced, so name one below it", err)
	}
	below := map[string]bool{}
	for i := range b.Files {
		if err := ctx.Err(); err != nil {
			return err
		}
		f := &b.Files[i]
		target := on.PathJoin(parts, f.Name)
		if dir := on.PathDir(target); dir != parts && !below[dir] {
			if err := on.MkdirAll(dir, 0o750); err != nil {
				return err
			}
			below[dir] = true
		}
		if err := f.copy(on, on.PathJoin(from, backupData, f.Name), target); err != nil {
			return err
		}
	}
	for dir := range below {
		if err := syncDirectory(on, dir); err != nil {
			return err
		}
	}
	return finish(on, parts, to)
}

// copy copies a file, and refuses one that is not as it was when the backup was made, as far as that can be told.
func (f *File) copy(on vfs.FS, from, to string) (err error) {
	src, err := on.Open(from, vfs.SequentialReadsOption)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: file %s is missing", ErrIncomplete, f.Name)
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, src.Close()) }()
	dst, err := on.Create(to, vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, dst.Close()) }()
	sum := sha256.New()
	size, err := io.Copy(io.MultiWriter(sum, dst), src)
	switch {
	case err != nil:
		return fmt.Errorf("file %s: %w", f.Name, err)
	case !f.fits(size):
		return fmt.Errorf("%w: file %s has %d bytes, not %d", ErrIncomplete, f.Name, size, f.Size)
	case f.SHA256 != "" && sumText(sum) != f.SHA256:
		return fmt.Errorf("%w: file %s is not as it was written", ErrIncomplete, f.Name)
	}
	return dst.Sync()
}

func mustBeEmpty(on vfs.FS, dir string) error {
	info, err := on.Stat(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return fmt.Errorf("%w: %s is a file", ErrExists, dir)
	}
	names, err := on.List(dir)
	if err == nil && len(names) > 0 {
		err = fmt.Errorf("%w: %s is not empty", ErrExists, dir)
	}
	return err
}
