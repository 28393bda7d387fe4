package queue

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// busyLogs is a file system on which something happens after each piece of a log that is read.
type busyLogs struct {
	vfs.FS
	then func()
}

func (b *busyLogs) Open(path string, opts ...vfs.OpenOption) (vfs.File, error) {
	f, err := b.FS.Open(path, opts...)
	if err != nil || b.then == nil || !strings.HasSuffix(path, ".log") {
		return f, err
	}
	return &busyLog{f, b.then}, nil
}

type busyLog struct {
	vfs.File
	then func()
}

func (l *busyLog) Read(p []byte) (int, error) {
	n, err := l.File.Read(p)
	l.then()
	return n, err
}

// A checkpoint that is made while the log is written has all that was synced before, and of the rest what comes first.
func TestCheckpointWhileTheLogIsWritten(t *testing.T) {
	mem, misuse := vfs.NewMem(), func(o *pebble.Options) {
		o.MemTableSize = 256 << 10 // logs are used again soon
	}
	busy := &busyLogs{FS: mem}
	open := func(fs vfs.FS, dir string) *pebble.DB {
		o := &pebble.Options{FS: fs}
		Tune(o)
		misuse(o)
		db, err := pebble.Open(dir, o)
		if err != nil {
			t.Fatal(err)
		}
		return db
	}
	db := open(WholeLogs(busy), "db")
	defer db.Close()
	value, written := bytes.Repeat([]byte("x"), 10_000), uint64(0)
	write := func() {
		written++
		if err := db.Set(binary.BigEndian.AppendUint64(nil, written), value, pebble.Sync); err != nil {
			t.Fatal(err)
		}
	}
	for range 200 {
		write()
	}
	for i := range 20 {
		dir, before := "copy-"+string(rune('a'+i)), written
		busy.then = func() {
			for range 5 {
				write()
			}
		}
		if err := db.Checkpoint(dir, pebble.WithFlushedWAL()); err != nil {
			t.Fatal(err)
		}
		busy.then = nil
		write()
		c := open(mem, dir)
		last := uint64(0)
		for n := uint64(1); n <= written; n++ {
			_, closer, err := c.Get(binary.BigEndian.AppendUint64(nil, n))
			if errors.Is(err, pebble.ErrNotFound) {
				break
			}
			if err = errors.Join(err, closer.Close()); err != nil {
				t.Fatal(err)
			}
			last = n
		}
		iter, err := c.NewIter(nil)
		if err != nil {
			t.Fatal(err)
		}
		count := uint64(0)
		for iter.First(); iter.Valid(); iter.Next() {
			count++
		}
		if err := errors.Join(iter.Error(), iter.Close(), c.Close()); err != nil {
			t.Error(err)
		}
		if last < before || count != last {
			t.Errorf("the copy has %d, the first %d of which follow each other; %d were synced before it was made", count, last, before)
		}
	}
}

// A log that is used again is read to where it is written now, others to their end.
func TestWholeLogs(t *testing.T) {
	fs := WholeLogs(vfs.NewMem())
	write := func(f vfs.File, err error, text string) vfs.File {
		t.Helper()
		if err == nil {
			_, err = f.Write([]byte(text))
		}
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	read := func(f vfs.File) string {
		t.Helper()
		b, err := io.ReadAll(f)
		if err = errors.Join(err, f.Close()); err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	open := func(path string) vfs.File {
		t.Helper()
		f, err := fs.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	f, err := fs.Create("1.log", vfs.WriteCategoryUnspecified)
	write(f, err, "of the first log")
	reader := open("1.log")
	write(f, nil, ", and more")
	if got := read(reader); got != "of the first log" {
		t.Errorf("a log that is written on is read as %q", got)
	}
	if got := read(open("1.log")); got != "of the first log, and more" {
		t.Errorf("the log is read as %q", got)
	}
	f, err = fs.ReuseForWrite("1.log", "2.log", vfs.WriteCategoryUnspecified)
	write(f, err, "again")
	if got := read(open("2.log")); got != "again" {
		t.Errorf("a log that is used again is read as %q", got)
	}
	if err := fs.Remove("2.log"); err != nil {
		t.Fatal(err)
	}
	f, err = fs.Create("1.sst", vfs.WriteCategoryUnspecified)
	write(f, err, "a table")
	if got := read(open("1.sst")); got != "a table" {
		t.Errorf("a table is read as %q", got)
	}
}
