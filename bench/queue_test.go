package bench

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// tinyQueue is a run of all cases in seconds.
func tinyQueue(t *testing.T) QueueConfig {
	return QueueConfig{
		For: 100 * time.Millisecond, Producers: 8, Large: 1 << 20, Waiting: 1000, SpaceAfter: 50 * time.Millisecond, Dir: t.TempDir(),
		Child: testChild("queue"), Progress: t.Logf,
	}
}

// unseen ends a test of processes of their own where it is run with -short, which is under the race detector.
func unseen(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("what the race detector says in processes that are killed is not heard")
	}
}

// Every case tells all figures that all have, and its own.
func TestQueue(t *testing.T) {
	unseen(t)
	own := map[string][]string{
		"steady":            nil,
		"steady_behind_1m":  {"waiting", "fill_rate", "empty_rate", "rate_over_empty", "empty_p99_ms", "p99_over_empty"},
		"steady_behind_10m": {"waiting", "fill_rate", "empty_rate", "rate_over_empty", "empty_p99_ms", "p99_over_empty"},
		"large":             {"alone_rate", "rate_over_alone", "alone_p99_ms", "p99_over_alone", "large_p50_ms", "large"},
		"drain":             {"waiting", "last_over_first", "many_rate", "many_last_over_first"},
		"reschedule":        {"waiting", "last_over_first"},
		"restart":           {"waiting", "first_delivery_ms", "open_ms", "bytes_per_delivery"},
		"park":              {"waiting", "park_ms", "unpark_ms", "park_max_ms", "unpark_max_ms"},
		"space":             {"waiting", "peak_mb", "log_mb", "after_s"},
	}
	var seen []string
	err := Queue(t.Context(), tinyQueue(t), func(r QueueResult) error {
		seen = append(seen, r.Case)
		encoded, err := json.Marshal(r)
		if err != nil {
			return err
		}
		t.Logf("%s", encoded)
		var figures map[string]any
		if err := json.Unmarshal(encoded, &figures); err != nil {
			return err
		}
		common := []string{"rate", "log_rate", "ratio", "log_p99_ms"}
		if r.QueuePark == nil {
			common = append(common, "p99_ms", "written_per_byte", "seconds")
		}
		for _, name := range append(own[r.Case], common...) {
			if figure, _ := figures[name].(float64); figure <= 0 {
				t.Errorf("%s: %s is %v", r.Case, name, figures[name])
			}
		}
		if r.Lost != 0 {
			t.Errorf("%s: %d lost", r.Case, r.Lost)
		}
		if r.QueueDrain != nil && (len(r.Tenths) != 10 || slices.Min(r.Tenths) <= 0) {
			t.Errorf("%s: tenths are %v", r.Case, r.Tenths)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(seen, QueueCases()) || len(seen) != len(own) {
		t.Errorf("cases are %v", seen)
	}
}

func TestQueueCasesChosen(t *testing.T) {
	unseen(t)
	quick := QueueConfig{Quick: true}.withDefaults()
	if want := []string{"steady", "steady_behind_1m"}; !slices.Equal(quick.Cases, want) {
		t.Errorf("a quick run has %v, want %v", quick.Cases, want)
	}
	conf, ran := tinyQueue(t), 0
	conf.Cases, conf.Profile = []string{"drain"}, filepath.Join(t.TempDir(), "profile")
	if err := Queue(t.Context(), conf, func(r QueueResult) error { ran++; return nil }); err != nil || ran != 1 {
		t.Errorf("%d cases ran, error %v", ran, err)
	}
	if info, err := os.Stat(conf.Profile); err != nil || info.Size() == 0 {
		t.Errorf("no profile was written: %v", err)
	}
	if left, err := os.ReadDir(conf.Dir); err != nil || len(left) > 0 {
		t.Errorf("%v is left behind, error %v", left, err)
	}
}

func TestQueueConfigProblems(t *testing.T) {
	conf := QueueConfig{Cases: []string{"steady", "sleepy"}, For: -1, Producers: -1, Body: -10, Large: -1, Waiting: 1500, SpaceAfter: -1, Dir: t.TempDir() + "/missing"}
	err := Queue(t.Context(), conf, nil)
	if _, ok := errors.AsType[*ConfigError](err); !ok {
		t.Fatalf("got %v", err)
	}
	for _, name := range []string{"sleepy", "For", "Producers", "Body", "Large", "Waiting", "SpaceAfter", "Dir", "Child"} {
		if !strings.Contains(err.Error(), name) {
			t.Errorf("%s is not named in %q", name, err)
		}
	}
}

// What a case does in its process is over when the run is.
func TestQueueEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	conf := tinyQueue(t)
	conf.Progress = func(string, ...any) { cancel() }
	if err := Queue(ctx, conf, nil); err == nil {
		t.Error("a run that was called off has no error")
	}
	if left, err := os.ReadDir(conf.Dir); err != nil || len(left) > 0 {
		t.Errorf("%v is left behind, error %v", left, err)
	}
}

func TestLoadSlices(t *testing.T) {
	slice := func(settled int64, elapsed, p99 time.Duration) loadSlice {
		return loadSlice{Settled: settled, Elapsed: elapsed, P99: p99, Accepted: settled, Bytes: 10 * settled, Written: writes{11 * settled, 9 * settled, 2 * settled, 0}}
	}
	side := loadSlices{slice(100, time.Second, 3), slice(300, time.Second, 8), slice(200, 2*time.Second, 4)}
	log := loadSlices{slice(400, time.Second, 1), slice(600, time.Second, 2), slice(1000, time.Second, 4)}
	if rate := side.rate(); rate != 150 {
		t.Errorf("the rate is %v, want 600 in 4 s", rate)
	}
	if p99 := side.p99(); p99 != 4 {
		t.Errorf("p99 is %v, want the middle one", p99)
	}
	if over := side.over(log, (*loadSlice).rate); over != 0.25 { // of 0.25, 0.5 and 0.1
		t.Errorf("the median ratio is %v", over)
	}
	r := QueueResult{}
	r.tell(&loadSide{slices: side}, &loadSide{slices: log})
	if r.Rate != 150 || r.LogRate != 666.7 || r.Ratio != 0.25 || r.WrittenPerByte != 1.1 || r.LogPerByte != 0.9 || r.FlushedPerByte != 0.2 || r.Seconds != 4 {
		t.Errorf("the result is %+v", r)
	}
}

func TestSpaceOf(t *testing.T) {
	begin := time.Unix(0, 0)
	sample := func(at, log, others int64) space {
		return space{begin.Add(time.Duration(at) * time.Second), log, others}
	}
	for _, c := range []struct {
		name    string
		samples []space
		want    QueueSpace
	}{
		{"little is left", []space{sample(1, 9e6, 10e6), sample(2, 9e6, 100e6), sample(5, 9e6, 60e6), sample(7, 9e6, 5e6), sample(9, 8e6, 4e6)},
			QueueSpace{Peak: 100, Left: 4, Share: 0.04, Log: 8, After: 5, Reached: 3}},
		{"much is left", []space{sample(1, 9e6, 4e6), sample(2, 9e6, 100e6), sample(64, 9e6, 60e6)},
			QueueSpace{Peak: 100, Left: 60, Share: 0.6, Log: 9, After: 60, Reached: -1}},
	} {
		if got := spaceOf(c.samples, begin.Add(4*time.Second)); *got != c.want {
			t.Errorf("%s: got %+v, want %+v", c.name, *got, c.want)
		}
	}
}

func TestSpaceIn(t *testing.T) {
	dir := t.TempDir()
	for name, size := range map[string]int{"000001.log": 100, "000002.sst": 20, "below/3": 3} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, make([]byte, size), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if s := spaceIn(dir); s.log != 100 || s.others != 23 {
		t.Errorf("got %+v", s)
	}
	if s := spaceIn(filepath.Join(dir, "missing")); s.log != 0 || s.others != 0 {
		t.Errorf("of a directory that is not there: %+v", s)
	}
}

// Each payload is in the log once and whole, behind its length, also where a segment ends.
func TestBareLog(t *testing.T) {
	dir := t.TempDir()
	l, err := newBareLog(dir)
	if err != nil {
		t.Fatal(err)
	}
	pool, err := newPayloads(0, 2048)
	if err != nil {
		t.Fatal(err)
	}
	s, err := l.load(t.Context(), 8, pool, 200*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	if s.Accepted < s.Settled || s.Settled == 0 || s.P99 < s.P50 || s.P50 <= 0 {
		t.Errorf("the slice is %+v", s)
	}
	if l.at+int64(l.segment)*logSegmentSize != s.Accepted*(4+2048) {
		t.Errorf("%d payloads end at %d in segment %d", s.Accepted, l.at, l.segment)
	}
	l.segment, l.at = logSegments-1, logSegmentSize-10
	if err := l.append([]byte("over the end")); err != nil {
		t.Fatal(err)
	}
	if err := l.close(); err != nil {
		t.Fatal(err)
	}
	last, err := os.ReadFile(filepath.Join(dir, "log-3"))
	if err != nil {
		t.Fatal(err)
	}
	first, err := os.ReadFile(filepath.Join(dir, "log-0"))
	if err != nil {
		t.Fatal(err)
	}
	if got := string(last[len(last)-6:]) + string(first[:6]); got != "over the end" || len(last) != logSegmentSize {
		t.Errorf("read %q, the segment has %d bytes", got, len(last))
	}
}
