package bench

import (
	"io/fs"
	"path/filepath"
	"strings"
	"time"
)

// space is what a directory takes on disk at a moment, in bytes: the files of the write-ahead log, and all others.
type space struct {
	at          time.Time
	log, others int64
}

// spaceIn looks at a directory. Files that go while it does are not counted.
func spaceIn(dir string) space {
	s := space{at: time.Now()}
	_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return nil // it is gone, or not there yet
		}
		info, err := d.Info()
		switch {
		case err != nil:
		case strings.HasSuffix(path, ".log"):
			s.log += info.Size()
		default:
			s.others += info.Size()
		}
		return nil
	})
	return s
}

// spaceWatch looks at a directory time and again.
type spaceWatch struct {
	stop, done chan struct{}
	samples    []space
}

const spacePoll = 100 * time.Millisecond

func watchSpace(dir string) *spaceWatch {
	w := &spaceWatch{stop: make(chan struct{}), done: make(chan struct{})}
	go func() {
		defer close(w.done)
		ticker := time.NewTicker(spacePoll)
		defer ticker.Stop()
		for {
			w.samples = append(w.samples, spaceIn(dir))
			select {
			case <-ticker.C:
			case <-w.stop:
				w.samples = append(w.samples, spaceIn(dir))
				return
			}
		}
	}()
	return w
}

// end stops the watch, with a last look, and returns what it saw.
func (w *spaceWatch) end() []space {
	close(w.stop)
	<-w.done
	return w.samples
}

// littleSpace is the share of the peak that a queue which is empty may still take.
const littleSpace = 0.05

// spaceOf says what was left of the peak at the last of the samples, and when after the drain it was little.
func spaceOf(samples []space, drained time.Time) *QueueSpace {
	peak := int64(0)
	for _, s := range samples {
		peak = max(peak, s.others)
	}
	last := samples[len(samples)-1]
	q := &QueueSpace{
		Peak: megabytes(peak), Left: megabytes(last.others), Share: round(ratio(float64(last.others), float64(peak))),
		Log: megabytes(last.log), After: round(last.at.Sub(drained).Seconds()), Reached: -1,
	}
	for _, s := range samples {
		if !s.at.Before(drained) && float64(s.others) <= littleSpace*float64(peak) {
			q.Reached = round(s.at.Sub(drained).Seconds())
			break
		}
	}
	return q
}
