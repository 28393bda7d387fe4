package main

import (
	"math"
	"time"
)

// demoLines prints a line every second until it is stopped.
type demoLines struct{ quit, ended chan struct{} }

// demoHeading is how many lines stand under one heading.
const demoHeading = 20

func (p *demoPrinter) watch(l *demoLedger, begin time.Time) *demoLines {
	w := &demoLines{quit: make(chan struct{}), ended: make(chan struct{})}
	go func() {
		defer close(w.ended)
		second := time.NewTicker(time.Second)
		defer second.Stop()
		before := demoTotals{}
		for n := 0; ; n++ {
			select {
			case <-w.quit:
				return
			case now := <-second.C:
				if n%demoHeading == 0 {
					p.printf("%s\n", p.dim("in each second:  published  matched  delivered  retried  waiting       p50       p99"))
				}
				before = p.line(l, before, now.Sub(begin))
			}
		}
	}()
	return w
}

func (w *demoLines) stop() {
	close(w.quit)
	<-w.ended
}

func (p *demoPrinter) line(l *demoLedger, before demoTotals, elapsed time.Duration) demoTotals {
	now, p50, p99 := l.second()
	p.printf("%13.0f s  %9d  %7d  %9d  %7d  %7d  %8s  %8s\n", elapsed.Seconds(),
		now.published-before.published, now.matched-before.matched, now.delivered-before.delivered,
		now.retried-before.retried, now.matched-now.delivered, millis(p50), millis(p99))
	return now
}

// second returns the totals, and the times to the first answer since it was called last.
func (l *demoLedger) second() (t demoTotals, p50, p99 time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	p50, p99 = l.lately.quantile(0.5), l.lately.quantile(0.99)
	l.lately = demoLatency{}
	return l.totals, p50, p99
}

// latencies returns p50 and p99 of the times from sending an event to the first answer of a receiver, and to the
// answer that settled the delivery.
func (l *demoLedger) latencies() (first, whole [2]time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return [2]time.Duration{l.answers.quantile(0.5), l.answers.quantile(0.99)},
		[2]time.Duration{l.arrivals.quantile(0.5), l.arrivals.quantile(0.99)}
}

func (l *demoLedger) summary() demoSummary {
	first, _ := l.latencies()
	l.mu.Lock()
	defer l.mu.Unlock()
	t := l.totals
	return demoSummary{
		Published: t.published, Matched: t.matched, Delivered: t.delivered, Lost: l.lost(),
		Duplicates: t.duplicates, Retried: t.retried,
		P50: round(inMillis(first[0])), P99: round(inMillis(first[1])), VerificationFailures: t.failures,
	}
}

// lost is the number of deliveries that were promised and have not arrived.
func (l *demoLedger) lost() int64 {
	lost := 0
	for _, e := range l.events {
		if e.accepted {
			lost += max(0, e.owed-e.done)
		}
	}
	return int64(lost)
}

func (l *demoLedger) complaints() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.problems
}

// round keeps two digits after the point, more than the figures are good for.
func round(x float64) float64 { return math.Round(x*100) / 100 }
