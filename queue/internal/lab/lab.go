// Package lab is the back door of package queue for its crash test, which has to stand between two steps of a queue, and
// to show that it would notice if the queue had been written with a mistake. Nobody else can import it.
package lab

import "time"

// Defect is a mistake that the queue could have been written with.
type Defect uint8

// The defects. None is a queue as it is.
const (
	None Defect = iota

	AcceptWithoutSync       // an accept is acknowledged when it is committed, and not durable
	AcknowledgeBeforeCommit // an accept is acknowledged and handed over, and committed after that
	KeyAfterMessage         // an idempotency key is written after its message, in a batch of its own
	KeyBeforeMessage        // or before it
	CursorWithoutWatermark  // a scan reads beyond the oldest write in progress
	SweepWithoutLetters     // a sweep forgets that dead letters refer to payloads
	SnapshotBeforeHorizon   // a sweep has a horizon that its snapshot was too early for
	SnapshotBesideOutcomes  // a sweep takes its snapshot while outcomes are being committed
	PayloadOfTheLastButOne  // a young payload goes although one of its deliveries is open
	LetterBeforeResend      // a letter that is sent again is removed first, in a batch of its own
	LetterAfterResend       // or last
	FileBeforeDeletion      // a payload file is removed when the deletion of its row is committed, and not durable
	PartBeforeDeliveries    // a part of a large fan-out is removed first, in a batch of its own
	PartAfterDeliveries     // or last
	WaterAboveTheHeld       // a low-water mark is moved past deliveries that are in hand or parked
	OutcomeInTwo            // a delivery that is due again leaves its old place first, in a batch of its own
	PurgeWithoutSync        // a purge returns when it is committed, and not durable
	ParkWithoutSync         // so do a park and an unpark
	ParkWithTheHeld         // a park takes what is in hand along
	UnparkWithoutOne        // an unpark forgets the range that was parked first
	SweepWithoutParked      // a sweep forgets that what is parked refers to payloads
	SweepWithoutParts       // or that what is not expanded of large fan-outs does
	RowBeforeFile           // the name of a payload file is synced when its row is durable, and not before
)

// Step is a place between two steps of a queue.
type Step uint8

const (
	Somewhere Step = iota
	// OutcomesBegin is just before a batch of outcomes is committed, OutcomesEnd just after that, or after it was refused.
	OutcomesBegin
	OutcomesEnd
	// Snapshot is just before a sweep takes its snapshot.
	Snapshot
	// Between is between two batches of a defect.
	Between
)

// Setup is what is different about a queue.
type Setup struct {
	Defect Defect
	Now    func() time.Time // time.Now if it is nil

	MaxDirect    int // the largest fan-out that the accept writes; 0: as it is
	MaxPart      int // the deliveries of a part of a larger one; 0: as it is
	LowWaterStep int // settlements between two moves of a low-water mark; 0: as it is

	// At is called at every step, from several goroutines at once and possibly with locks held. Nil is never called.
	At func(Step)
}

// Prepare changes a *queue.Options, for a queue that is opened with them. Package queue sets it.
var Prepare func(options any, s Setup)
