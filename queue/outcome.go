package queue

import (
	"fmt"
	"time"
)

// Verdict is what becomes of a delivery after it was in hand.
type Verdict uint8

const (
	Done  Verdict = iota + 1 // delivered: it is gone
	Again                    // due again, at Outcome.At
	Dead                     // given up: it becomes a dead letter
)

// String returns "done", "again" or "dead".
func (v Verdict) String() string {
	switch v {
	case Done:
		return "done"
	case Again:
		return "again"
	case Dead:
		return "dead"
	}
	return fmt.Sprintf("Verdict(%d)", uint8(v))
}

// Reason is why a delivery was given up. The set is closed; the numbers are on disk.
type Reason uint8

const (
	Rejected    Reason = iota + 1 // the receiver said no, for good
	Exhausted                     // all attempts, or all the time for them, are used up
	Unsendable                    // no request can be made of it, or none is allowed
	Gone                          // the endpoint does not exist any more
	PayloadLost                   // the payload cannot be read
	Disabled                      // the endpoint was switched off
	Corrupt                       // what is stored of the delivery itself cannot be read: its history and note are lost; or it may have been parked

	lastReason = Corrupt
)

var reasonNames = [...]string{"", "rejected", "exhausted", "unsendable", "gone", "payload lost", "disabled", "corrupt"}

// String returns the reason in lower case words.
func (r Reason) String() string {
	if r == 0 || r > lastReason {
		return fmt.Sprintf("Reason(%d)", uint8(r))
	}
	return reasonNames[r]
}

// Outcome is how a delivery in hand ends.
type Outcome struct {
	Verdict Verdict
	// At is when the delivery is due again, for Again. A time in the past means now.
	At time.Time
	// Status is the status of the attempt, kept as Delivery.LastStatus. 0 means there was none.
	Status int
	// Reason is needed for Dead.
	Reason Reason
	// Attempted counts the attempt, and unless the verdict is Done as a failed one.
	Attempted bool
	// Record is kept in the attempt log with this settlement; nil writes none. It must not be changed afterwards.
	Record []byte
}

func (o Outcome) validate() error {
	switch {
	case o.Verdict < Done || o.Verdict > Dead:
		return fmt.Errorf("queue: settle: %v", o.Verdict)
	case o.Verdict == Dead && (o.Reason == 0 || o.Reason > lastReason):
		return fmt.Errorf("queue: settle: dead without a reason: %v", o.Reason)
	}
	return nil
}
