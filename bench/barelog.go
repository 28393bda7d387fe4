package bench

import (
	"context"
	"encoding/binary"
	"errors"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// bareLog is the least that makes payloads durable: they are appended to segments that are written over and over, so that a sync
// changes no file's size or extents, and those that come during a sync share the next. There is no checksum, no index, and
// nothing can be read.
type bareLog struct {
	segments []vfs.File

	mu    sync.Mutex
	open  *logGroup // takes in who comes; nil if its first member is still to come
	spare []byte    // a buffer nobody uses

	turn    sync.Mutex // held while a group is written; it guards what follows
	segment int
	at      int64
}

// logGroup is payloads that are written with one sync.
type logGroup struct {
	buffer []byte
	done   chan struct{} // closed when they are durable
	err    error
}

const (
	logSegments    = 4
	logSegmentSize = 16 << 20
)

// newBareLog makes a log in a directory, its segments written once.
func newBareLog(dir string) (*bareLog, error) {
	l := &bareLog{}
	zeros := make([]byte, 1<<20)
	for i := range logSegments {
		f, err := vfs.Default.Create(filepath.Join(dir, "log-"+strconv.Itoa(i)), vfs.WriteCategoryUnspecified)
		if err != nil {
			return nil, errors.Join(err, l.close())
		}
		l.segments = append(l.segments, f)
		for at := int64(0); at < logSegmentSize; at += int64(len(zeros)) {
			if _, err := f.WriteAt(zeros, at); err != nil {
				return nil, errors.Join(err, l.close())
			}
		}
		if err := f.Sync(); err != nil {
			return nil, errors.Join(err, l.close())
		}
	}
	return l, nil
}

func (l *bareLog) close() error {
	var problems []error
	for _, f := range l.segments {
		problems = append(problems, f.Close())
	}
	return errors.Join(problems...)
}

// append returns when the payload is durable. It is safe for any number of goroutines.
func (l *bareLog) append(payload []byte) error {
	g, first := l.join(payload)
	if !first {
		<-g.done
		return g.err
	}
	l.turn.Lock()
	l.shut(g)
	g.err = l.write(g.buffer)
	l.turn.Unlock()
	l.release(g)
	close(g.done)
	return g.err
}

// join makes a payload a member of the group that is open. It reports whether it is the first, which has to write the group.
func (l *bareLog) join(payload []byte) (g *logGroup, first bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open == nil {
		l.open = &logGroup{buffer: l.spare[:0], done: make(chan struct{})}
		l.spare, first = nil, true
	}
	g = l.open
	g.buffer = binary.LittleEndian.AppendUint32(g.buffer, uint32(len(payload)))
	g.buffer = append(g.buffer, payload...)
	return g, first
}

func (l *bareLog) shut(g *logGroup) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open == g {
		l.open = nil
	}
}

func (l *bareLog) release(g *logGroup) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.spare, g.buffer = g.buffer, nil
}

// write writes over what is in the segments, in pieces where a segment has no room for all.
func (l *bareLog) write(b []byte) error {
	for len(b) > 0 {
		if l.at == logSegmentSize {
			l.segment, l.at = (l.segment+1)%len(l.segments), 0
		}
		f := l.segments[l.segment]
		n, err := f.WriteAt(b[:min(int64(len(b)), logSegmentSize-l.at)], l.at)
		if err != nil {
			return err
		}
		b = b[n:]
		l.at += int64(n)
		if err := f.SyncData(); err != nil {
			return err
		}
	}
	return nil
}

// load has producers append for a while, each as soon as its last payload is durable.
func (l *bareLog) load(ctx context.Context, producers int, pool *payloads, length time.Duration) (loadSlice, error) {
	var appended atomic.Int64
	p := newProducers(producers, func(n int64) error {
		err := l.append(pool.at(n))
		if err == nil {
			appended.Add(1)
		}
		return err
	})
	start, cpu := time.Now(), processTime()
	p.start()
	wait(ctx, length)
	s := loadSlice{Settled: appended.Load(), Elapsed: time.Since(start)}
	times, err := p.stop()
	s.CPU, s.Accepted = processTime()-cpu, int64(len(times))
	s.setTimes(times)
	return s, errors.Join(err, ctx.Err())
}
