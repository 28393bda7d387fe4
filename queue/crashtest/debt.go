package crashtest

import (
	"encoding/binary"
	"fmt"

	"hookline/queue"
)

// name is what the world calls a message: the hand that accepts it, and how many it had accepted before.
type name struct{ hand, number int }

func (n name) String() string { return fmt.Sprintf("%d-%d", n.hand, n.number) }

// message is what was accepted, or is to be.
type message struct {
	name    name
	content queue.Message
	debts   []*debt
	order   int           // of its accept among all
	event   queue.EventID // 0: not known
	known   bool          // it is there for certain: acknowledged, or seen
	over    bool          // its accept is not in progress
	large   bool          // its fan-out is expanded in the background
	there   bool          // it has been
}

func (m *message) owes(ep queue.EndpointID) *debt {
	for _, d := range m.debts {
		if d.endpoint == ep {
			return d
		}
	}
	return nil
}

// debt is a message owed to one endpoint. At any time it is in one place: waiting, a dead letter, or gone.
type debt struct {
	of       *message
	endpoint queue.EndpointID
	line     uint64 // order key; 0: none

	// states are what it was and what the calls in progress may make of it, in their order. On the disk is one of them, and
	// none before sure.
	states []state
	sure   int

	// mixed says that its endpoint had a park or an unpark in a life that it was there in the end of. What came later may have passed
	// what was parked, and been tried: for a second after a crash the places of a line are told by events alone, see the clock's floor
	// in the queue, and there what is tried again is before all others, also in the lives that follow.
	mixed bool

	held   bool // in somebody's hands
	busy   bool // somebody is sending it again or discarding it
	purged bool // a purge may have met it while something else was done to it
	moved  bool // a park or unpark may have met it
}

// state is what can be seen of a debt, and what its writer knows.
type state struct {
	place    place
	lane     queue.Lane // if it waits or is parked
	attempts int        // if it is not gone
	records  int        // in the log of attempts

	parked  bool // a dead letter that waits again if it is unparked
	durable bool // it is on the disk before it is handed out
	done    bool // it is gone because it was delivered
	never   bool // it is not there as the accept did not come about
	void    bool // the call turned out to have done nothing
}

type place uint8

const (
	gone place = iota
	waiting
	letter
)

func (s state) String() string {
	switch s.place {
	case waiting:
		return fmt.Sprintf("waiting in lane %v after %d attempts, %d of all logged", s.lane, s.attempts, s.records)
	case letter:
		if s.parked {
			return fmt.Sprintf("parked in lane %v after %d attempts, %d of all logged", s.lane, s.attempts, s.records)
		}
		return fmt.Sprintf("a dead letter after %d attempts, %d of all logged", s.attempts, s.records)
	}
	return fmt.Sprintf("gone with %d attempts logged", s.records)
}

// looksLike compares what can be seen.
func (s state) looksLike(o state) bool {
	return s.place == o.place && s.parked == o.parked && s.lane == o.lane && s.attempts == o.attempts && s.records == o.records
}

func (d *debt) String() string { return fmt.Sprintf("%v for endpoint %d", d.of.name, d.endpoint) }

// arrived reports whether it is a delivery for certain, and not on its way in a large fan-out. Those in line are never.
func (d *debt) arrived() bool { return !d.of.large || d.of.there || d.line != 0 }

// add notes a state to which a call may lead, and returns its place among them.
func (d *debt) add(s state) int {
	d.states = append(d.states, s)
	return len(d.states) - 1
}

// reached notes that a state is on the disk.
func (d *debt) reached(i int) { d.sure = max(d.sure, i) }

// last is the state after all calls.
func (d *debt) last() (int, state) {
	i := len(d.states) - 1
	for i > d.sure && d.states[i].void {
		i--
	}
	return i, d.states[i]
}

// lastWaiting is the last state in which it waits: the one with most attempts logged, as an unpark may bring back older ones.
func (d *debt) lastWaiting() (last state, ok bool) {
	for _, s := range d.states[d.sure:] {
		if s.place == waiting && !s.void && (!ok || s.records >= last.records) {
			last, ok = s, true
		}
	}
	return last, ok
}

func (d *debt) mayWait() bool {
	_, ok := d.lastWaiting()
	return ok
}

// expire makes nothing of the dead letters that it may be.
func (d *debt) expire() {
	for i, s := range d.states {
		if s.place == letter {
			d.states[i] = state{place: gone, records: s.records, void: s.void}
		}
	}
}

// mayBePurged adds that it is gone, with what may have been logged until then.
func (d *debt) mayBePurged() {
	d.purged = true
	logged := map[int]bool{}
	for _, s := range d.states[d.sure:] {
		logged[s.records] = true
	}
	for n := range logged {
		d.add(state{place: gone, records: n})
	}
}

const noteLen = 1 + 4 + 8

// noteOf names a debt. It is the note of its delivery, and its record in the log of attempts.
func noteOf(n name, ep queue.EndpointID) []byte {
	b := binary.BigEndian.AppendUint32([]byte{byte(n.hand)}, uint32(n.number))
	return binary.BigEndian.AppendUint64(b, uint64(ep))
}

func parseNote(b []byte) (name, queue.EndpointID, bool) {
	if len(b) != noteLen {
		return name{}, 0, false
	}
	return name{int(b[0]), int(binary.BigEndian.Uint32(b[1:]))}, queue.EndpointID(binary.BigEndian.Uint64(b[5:])), true
}
