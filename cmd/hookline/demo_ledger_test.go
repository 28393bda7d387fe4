package main

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

// numberedDemoApps are the apps with the numbers 1, 2, 3... for their webhooks.
func numberedDemoApps() demoApps {
	apps := newDemoApps()
	id := int64(0)
	for _, a := range apps {
		for _, w := range a.webhooks {
			id++
			w.id = id
		}
	}
	return apps
}

const (
	ciApp    = 0
	flakyApp = 2
)

// published is a ledger with event 1, owed to ci for webhooks 1 and 2, and to flaky for 7.
func published(t *testing.T) *demoLedger {
	t.Helper()
	l := newDemoLedger(numberedDemoApps())
	l.sent(1, []byte(`{"a":1}`), [][]int64{{1, 2}, nil, {7}})
	return l
}

func visit(identifier string, retry int, ids ...int64) *demoVisit {
	return &demoVisit{identifier: identifier, retry: retry, ids: ids, body: []byte(`{"a":1,"matchedWebhookIds":[]}`)}
}

func (l *demoLedger) want(t *testing.T, want demoSummary) {
	t.Helper()
	got := l.summary()
	got.P50, got.P99 = 0, 0
	if got != want {
		t.Errorf("got %+v, want %+v\n%s", got, want, strings.Join(l.complaints(), "\n"))
	}
}

func TestDemoLedgerCounts(t *testing.T) {
	l := published(t)
	if status := l.arrived(1, ciApp, visit("x", 0, 1, 2)); status != 200 {
		t.Errorf("ci answered %d", status)
	}
	l.want(t, demoSummary{}) // nothing is owed before the server said so
	l.accepted(1, demoReceipt{Matched: 3, Deliveries: 2})
	l.want(t, demoSummary{Published: 1, Matched: 2, Delivered: 1, Lost: 1})

	if status := l.arrived(1, flakyApp, visit("y", 0, 7)); status != 503 {
		t.Errorf("flaky answered %d", status)
	}
	all := l.drained()
	select {
	case <-all:
		t.Error("drained, but a delivery is owed")
	default:
	}
	if status := l.arrived(1, flakyApp, visit("y", 1, 7)); status != 200 {
		t.Errorf("flaky answered %d to the retry", status)
	}
	<-all
	l.want(t, demoSummary{Published: 1, Matched: 2, Delivered: 2, Retried: 1})

	l.arrived(1, ciApp, visit("x", 0, 1, 2))
	l.want(t, demoSummary{Published: 1, Matched: 2, Delivered: 2, Retried: 1, Duplicates: 1})
}

func TestDemoLedgerForgets(t *testing.T) {
	l := newDemoLedger(numberedDemoApps())
	for n := range int64(demoKeptEvents + 10) {
		l.sent(n+1, []byte(`{"a":1}`), [][]int64{{1}, nil, nil})
		l.accepted(n+1, demoReceipt{Matched: 1, Deliveries: 1})
		l.arrived(n+1, ciApp, visit(demoTrace(n), 0, 1))
	}
	if len(l.events) != demoKeptEvents || len(l.owners) != demoKeptEvents {
		t.Errorf("%d events and %d identifiers are kept", len(l.events), len(l.owners))
	}
	l.arrived(1, ciApp, visit(demoTrace(0), 0, 1))
	if s := l.summary(); s.Duplicates != 1 || s.Delivered != demoKeptEvents+10 || s.VerificationFailures != 0 {
		t.Errorf("%+v %v", s, l.complaints())
	}
}

func TestDemoLedgerComplains(t *testing.T) {
	tests := map[string]struct {
		do   func(*demoLedger)
		want string
	}{
		"webhook missing":    {func(l *demoLedger) { l.arrived(1, ciApp, visit("x", 0, 1)) }, "names the webhooks [1] where [1 2] are expected"},
		"webhook of another": {func(l *demoLedger) { l.arrived(1, ciApp, visit("x", 0, 1, 2, 7)) }, "names the webhooks [1 2 7]"},
		"not owed":           {func(l *demoLedger) { l.arrived(1, 1, visit("x", 0, 4)) }, "event 1 to chat: it names the webhooks [4] where []"},
		"no identifier":      {func(l *demoLedger) { l.arrived(1, ciApp, visit("", 0, 1, 2)) }, "no identifier"},
		"identifier of another": {func(l *demoLedger) {
			l.arrived(1, ciApp, visit("x", 0, 1, 2))
			l.arrived(1, flakyApp, visit("x", 0, 7))
		}, "its identifier is that of event 1 to ci"},
		"identifier changes": {func(l *demoLedger) {
			l.arrived(1, flakyApp, visit("x", 0, 7))
			l.arrived(1, flakyApp, visit("y", 1, 7))
		}, "its identifier was x and is now y"},
		"first retry is 1": {func(l *demoLedger) { l.arrived(1, ciApp, visit("x", 1, 1, 2)) }, "says retry 1 after 0 attempts"},
		"retry not said": {func(l *demoLedger) {
			l.arrived(1, flakyApp, visit("x", 0, 7))
			l.arrived(1, flakyApp, visit("x", 0, 7))
		}, "says retry 0 after 1 attempts"},
		"body changed": {func(l *demoLedger) {
			v := visit("x", 0, 1, 2)
			v.body = []byte(`{"a":2,"matchedWebhookIds":[]}`)
			l.arrived(1, ciApp, v)
		}, "its body is not the one that was published"},
		"body unreadable": {func(l *demoLedger) {
			v := visit("x", 0, 1, 2)
			v.err = errors.New("no JSON")
			l.arrived(1, ciApp, v)
		}, "event 1 to ci: no JSON"},
		"never published":    {func(l *demoLedger) { l.arrived(2, ciApp, visit("x", 0, 1, 2)) }, "ci was sent event 2, which was not published"},
		"too few webhooks":   {func(l *demoLedger) { l.accepted(1, demoReceipt{Matched: 2, Deliveries: 2}) }, "where 3 and 2 are expected"},
		"too few deliveries": {func(l *demoLedger) { l.accepted(1, demoReceipt{Matched: 3, Deliveries: 1}) }, "where 3 and 2 are expected"},
		"not accepted":       {func(l *demoLedger) { l.refused(1, errors.New("500")) }, "event 1 was not accepted: 500"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			l := published(t)
			test.do(l)
			found := slices.ContainsFunc(l.complaints(), func(c string) bool { return strings.Contains(c, test.want) })
			if !found || l.summary().VerificationFailures == 0 || l.summary().verdict() == nil {
				t.Errorf("%+v %v", l.summary(), l.complaints())
			}
		})
	}
}

func TestDemoLedgerLeavesOthersWebhooksAlone(t *testing.T) {
	l := published(t)
	l.accepted(1, demoReceipt{Matched: 5, Deliveries: 3})
	l.arrived(1, ciApp, visit("x", 0, 1, 2, 1008))
	l.arrived(1, 1, visit("z", 0, 1009))
	l.arrived(1, flakyApp, visit("y", 0, 7))
	l.arrived(1, flakyApp, visit("y", 1, 7))
	l.want(t, demoSummary{Published: 1, Matched: 3, Delivered: 3, Retried: 1})
}
