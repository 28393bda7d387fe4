package crashtest

import (
	"slices"
	"sync"

	"hookline/queue"
)

// claim is a dead letter, or something delivered, that this hand alone does something to.
type claim struct {
	debt   *debt
	event  queue.EventID
	state  int // what is to come of it
	letter *queue.DeadLetter
}

// claim makes a debt this hand's, if nobody else does anything to it. One of a message whose accept has not returned cannot be
// sent again, and a purge that has begun may remove what is sent again now.
func (h *hand) claim(d *debt, next state) (claim, bool) {
	if d.busy || d.purged || d.moved || h.parking[d.endpoint] != nil || !d.of.over || h.model.purge(d.endpoint).running > 0 {
		return claim{}, false
	}
	_, last := d.last()
	next.records = last.records
	d.busy = true
	return claim{debt: d, event: d.of.event, state: d.add(next)}, true
}

// letters claims some dead letters, for which there is a next state.
func (h *hand) letters(n int, next state) (claims []claim, err error) {
	s := queue.Select{Oldest: h.rng.IntN(2) == 0}
	err = h.q.DeadLetters(s, func(l queue.DeadLetter) bool {
		h.note(func() {
			d := h.find(l.Note)
			if d == nil {
				return
			}
			if _, last := d.last(); last.place != letter || last.attempts != l.Attempts {
				return // the list is older than what was done since
			}
			if c, ok := h.claim(d, next); ok {
				c.letter, c.event = &l, l.Event
				claims = append(claims, c)
			}
		})
		return len(claims) < n && h.ctx.Err() == nil
	})
	return claims, err
}

var sentAgain = state{place: waiting, lane: queue.Replay, durable: true}

func (h *hand) resendLetters() {
	claims, _ := h.letters(1+h.rng.IntN(3), sentAgain)
	h.resend(claims)
}

// resendDelivered sends again what was delivered and is kept.
func (h *hand) resendDelivered() {
	if h.plan.options.KeepDelivered == 0 {
		return
	}
	var claims []claim
	h.note(func() {
		for _, msg := range h.messages {
			for _, d := range msg.debts {
				if i, last := d.last(); last.done && i == d.sure && msg.known && h.rng.IntN(4) == 0 {
					if c, ok := h.claim(d, sentAgain); ok {
						claims = append(claims, c)
					}
				}
			}
			if len(claims) > 2 {
				return
			}
		}
	})
	h.resend(claims)
}

// resend sends claims again, some of them twice in a call, and letters in two calls at once. One of the times each must be sent.
func (h *hand) resend(claims []claim) {
	if len(claims) == 0 {
		return
	}
	rs := make([]queue.Resend, len(claims), len(claims)+1)
	for i, c := range claims {
		d := c.debt
		rs[i] = queue.Resend{Event: c.event, Endpoint: d.endpoint, Note: noteOf(d.of.name, d.endpoint), Letter: c.letter}
	}
	if h.rng.IntN(4) == 0 {
		rs = append(rs, rs[0])
	}
	sent := make([]int, len(claims))
	var mu sync.Mutex
	var failed error
	var calls sync.WaitGroup
	times := 1
	if claims[0].letter != nil && h.rng.IntN(4) == 0 {
		times = 2 // what was delivered may be sent, delivered and sent again
	}
	for range times {
		calls.Go(func() {
			made, err := h.q.Resend(h.ctx, rs)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				failed = err
				return
			}
			for i, ok := range made {
				if ok {
					sent[i%len(claims)]++
				}
			}
		})
	}
	calls.Wait()
	for i, c := range claims {
		h.ended(c, sent[i], failed)
	}
}

// ended notes how often something was done to a claim: once, unless the letter was an old one.
func (h *hand) ended(c claim, times int, failed error) {
	stands := times == 0 && failed == nil && (c.letter == nil || h.stands(*c.letter))
	h.note(func() {
		c.debt.busy = false
		switch {
		case times > 1 || stands:
			h.report.breach(Other, "%v, which was %v, was sent again or discarded %d times", c.debt, c.debt.states[c.debt.sure], times)
		case times == 1:
			c.debt.reached(c.state)
		case failed == nil:
			c.debt.states[c.state].void = true
		}
	})
}

// stands says that a letter is still there.
func (h *hand) stands(l queue.DeadLetter) (found bool) {
	err := h.q.DeadLetters(queue.Select{Endpoints: []queue.EndpointID{l.Endpoint}}, func(other queue.DeadLetter) bool {
		found = other.Mark == l.Mark
		return !found
	})
	return found && err == nil
}

func (h *hand) discard() {
	claims, _ := h.letters(1, state{place: gone})
	if len(claims) == 0 {
		return
	}
	c := claims[0]
	letters := slices.Repeat([]queue.DeadLetter{*c.letter}, 1+h.rng.IntN(2))
	n, err := h.q.Discard(letters)
	h.ended(c, n, err)
}
