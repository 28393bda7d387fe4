package store

import (
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"pgregory.net/rapid"
)

func TestLimits(t *testing.T) {
	const gib = 1 << 30
	for name, c := range map[string]struct {
		disk  Disk
		total uint64
		want  limits
	}{
		"small disk":       {Disk{Ballast: AutoBallast}, 1000, limits{100, 30, 10}},
		"large disk":       {Disk{Ballast: AutoBallast}, 1 << 40, limits{2 * gib, gib / 2, gib}},
		"no ballast":       {Disk{}, 1000, limits{100, 30, 0}},
		"set":              {Disk{5, 4, 3}, 1000, limits{5, 4, 3}},
		"never":            {Disk{-1, -1, 0}, 1000, limits{}},
		"between the caps": {Disk{}, 19 * gib, limits{19 * gib / 10, gib / 2, 0}},
	} {
		if got := c.disk.limits(c.total); got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}

// A level is entered at its bound, left for a better one at a quarter more, and depends on nothing else.
func TestLevels(t *testing.T) {
	l := limits{readOnly: 1000, scarce: 300}
	for _, step := range []struct {
		now  Level
		free uint64
		want Level
	}{
		{Ample, 1000, Ample}, {Ample, 999, Low}, {Low, 1249, Low}, {Low, 1250, Ample},
		{Low, 300, Low}, {Low, 299, Scarce}, {Scarce, 374, Scarce}, {Scarce, 375, Low}, {Scarce, 1249, Low}, {Scarce, 1250, Ample},
		{Ample, 0, Scarce}, {Ample, 374, Low},
	} {
		if got := l.level(step.now, step.free); got != step.want {
			t.Errorf("%v with %d free becomes %v, want %v", step.now, step.free, got, step.want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		l := limits{readOnly: rapid.Uint64Range(0, 1<<40).Draw(t, "read-only"), scarce: rapid.Uint64Range(0, 1<<40).Draw(t, "scarce")}
		now := Level(rapid.IntRange(0, 2).Draw(t, "level"))
		less, more := rapid.Uint64Range(0, 1<<41).Draw(t, "less"), rapid.Uint64Range(0, 1<<41).Draw(t, "more")
		less, more = min(less, more), max(less, more)
		if l.level(now, less) < l.level(now, more) {
			t.Errorf("more room is a worse level")
		}
		if next := l.level(now, less); l.level(next, less) != next {
			t.Errorf("%v becomes %v becomes %v", now, next, l.level(next, less))
		}
	})
}

// The ballast takes blocks of the disk, and gives them back.
func TestBallastTakesBlocks(t *testing.T) {
	const size = ballastPiece + 1<<20
	b := ballast{fs: vfs.Default, path: filepath.Join(t.TempDir(), ballastName)}
	for range 2 {
		if err := b.grow(size, 1<<40); err != nil {
			t.Fatal(err)
		}
	}
	info, err := os.Stat(b.path)
	if err != nil || info.Size() != size || b.size() != size {
		t.Fatalf("%v, %d bytes, %v", info, b.size(), err)
	}
	if blocks := info.Sys().(*syscall.Stat_t).Blocks * 512; blocks < size {
		t.Errorf("%d bytes of blocks for %d", blocks, size)
	}
	again := ballast{fs: b.fs, path: b.path}
	if err := again.find(); err != nil || again.size() != size {
		t.Errorf("found %d bytes, %v", again.size(), err)
	}
	if freed, err := again.remove(); freed != size || err != nil {
		t.Errorf("freed %d, %v", freed, err)
	}
	if _, err := os.Stat(b.path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("it is still there: %v", err)
	}
}

func TestBallastNeedsRoom(t *testing.T) {
	b := ballast{fs: vfs.NewMem(), path: ballastName}
	if err := b.grow(1000, 3999); err != nil || b.size() != 0 {
		t.Errorf("made with less than four times its size: %d bytes, %v", b.size(), err)
	}
	if err := b.grow(1000, 4000); err != nil || b.size() != 1000 {
		t.Errorf("%d bytes, %v", b.size(), err)
	}
	if err := b.grow(500, 4000); err != nil || b.size() != 0 {
		t.Errorf("one that is too large stays: %d bytes, %v", b.size(), err)
	}
}

// A write that finds the disk full takes the ballast away, and nothing is taken in until there is room to spare.
func TestFullDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fs := vfs.NewMem()
		free := func(n uint64) { fs.TestingSetDiskUsage(vfs.DiskUsage{AvailBytes: n, TotalBytes: 10_000}) }
		free(5000)
		w := newWatch(fs, "", Disk{ReadOnlyBelow: 1000, ScarceBelow: 300, Ballast: 500}, slog.New(slog.DiscardHandler))
		if err := w.start(); err != nil {
			t.Fatal(err)
		}
		defer w.close()
		time.Sleep(lookEvery / 2) // between two looks, always
		wait := func() { time.Sleep(2 * lookEvery) }
		wait()
		if s := w.now.Load(); s.Ballast != 500 || s.Level != Ample {
			t.Fatalf("%+v", s)
		}
		free(0)
		w.diskFull()
		if s := w.now.Load(); s.Ballast != 0 || s.Level != Scarce || s.Full != 1 {
			t.Fatalf("%+v", s)
		}
		free(1999) // more than the level needs, less than four times the ballast
		wait()
		if s := w.now.Load(); s.Ballast != 0 || s.Level != Scarce {
			t.Fatalf("%+v", s)
		}
		free(2000)
		wait()
		if s := w.now.Load(); s.Ballast != 500 || s.Level != Ample {
			t.Fatalf("%+v", s)
		}
	})
}
