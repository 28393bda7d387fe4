package bench

import (
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// counted is the file system of the disk, which counts the bytes that are written to files.
type counted struct {
	vfs.FS
	written *atomic.Int64
}

func (c counted) file(f vfs.File, err error) (vfs.File, error) {
	if err != nil {
		return nil, err
	}
	return countedFile{f, c.written}, nil
}

func (c counted) Create(name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	return c.file(c.FS.Create(name, category))
}

func (c counted) OpenReadWrite(name string, category vfs.DiskWriteCategory, o ...vfs.OpenOption) (vfs.File, error) {
	return c.file(c.FS.OpenReadWrite(name, category, o...))
}

func (c counted) ReuseForWrite(from, to string, category vfs.DiskWriteCategory) (vfs.File, error) {
	return c.file(c.FS.ReuseForWrite(from, to, category))
}

type countedFile struct {
	vfs.File
	written *atomic.Int64
}

func (f countedFile) Write(b []byte) (int, error) {
	n, err := f.File.Write(b)
	f.written.Add(int64(n))
	return n, err
}

func (f countedFile) WriteAt(b []byte, at int64) (int, error) {
	n, err := f.File.WriteAt(b, at)
	f.written.Add(int64(n))
	return n, err
}
