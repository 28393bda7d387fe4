package engine

import (
	"bytes"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"hookline/engine/webhook"
	"hookline/queue"
)

// What is kept of an attempt comes back as it was, to the microsecond, with its texts cut to their bounds.
func TestRecordRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a := randomAttempt(t)
		note := rapid.SliceOfN(rapid.Byte(), 0, 20).Draw(t, "note")
		got, err := parseRecord(appendRecord(nil, a, note))
		if err != nil {
			t.Fatal(err)
		}
		want := record{
			start: a.Start, accepted: a.Accepted, next: a.Next, duration: a.Duration, settled: a.Settled, outcome: a.Outcome,
			status: a.Status, sent: a.Sent, received: a.Received, note: note, answer: a.Answer[:min(len(a.Answer), maxRecordAnswer)],
		}
		if a.Err != nil {
			text := a.Err.Error()
			want.problem = strings.ToValidUTF8(text[:min(len(text), maxRecordError)], "\ufffd")
		}
		if !equalRecords(&got, &want) {
			t.Fatalf("got  %+v\nwant %+v", got, want)
		}
	})
}

func randomAttempt(t *rapid.T) *webhook.Attempt {
	micros := func(name string, from, to int64) time.Time {
		return time.UnixMicro(rapid.Int64Range(from, to).Draw(t, name))
	}
	a := &webhook.Attempt{
		Start: micros("start", 0, 1<<52), Accepted: micros("accepted", 0, 1<<52), Settled: rapid.Bool().Draw(t, "settled"),
		Duration: time.Duration(rapid.Int64Range(0, 1<<40).Draw(t, "duration")) * time.Microsecond,
		Outcome:  rapid.SampledFrom(webhook.Outcomes).Draw(t, "outcome"), Status: rapid.IntRange(0, 999).Draw(t, "status"),
		Sent: rapid.IntRange(0, 1<<30).Draw(t, "sent"), Received: rapid.IntRange(0, 1<<30).Draw(t, "received"),
		Answer: rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(t, "answer"),
	}
	if rapid.Bool().Draw(t, "more") {
		a.Next = micros("next", 0, 1<<52)
	}
	if rapid.Bool().Draw(t, "broken") {
		a.Err = errors.New(rapid.StringN(0, -1, 400).Draw(t, "error"))
	}
	return a
}

func equalRecords(a, b *record) bool {
	x, y := *a, *b
	x.start, x.accepted, x.next, x.answer, x.note = time.Time{}, time.Time{}, time.Time{}, nil, nil
	y.start, y.accepted, y.next, y.answer, y.note = time.Time{}, time.Time{}, time.Time{}, nil, nil
	return reflect.DeepEqual(x, y) && a.start.Equal(b.start) && a.accepted.Equal(b.accepted) && a.next.Equal(b.next) &&
		bytes.Equal(a.answer, b.answer) && bytes.Equal(a.note, b.note)
}

// Every outcome has a number on disk, so that none is taken for another when one is added.
func TestRecordsKnowAllOutcomes(t *testing.T) {
	t.Parallel()
	for _, o := range webhook.Outcomes {
		r, err := parseRecord(appendRecord(nil, &webhook.Attempt{Outcome: o, Start: time.UnixMicro(5)}, nil))
		if err != nil || r.outcome != o {
			t.Errorf("%s comes back as %s, %v", o, r.outcome, err)
		}
	}
	if len(recordOutcomes) != len(webhook.Outcomes) {
		t.Errorf("%d numbers for %d outcomes", len(recordOutcomes), len(webhook.Outcomes))
	}
}

// Bytes that are no record are refused, and what is accepted reads the same again after it was written anew.
func FuzzParseRecord(f *testing.F) {
	full := &webhook.Attempt{
		Start: time.UnixMicro(1_772_000_000_000_000), Accepted: time.UnixMicro(1_771_999_999_000_000), Next: time.UnixMicro(1_772_000_005_000_000),
		Duration: 12 * time.Millisecond, Status: 503, Outcome: webhook.ServerError, Sent: 2000, Received: 17, Answer: []byte("try again later"),
	}
	f.Add(appendRecord(nil, full, []byte{0xe8, 0x07}))
	f.Add(appendRecord(nil, &webhook.Attempt{Outcome: webhook.ConnectFailed, Err: errors.New("refused"), Settled: true}, nil))
	f.Add([]byte{})
	f.Add([]byte{recordVersion, 0, 1})
	f.Add([]byte{recordVersion, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := parseRecord(b)
		if err != nil {
			return
		}
		a := &webhook.Attempt{
			Start: r.start, Accepted: r.accepted, Next: r.next, Duration: r.duration, Settled: r.settled, Outcome: r.outcome,
			Status: r.status, Sent: r.sent, Received: r.received, Answer: r.answer,
		}
		if r.problem != "" {
			a.Err = errors.New(r.problem[:min(len(r.problem), maxRecordError)])
			r.problem = strings.ToValidUTF8(a.Err.Error(), "\ufffd")
		}
		again, err := parseRecord(appendRecord(nil, a, r.note))
		if err != nil || !equalRecords(&r, &again) {
			t.Fatalf("%+v comes back as %+v, %v", r, again, err)
		}
	})
}

// The name of a delivery leads back to its numbers; other texts lead nowhere, or to numbers that were never given out.
func TestIdentifiersLeadBack(t *testing.T) {
	t.Parallel()
	names := newIdentifiers([16]byte{1, 2, 3})
	rapid.Check(t, func(t *rapid.T) {
		ev, ep := queue.EventID(rapid.Uint64().Draw(t, "event")), queue.EndpointID(rapid.Uint64().Draw(t, "endpoint"))
		name := names.delivery(ev, ep)
		if gotEvent, gotEndpoint, ok := names.parse(name); !ok || gotEvent != ev || gotEndpoint != ep {
			t.Fatalf("%s leads to %d, %d, %v", name, gotEvent, gotEndpoint, ok)
		}
		for _, other := range []string{"", name[1:], name + "0", strings.ToUpper(name), strings.ReplaceAll(name, "-", "0"), "x" + name[1:]} {
			if _, _, ok := names.parse(other); ok && other != name {
				t.Fatalf("%q is taken for a name", other)
			}
		}
	})
	if _, ep, ok := newIdentifiers([16]byte{4}).parse(names.delivery(1, 2)); !ok || ep == 2 {
		t.Error("another store's name leads to the same numbers")
	}
}
