package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"hookline/queue"
)

// Backup describes a backup. It is kept with it, as backup.json beside the directory data, which holds the files.
type Backup struct {
	Version  int       `json:"version"`  // of this description
	Made     time.Time `json:"made"`     // when it was begun
	Store    uint64    `json:"store"`    // Format
	Queue    uint64    `json:"queue"`    // queue.Format
	Database uint64    `json:"database"` // Pebble's format major version
	Files    []File    `json:"files"`
}

// File is a file of a backup.
type File struct {
	Name string `json:"name"` // below data, with slashes
	Size int64  `json:"size"` // bytes

	// SHA256 is in hexadecimal. It is empty for tables and side files, which have checksums of their own.
	SHA256 string `json:"sha256,omitempty"`
}

const (
	backupVersion = 1
	backupFile    = "backup.json"
	backupData    = "data"
)

// ErrIncomplete means that a directory is no backup, or not the whole of one.
var ErrIncomplete = errors.New("store: this is no complete backup")

// Size is how many bytes its files have together.
func (b *Backup) Size() (n int64) {
	for _, f := range b.Files {
		n += f.Size
	}
	return n
}

// ReadBackup returns the description of a backup on a file system, nil for the operating system's. Errors: [ErrIncomplete],
// [ErrFormat], or one of the disk.
func ReadBackup(on vfs.FS, dir string) (*Backup, error) {
	if on == nil {
		on = vfs.Default
	}
	text, err := readFile(on, on.PathJoin(dir, backupFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: there is no %s", ErrIncomplete, on.PathJoin(dir, backupFile))
	}
	if err != nil {
		return nil, err
	}
	b := new(Backup)
	if err := json.Unmarshal(text, b); err != nil {
		return nil, fmt.Errorf("%w: %s/%s: %v", ErrIncomplete, dir, backupFile, err)
	}
	return b, b.check()
}

// isBackup says whether a directory is a backup, or the one of its files.
func isBackup(on vfs.FS, dir string) bool {
	if exists(on, on.PathJoin(dir, backupFile)) {
		return true
	}
	dir = on.PathJoin(dir)
	return on.PathBase(dir) == backupData && exists(on, on.PathJoin(on.PathDir(dir), backupFile))
}

func readFile(on vfs.FS, name string) (text []byte, err error) {
	f, err := on.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return io.ReadAll(f)
}

// check refuses a backup that this program cannot read, and names that lead out of it.
func (b *Backup) check() error {
	for _, v := range []struct {
		of           string
		found, known uint64
	}{
		{"its description", uint64(max(b.Version, 0)), backupVersion},
		{"the store", b.Store, Format},
		{"the queue", b.Queue, queue.Format},
		{"the database", b.Database, uint64(databaseFormat())},
	} {
		if v.found > v.known {
			return fmt.Errorf("%w: the format of %s in the backup is version %d, and this program knows versions up to %d; use the program that made the backup, or a newer one",
				ErrFormat, v.of, v.found, v.known)
		}
		if v.found == 0 {
			return fmt.Errorf("%w: it does not say in which format %s is", ErrIncomplete, v.of)
		}
	}
	for _, f := range b.Files {
		if !fs.ValidPath(f.Name) || f.Name == "." || strings.Contains(f.Name, `\`) || path.Clean(f.Name) != f.Name {
			return fmt.Errorf("%w: %q is no name of a file in it", ErrIncomplete, f.Name)
		}
	}
	return nil
}

// write makes the description durable, once its directory is synced.
func (b *Backup) write(on vfs.FS, dir string) error {
	text, err := json.MarshalIndent(b, "", "  ")
	if err != nil {
		return err
	}
	f, err := on.Create(on.PathJoin(dir, backupFile), vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	_, err = f.Write(append(text, '\n'))
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// compare returns what of a backup's files in a directory is not as described. Those with a checksum are read.
func (b *Backup) compare(on vfs.FS, dir string) (problems []string) {
	for _, f := range b.Files {
		if err := f.compare(on, on.PathJoin(dir, backupData, f.Name)); err != nil {
			problems = append(problems, err.Error())
		}
	}
	return problems
}

// fits says whether a file can have a size. One that was being written when it was linked has grown since.
func (f *File) fits(size int64) bool {
	return size == f.Size || size > f.Size && strings.HasPrefix(f.Name, payloadDir+"/")
}

func (f *File) compare(on vfs.FS, name string) error {
	info, err := on.Stat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("file %s is missing", f.Name)
	case err != nil:
		return fmt.Errorf("file %s: %w", f.Name, err)
	case !f.fits(info.Size()):
		return fmt.Errorf("file %s has %d bytes, not %d", f.Name, info.Size(), f.Size)
	case f.SHA256 == "":
		return nil
	}
	if _, sum, err := checksum(on, name); err != nil {
		return fmt.Errorf("file %s: %w", f.Name, err)
	} else if sum != f.SHA256 {
		return fmt.Errorf("file %s is not as it was written: its SHA-256 is %s, not %s", f.Name, sum, f.SHA256)
	}
	return nil
}
