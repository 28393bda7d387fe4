package crashtest

import (
	"fmt"
	"sync"
)

// Kind is what a breach of the queue's promises is about.
type Kind uint8

const (
	Other          Kind = iota // anything else that package queue promises
	Lost                       // what was acknowledged, or handed out, is not there
	MissingPayload             // a delivery or dead letter without its payload
	Resurrected                // what was settled and synced is back, or what is over was handed out
)

// Breach is one promise that was not kept.
type Breach struct {
	Kind Kind
	Text string
}

// Report is what a round found. Its fields are to be read when the round has ended.
type Report struct {
	Crashes      int
	Acknowledged int // messages
	Verified     int // deliveries and dead letters that were compared after a crash
	Duplicates   int // delivered and not synced at a crash: they are delivered again, as they may be
	Exits        int // lives that ended by a fatal error, see Config.Faults
	Refused      int // openings that ended by one or by another error
	Faults       int // that were injected

	Target string // what they were of

	mu       sync.Mutex
	breaches []Breach
}

// maxBreaches is how many breaches are kept: one often leads to thousands.
const maxBreaches = 20

func (r *Report) breach(k Kind, format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.breaches) < maxBreaches {
		r.breaches = append(r.breaches, Breach{k, fmt.Sprintf(format, args...)})
	}
}

// Breaches returns the first of what went wrong, in their order.
func (r *Report) Breaches() []Breach {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.breaches
}

func (r *Report) failed() bool { return len(r.Breaches()) > 0 }
