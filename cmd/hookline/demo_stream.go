package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"
)

// demoStream publishes what happens on the site.
type demoStream struct {
	site   *demoSite
	apps   demoApps
	client *demoClient
	ledger *demoLedger
}

// demoLag is how far the stream may fall behind before it stops to catch up.
const demoLag = time.Second

// run publishes at a steady rate until ctx ends, and returns when every event was answered.
func (s *demoStream) run(ctx context.Context, rate int) error {
	var requests sync.WaitGroup
	defer requests.Wait()
	free := make(chan struct{}, demoRequests)
	interval := time.Second / time.Duration(rate)
	timer := time.NewTimer(0)
	defer timer.Stop()
	next := time.Now()
	for sequence := int64(1); ; sequence++ {
		timer.Reset(time.Until(next))
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C:
		}
		now := time.Now()
		if next = next.Add(interval); now.Sub(next) > demoLag {
			next = now
		}
		body := s.site.step(now)
		expected, err := s.apps.expect(body)
		if err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case free <- struct{}{}:
		}
		requests.Go(func() {
			s.publish(context.WithoutCancel(ctx), sequence, body, expected)
			<-free
		})
	}
}

func (s *demoStream) publish(ctx context.Context, sequence int64, body []byte, expected [][]int64) {
	s.ledger.sent(sequence, body, expected)
	receipt, err := s.client.publish(ctx, body, demoTrace(sequence))
	if err != nil {
		s.ledger.refused(sequence, err)
		return
	}
	s.ledger.accepted(sequence, receipt)
}

// The trace of the stream's events is this prefix and the event's number.
const demoTracePrefix = "hookline-demo/"

func demoTrace(sequence int64) string { return fmt.Sprint(demoTracePrefix, sequence) }

// demoSequence is the number in a trace, or false for an event that is not the stream's.
func demoSequence(trace string) (int64, bool) {
	digits, ok := strings.CutPrefix(trace, demoTracePrefix)
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	return n, err == nil && n > 0
}
