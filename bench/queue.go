package bench

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"
)

// QueueConfig configures [Queue]. Child is required.
type QueueConfig struct {
	// Cases are the names of those to run, in their order in [QueueCases].
	//
	// Defaults to all; with Quick to the first two.
	Cases []string

	// For is the time for which each side of a comparison is measured.
	//
	// Defaults to 6 seconds; with Quick to 1.6.
	For time.Duration

	// Quick makes the defaults of a run such that it ends in under 30 seconds.
	Quick bool

	// Producers is the number of goroutines that accept, and of those that append to the bare log. Each waits for the disk.
	//
	// Defaults to 64.
	Producers int

	// Body is the size of a payload in bytes, where a case does not say otherwise.
	//
	// Defaults to 2048.
	Body int

	// Large is the size of a large payload in bytes.
	//
	// Defaults to 25,000,000, which is the most that a queue takes.
	Large int

	// Waiting is the number of deliveries that wait where a case speaks of a million. Where it speaks of ten
	// millions, there are ten times as many.
	//
	// Defaults to 1,000,000.
	Waiting int

	// SpaceAfter is the time from the end of the drain to when the space it has left is measured.
	//
	// Defaults to 60 seconds.
	SpaceAfter time.Duration

	// Seed chooses the payloads.
	Seed uint64

	// Dir is where the data directories are made; they are removed at the end. The figures depend on how fast
	// the disk under it syncs.
	//
	// Defaults to the directory for temporary files.
	Dir string

	// Child makes the command of a process that calls [QueueChild] with its standard input and output. Every
	// queue that is measured is in a process of its own.
	Child func(context.Context) (*exec.Cmd, error)

	// Profile is the name of a file for a CPU profile of the measured process: of the last slice of a case, or of the
	// whole drain. With several cases, the last one's stays. None is made if it is empty.
	Profile string

	// Progress is told what is going on, in words for people. Nil tells nobody.
	Progress func(format string, args ...any)
}

// queueCases are the cases of [Queue], in the order in which they run.
var queueCases = []struct {
	name string
	run  func(*queueRun, context.Context, *QueueResult) error
}{
	{"steady", (*queueRun).steady},
	{"steady_behind_1m", func(run *queueRun, ctx context.Context, r *QueueResult) error {
		return run.behind(ctx, r, run.config.Waiting)
	}},
	{"steady_behind_10m", func(run *queueRun, ctx context.Context, r *QueueResult) error {
		return run.behind(ctx, r, 10*run.config.Waiting)
	}},
	{"large", (*queueRun).large},
	{"drain", (*queueRun).drain},
	{"reschedule", (*queueRun).reschedule},
	{"restart", (*queueRun).restart},
	{"space", (*queueRun).space},
	{"park", (*queueRun).park},
}

// QueueCases returns the names of the cases of [Queue].
func QueueCases() []string {
	names := make([]string, len(queueCases))
	for i := range queueCases {
		names[i] = queueCases[i].name
	}
	return names
}

// quickCases is how many of the cases a quick run has.
const quickCases = 2

func (c QueueConfig) withDefaults() QueueConfig {
	if c.Quick {
		c.For = cmp.Or(c.For, 1600*time.Millisecond)
		if len(c.Cases) == 0 {
			c.Cases = QueueCases()[:quickCases]
		}
	}
	if len(c.Cases) == 0 {
		c.Cases = QueueCases()
	}
	c.For = cmp.Or(c.For, 6*time.Second)
	c.Producers = cmp.Or(c.Producers, 64)
	c.Body = cmp.Or(c.Body, 2048)
	c.Large = cmp.Or(c.Large, largestBody)
	c.Waiting = cmp.Or(c.Waiting, 1_000_000)
	c.SpaceAfter = cmp.Or(c.SpaceAfter, time.Minute)
	if c.Progress == nil {
		c.Progress = func(string, ...any) {}
	}
	return c
}

func (c *QueueConfig) validate() error {
	var p problems
	for _, name := range c.Cases {
		p.check(slices.Contains(QueueCases(), name), "there is no case %q; use some of %s", name, strings.Join(QueueCases(), ", "))
	}
	p.check(c.For > 0, "For is %v; use a time above 0", c.For)
	p.check(c.Producers > 0 && c.Producers <= maxProducers, "Producers is %d; use 1 to %d", c.Producers, maxProducers)
	p.check(c.Body > 0 && c.Body <= maxQueueBody, "Body is %d; use 1 to %d", c.Body, maxQueueBody)
	p.check(c.Large > 0 && c.Large <= largestBody, "Large is %d; use 1 to %d", c.Large, largestBody)
	p.check(c.Waiting >= leastQueued && c.Waiting%leastQueued == 0, "Waiting is %d; use a multiple of %d", c.Waiting, leastQueued)
	p.check(c.SpaceAfter > 0, "SpaceAfter is %v; use a time above 0", c.SpaceAfter)
	p.check(c.Child != nil, "Child is missing")
	if c.Dir != "" {
		info, err := os.Stat(c.Dir)
		p.check(err == nil && info.IsDir(), "Dir %q is not a directory", c.Dir)
	}
	return p.err()
}

const (
	maxProducers = 2000 // fewer than the accepts that a queue takes at a time
	largestBody  = 25_000_000
	maxQueueBody = 1 << 20 // what a segment of the bare log has room for, many times

	// leastQueued makes a backlog divide evenly into tenths of whole batches.
	leastQueued = 1000
)

// QueueResult is what [Queue] measured in one case. What a case has beside the figures of all is in one of the parts that are
// not nil; in JSON all are members of one object.
type QueueResult struct {
	Case string `json:"case"`

	// Rate is messages accepted and settled per second; in the cases drain, reschedule and space deliveries taken and
	// settled. LogRate is the payloads per second that the bare log makes durable in the same run, of the same size and
	// from as many producers, and Ratio the first by the second: the median of those of neighbouring slices, where there are slices.
	Rate    float64 `json:"rate"`
	LogRate float64 `json:"log_rate"`
	Ratio   float64 `json:"ratio"`

	// P99 is of an accept, from the call to its return; in the cases drain, reschedule and space of a Take. It is in
	// milliseconds, the median of the slices. LogP99 is of an append to the bare log.
	P99    float64 `json:"p99_ms"`
	LogP99 float64 `json:"log_p99_ms"`

	// WrittenPerByte is the bytes written to all files of the store by the bytes of the payloads accepted in the same time; in
	// the cases drain, reschedule and space by those of the backlog. Log, Flushed and CompactedPerByte are what of it went to the
	// write-ahead log, and to tables from memory and from tables; the rest is files of large payloads.
	WrittenPerByte   float64 `json:"written_per_byte"`
	LogPerByte       float64 `json:"log_per_byte"`
	FlushedPerByte   float64 `json:"flushed_per_byte"`
	CompactedPerByte float64 `json:"compacted_per_byte"`

	// RSS is the resident memory of the process that has the queue, at the end of what was measured, and PeakRSS the
	// most it ever was; in MB of 10^6 bytes, 0 where the system does not tell.
	RSS     float64 `json:"rss_mb"`
	PeakRSS float64 `json:"peak_rss_mb"`

	// CPU is the processor time of that process for 10,000 of what Rate counts, in seconds, with all that goes on behind.
	CPU float64 `json:"cpu_s_per_10k"`

	// Lost is messages or deliveries that were accepted and are gone without having been settled.
	Lost int64 `json:"lost"`

	// Waiting is the deliveries that nobody takes, or that are drained, and FillRate how many of them a second were accepted, in calls of a
	// hundred messages; 0 where there are none.
	Waiting  int64   `json:"waiting"`
	FillRate float64 `json:"fill_rate"`

	*QueueBehind
	*QueueLarge
	*QueueDrain
	*QueueRestart
	*QueueSpace
	*QueuePark

	Seconds   float64 `json:"seconds"` // measured of the queue's side
	Producers int     `json:"producers"`
	BodyBytes int     `json:"body_bytes"` // of a payload
}

// QueueBehind is what [QueueResult] has of deliveries of dead endpoints behind those that are made: the rate and the 99th percentile of
// an accept by those of an empty queue that was measured in the same run, the medians of those of neighbouring slices.
type QueueBehind struct {
	EmptyRate    float64 `json:"empty_rate"`
	OverEmpty    float64 `json:"rate_over_empty"`
	EmptyP99     float64 `json:"empty_p99_ms"`
	P99OverEmpty float64 `json:"p99_over_empty"`
	EmptyRSS     float64 `json:"empty_rss_mb"`
}

// QueueLarge is what [QueueResult] has of payloads of 25 MB beside small ones, one every half second. Rate and P99 of the result are
// those of the small ones beside them. The ratios are to the same without them, the medians of those of neighbouring slices.
type QueueLarge struct {
	AloneRate    float64 `json:"alone_rate"`
	OverAlone    float64 `json:"rate_over_alone"`
	AloneP99     float64 `json:"alone_p99_ms"`
	P99OverAlone float64 `json:"p99_over_alone"`
	LargeP50     float64 `json:"large_p50_ms"` // of an accept
	Large        int     `json:"large"`        // how many were accepted
	LargeBytes   int     `json:"large_bytes"`
}

// QueueDrain is what [QueueResult] has of a backlog that gets smaller.
type QueueDrain struct {
	// Tenths are the rates of ten equal parts of the backlog, and LastOverFirst the last of them by the first. TenthsCPU is
	// the processor time of the process for 10,000 deliveries of each part, in seconds, which other programs on the machine disturb less.
	Tenths        []float64 `json:"tenths"`
	LastOverFirst float64   `json:"last_over_first"`
	TenthsCPU     []float64 `json:"tenths_cpu_s_per_10k"`

	// ManyRate, ManyTenths and ManyLastOverFirst are the same of a backlog spread over very many endpoints, where
	// the rest is about a single one.
	ManyRate          float64   `json:"many_rate,omitempty"`
	ManyTenths        []float64 `json:"many_tenths,omitempty"`
	ManyLastOverFirst float64   `json:"many_last_over_first,omitempty"`
}

// QueueRestart is what [QueueResult] has of a process that was killed with a tenfold backlog and started again. Rate and P99 of the result
// are measured after that.
type QueueRestart struct {
	// FirstDelivery is the time from the start of the process to the first delivery in hand with its payload, and Open that of opening the
	// database and the queue, in milliseconds.
	FirstDelivery float64 `json:"first_delivery_ms"`
	Open          float64 `json:"open_ms"`

	// RSSFewer is the resident memory with a tenth of the backlog, measured like that of the result, when as much was accepted after the
	// start, and RSSOverFewer the latter by it.
	RSSFewer     float64 `json:"rss_1m_mb"`
	RSSOverFewer float64 `json:"rss_over_1m"`

	// Bytes is the bytes of the tables on disk that each waiting delivery takes, without its payload.
	Bytes float64 `json:"bytes_per_delivery"`
}

// QueueSpace is what [QueueResult] has of the space on disk, in MB of 10^6 bytes, without the files of the write-ahead log, which are
// recycled and of a fixed number.
type QueueSpace struct {
	Peak    float64 `json:"peak_mb"`        // from the first accept on
	Left    float64 `json:"left_mb"`        // After seconds after the drain
	Share   float64 `json:"left_over_peak"` // Left by Peak
	Log     float64 `json:"log_mb"`         // the files of the write-ahead log at that time
	After   float64 `json:"after_s"`        // seconds
	Reached float64 `json:"reached_s"`      // seconds after the drain when a twentieth of the peak was left; -1: it was more all the time
}

// QueuePark is what [QueueResult] has of parking a backlog of one endpoint and unparking it again, in milliseconds: the medians
// of several rounds, and the most. Rate of the result is the deliveries by the first.
type QueuePark struct {
	Park       float64 `json:"park_ms"`
	Unpark     float64 `json:"unpark_ms"`
	ParkMost   float64 `json:"park_max_ms"`
	UnparkMost float64 `json:"unpark_max_ms"`
}

// Queue measures package queue by itself, on a store that is opened as the engine opens it, in processes of their own, and calls report with the
// result of each case when it is there. Beside each, in the same run, a bare log appends payloads of the same size
// from as many producers with the fewest syncs that make them durable: what the disk can do.
//
//   - steady: messages for a thousand endpoints are accepted, taken as they are announced, and settled as Done with a record of
//     their attempt.
//   - steady_behind_1m, steady_behind_10m: the same while a million, and ten, deliveries of a thousand other endpoints wait that
//     nobody takes, in slices that alternate with those of an empty queue and of the log.
//   - large: the same, with and without a payload of 25 MB every half second.
//   - drain: a million deliveries of a single endpoint, and a million of a thousand, each from the disk.
//   - reschedule: a million deliveries are taken and settled to be due again in half an hour.
//   - restart: ten million waiting, kill -9, start.
//   - park: a million deliveries of one endpoint are parked and unparked, over and over.
//   - space: what a million deliveries leave on disk. Records of attempts would be kept, so there are none here.
func Queue(ctx context.Context, c QueueConfig, report func(QueueResult) error) error {
	c = c.withDefaults()
	if err := c.validate(); err != nil {
		return err
	}
	for _, each := range queueCases {
		if !slices.Contains(c.Cases, each.name) {
			continue
		}
		c.Progress("case %s", each.name)
		result := QueueResult{Case: each.name, Producers: c.Producers, BodyBytes: c.Body}
		if err := runQueueCase(ctx, c, &result, each.run); err != nil {
			return fmt.Errorf("bench: queue: case %s: %w", each.name, err)
		}
		if err := report(result); err != nil {
			return err
		}
	}
	return nil
}

func runQueueCase(ctx context.Context, c QueueConfig, result *QueueResult, measure func(*queueRun, context.Context, *QueueResult) error) (err error) {
	run := &queueRun{config: c}
	defer func() { err = errors.Join(err, run.close()) }()
	if err := run.open(); err != nil {
		return err
	}
	return measure(run, ctx, result)
}
