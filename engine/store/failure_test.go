package store_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"hookline/engine/store"
	"hookline/engine/webhook"
	"hookline/queue"
)

// failing makes some operations on some files fail while it is set.
type failing struct {
	when atomic.Pointer[func(errorfs.Op) error]
}

func (f *failing) MaybeError(op errorfs.Op) error {
	if when := f.when.Load(); when != nil {
		return (*when)(op)
	}
	return nil
}

func (f *failing) String() string { return "failing" }

// set makes operations of a kind fail on files whose names have a part.
func (f *failing) set(part string, err error, kinds ...errorfs.OpKind) {
	when := func(op errorfs.Op) error {
		for _, k := range kinds {
			if op.Kind == k && strings.Contains(op.Path, part) {
				return err
			}
		}
		return nil
	}
	f.when.Store(&when)
}

var writes = []errorfs.OpKind{errorfs.OpFileWrite, errorfs.OpFileWriteAt}

func tenants(ids ...string) *store.Changes {
	c := &store.Changes{}
	for _, id := range ids {
		c.PutTenants = append(c.PutTenants, &webhook.Tenant{ID: id})
	}
	return c
}

var quiet = slog.New(slog.DiscardHandler)

// While there is no room nothing is added, and what is there can be changed and removed.
func TestReadOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fs := vfs.NewMem()
		free := func(n uint64) {
			fs.TestingSetDiskUsage(vfs.DiskUsage{AvailBytes: n, TotalBytes: 10_000})
			time.Sleep(2 * time.Second)
		}
		free(5000)
		s, err := store.Open("data", store.Options{FS: fs, CacheSize: 1 << 20, Logger: quiet})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		apply := func(c *store.Changes, want error) {
			t.Helper()
			if err := s.Apply(context.Background(), c); !errors.Is(err, want) {
				t.Errorf("got %v, want %v", err, want)
			}
		}
		apply(tenants("a", "b"), nil)
		free(999)
		if !s.ReadOnly() {
			t.Fatalf("%+v", s.Space())
		}
		apply(tenants("c"), store.ErrReadOnly)
		apply(tenants("a", "c"), store.ErrReadOnly)
		err = s.Apply(context.Background(), tenants("c"))
		if busy := (*queue.OverloadedError)(nil); !errors.As(err, &busy) || busy.RetryAfter <= 0 || !errors.Is(err, queue.ErrOverloaded) {
			t.Errorf("%v is none that says when to come back", err)
		}
		apply(tenants("a", "b"), nil)
		apply(&store.Changes{DeleteTenants: []string{"b"}}, nil)
		free(1249)
		apply(tenants("c"), store.ErrReadOnly)
		free(1250)
		apply(tenants("c"), nil)
		if l := load(t, s); len(l.Tenants) != 2 {
			t.Errorf("%+v", l.Tenants)
		}
	})
}

// A log that finds the disk full waits for room, and loses nothing.
func TestLogWaitsForRoom(t *testing.T) {
	for name, full := range map[string]error{"disk": syscall.ENOSPC, "quota": syscall.EDQUOT} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				mem, f := vfs.NewCrashableMem(), new(failing)
				mem.TestingSetDiskUsage(vfs.DiskUsage{AvailBytes: 50 << 20, TotalBytes: 100 << 20})
				s, err := store.Open("data", store.Options{
					FS: errorfs.Wrap(mem, f), CacheSize: 1 << 20, Logger: quiet, Disk: store.Disk{Ballast: 1 << 20},
					Fatal: func(err error) { panic(err) },
				})
				if err != nil {
					t.Fatal(err)
				}
				time.Sleep(2*time.Second + 500*time.Millisecond) // between two looks at the disk
				if b := s.Space().Ballast; b != 1<<20 {
					t.Fatalf("a ballast of %d bytes", b)
				}
				f.set(".log", full, writes...)
				mem.TestingSetDiskUsage(vfs.DiskUsage{TotalBytes: 100 << 20})
				var done atomic.Bool
				go func() {
					if err := s.Apply(context.Background(), tenants("a")); err != nil {
						t.Error(err)
					}
					done.Store(true)
				}()
				time.Sleep(time.Minute)
				is := s.Space()
				if done.Load() || is.Level != store.Scarce || is.Ballast != 0 || is.Full == 0 {
					t.Errorf("done %v, %+v", done.Load(), is)
				}
				if err := s.Apply(context.Background(), tenants("b")); !errors.Is(err, store.ErrReadOnly) {
					t.Errorf("got %v", err)
				}
				f.when.Store(nil)
				time.Sleep(time.Second)
				if !done.Load() {
					t.Fatal("there is room, and the write still waits")
				}
				mem.TestingSetDiskUsage(vfs.DiskUsage{AvailBytes: 50 << 20, TotalBytes: 100 << 20})
				time.Sleep(3 * time.Second)
				if is := s.Space(); is.Level != store.Ample || is.Ballast != 1<<20 {
					t.Errorf("%+v", is)
				}
				crashed := mem.CrashClone(vfs.CrashCloneCfg{})
				if err := s.Close(); err != nil {
					t.Error(err)
				}
				s = open(t, crashed)
				defer s.Close()
				if l := load(t, s); len(l.Tenants) != 1 {
					t.Errorf("%+v", l.Tenants)
				}
			})
		})
	}
}

// Whatever of the log and the MANIFEST cannot be written, the store says so at once, with the file, and acknowledges nothing
// any more.
func TestFatal(t *testing.T) {
	for name, c := range map[string]struct {
		part  string
		kinds []errorfs.OpKind
		err   error
		flush bool // what fails is done by a flush
	}{
		"write of the log":      {".log", writes, syscall.EIO, false},
		"sync of the log":       {".log", []errorfs.OpKind{errorfs.OpFileSync, errorfs.OpFileSyncData, errorfs.OpFileSyncTo}, syscall.EIO, false},
		"full at a sync":        {".log", []errorfs.OpKind{errorfs.OpFileSync, errorfs.OpFileSyncData, errorfs.OpFileSyncTo}, syscall.ENOSPC, false},
		"a new log":             {".log", []errorfs.OpKind{errorfs.OpCreate, errorfs.OpReuseForWrite}, syscall.EIO, true},
		"write of the MANIFEST": {"MANIFEST", writes, syscall.EIO, true},
		"sync of the MANIFEST":  {"MANIFEST", []errorfs.OpKind{errorfs.OpFileSync, errorfs.OpFileSyncData, errorfs.OpFileSyncTo}, syscall.EIO, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := new(failing)
			fatal := make(chan error, 100)
			s, err := store.Open("data", store.Options{
				FS: errorfs.Wrap(vfs.NewMem(), f), CacheSize: 1 << 20, Logger: quiet,
				Fatal: func(err error) {
					fatal <- err
					select {} // as a process that ends would not return
				},
			})
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Apply(context.Background(), tenants("a")); err != nil {
				t.Fatal(err)
			}
			f.set(c.part, c.err, c.kinds...)
			acknowledged := make(chan error, 1)
			go func() {
				if c.flush {
					acknowledged <- s.DB().Flush()
				} else {
					acknowledged <- s.Apply(context.Background(), tenants("b"))
				}
			}()
			select {
			case err := <-fatal:
				if !errors.Is(err, c.err) || !strings.Contains(err.Error(), c.part) {
					t.Errorf("%v does not say what and where", err)
				}
			case err := <-acknowledged:
				t.Errorf("returned %v", err)
			}
			go func() { acknowledged <- s.Apply(context.Background(), tenants("c")) }()
			select {
			case err := <-acknowledged:
				t.Errorf("then returned %v", err)
			case <-time.After(50 * time.Millisecond): // a bad one may be missed, a good one never fails
			}
		})
	}
}

// A disk that has no room for what Open must write ends it: Pebble would try for ever, and as fast as it can.
func TestFullAtOpen(t *testing.T) {
	for name, full := range map[string]error{"disk": syscall.ENOSPC, "quota": syscall.EDQUOT} {
		t.Run(name, func(t *testing.T) {
			mem, f := vfs.NewCrashableMem(), new(failing)
			s := open(t, mem)
			if err := s.Apply(context.Background(), tenants("a")); err != nil {
				t.Fatal(err)
			}
			crashed := mem.CrashClone(vfs.CrashCloneCfg{}) // its log has to be made tables of
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			f.set(".sst", full, writes...)
			fatal, opened := make(chan error, 100), make(chan error, 1)
			go func() {
				_, err := store.Open("data", store.Options{
					FS: errorfs.Wrap(crashed, f), CacheSize: 1 << 20, Logger: quiet,
					Fatal: func(err error) {
						fatal <- err
						select {} // as a process that ends would not return
					},
				})
				opened <- err
			}()
			select {
			case err := <-fatal:
				if !errors.Is(err, full) {
					t.Errorf("%v does not say why", err)
				}
			case err := <-opened:
				t.Errorf("returned %v", err)
			}
		})
	}
}
