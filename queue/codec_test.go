package queue

import (
	"bytes"
	"encoding/binary"
	"math"
	"reflect"
	"testing"
)

func TestStateRoundTrip(t *testing.T) {
	for _, s := range []state{
		{accepted: 1},
		{accepted: 1_900_000_000_000_000, note: []byte("note")},
		{attempts: math.MaxUint16, status: math.MaxUint16, accepted: 5, firstFailure: 5},
		{attempts: 3, status: 503, accepted: 1000, firstFailure: 2_000_000, note: []byte{0}},
	} {
		for _, later := range []micros{0, 1, 1e12} {
			got, err := decodeState(appendState(nil, s, s.accepted+later), s.accepted+later)
			if err != nil || !reflect.DeepEqual(got, s) {
				t.Errorf("%+v became %+v, %v", s, got, err)
			}
			for r := Rejected; r <= lastReason; r++ {
				why, got, err := decodeLetter(appendLetter(nil, r, s, s.accepted+later), s.accepted+later)
				if err != nil || why != r || !reflect.DeepEqual(got, s) {
					t.Errorf("letter %v %+v became %v %+v, %v", r, s, why, got, err)
				}
			}
		}
	}
	for _, due := range []micros{2_000, 2_001, 3_000_000} {
		s := state{attempts: math.MaxUint16, accepted: 1990, firstFailure: 1995, turn: &turn{math.MaxUint64, due}, note: []byte{1}}
		got, err := decodeState(appendState(nil, s, 2_000), 2_000)
		if err != nil || !reflect.DeepEqual(got, s) {
			t.Errorf("%+v became %+v, %v", s, got, err)
		}
		_, got, err = decodeLetter(appendLetter(nil, Rejected, s, 4_000_000), 4_000_000)
		if s.turn = nil; err != nil || !reflect.DeepEqual(got, s) {
			t.Errorf("letter %+v became %+v, %v", s, got, err)
		}
	}
	now := micros(1_900_000_000_000_000)
	if n := len(appendState(nil, state{accepted: now}, now)); n != 4 {
		t.Errorf("a new delivery takes %d bytes", n)
	}
}

func TestRememberedRoundTrip(t *testing.T) {
	m := remembered{fingerprint: math.MaxUint64, event: 7, accepted: 8, deliveries: 9}
	if got, err := decodeRemembered(appendRemembered(nil, m)); err != nil || got != m {
		t.Errorf("%+v became %+v, %v", m, got, err)
	}
}

// Keys sort as the deliveries, dead letters and payloads they stand for.
func TestKeysSort(t *testing.T) {
	var last []byte
	for _, p := range []position{start, {0, 1}, {1, 0}, {255, 9}, {256, 0}, {math.MaxInt64 - 1, math.MaxUint64}, end} {
		k := appendDeliveryKey(nil, 7, Fresh.in(0), p)
		if bytes.Compare(last, k) >= 0 {
			t.Errorf("%v does not sort behind the one before", p)
		}
		if ep, track, got, ok := parseDeliveryKey(k); !ok || ep != 7 || track != Fresh.in(0) || got != p {
			t.Errorf("%v became %v", p, got)
		}
		last = k
	}
	k := appendDeadKey(nil, 3, 1_900_000_000_000_000, 4, Replay)
	if ep, at, id, l, ok := parseDeadKey(k); !ok || ep != 3 || at != 1_900_000_000_000_000 || id != 4 || l != Replay {
		t.Errorf("dead letter became %d %d %d %v %v", ep, at, id, l, ok)
	}
	m := Mark{at: 1_900_000_000_000_000, endpoint: 3, event: 4, number: 5, lane: Replay}
	if got, ok := parseAttemptKey(appendAttemptKey(nil, 3, m.at, 4, 5, Replay)); !ok || got != m {
		t.Errorf("attempt became %+v %v", got, ok)
	}
	k = appendAttemptKey(nil, math.MaxUint64, m.at, 4, 5, Replay)
	hour := hourOf(m.at)
	if bytes.Compare(appendAttemptHour(nil, hour), k) > 0 || bytes.Compare(k, appendAttemptHour(nil, hour+1)) >= 0 ||
		startOfHour(hour) > m.at || startOfHour(hour+1) <= m.at {
		t.Error("an attempt is not in its hour")
	}
	if id, ok := parseKeptKey(appendKeptKey(nil, 7, 8)); !ok || id != 8 {
		t.Errorf("kept became %d %v", id, ok)
	}
	if id, ok := parseHourKey(appendHourKey(nil, 9)); !ok || id != 9 {
		t.Errorf("hour became %d %v", id, ok)
	}
	if hour, err := decodeHour(appendHour(nil, math.MaxUint32)); hour != math.MaxUint32 || err != nil {
		t.Errorf("hour became %d %v", hour, err)
	}
	if k := appendReplayKey(nil, 1, 0, 2); len(k) != replayKeyLen || k[len(k)-1] != 2 {
		t.Errorf("replay key %x", k)
	}
	lo, hi := endpointSpan(math.MaxUint64)
	k = appendDeliveryKey(nil, math.MaxUint64, Replay.in(maxSegments-1), end)
	if bytes.Compare(lo, k) > 0 || bytes.Compare(k, hi) >= 0 {
		t.Error("the last endpoint is not in its span")
	}
	if p := (position{5, math.MaxUint64}).next(); p != (position{6, 0}) {
		t.Errorf("next is %v", p)
	}
}

// FuzzDecode feeds arbitrary bytes to everything that reads the database. What can be read must be
// written and read again to the same value.
func FuzzDecode(f *testing.F) {
	now := micros(1_900_000_000_000_000)
	f.Add(appendState(nil, state{attempts: 3, status: 503, accepted: now - 9, firstFailure: now, note: []byte("n")}, now), int64(now))
	f.Add(appendState(nil, state{attempts: 3, accepted: now + 9, turn: &turn{1, now + 99}}, now), int64(now))
	f.Add(appendLetter(nil, Gone, state{accepted: now}, now), int64(now))
	f.Add(appendRemembered(nil, remembered{1, 2, 3, 4}), int64(0))
	f.Add(appendSide(nil, sideFile{1, 2, 3}), int64(0))
	f.Add([]byte(sideName(0xabc)), int64(0))
	f.Add(appendDeliveryKey(nil, 1, Replay.in(5), position{2, 3}), int64(0))
	f.Add(appendSegments(nil, &segmentList{3, []olderSegment{{segment: 1}}, []parkedSegment{{olderSegment{segment: 2}, Gone, now}}}), int64(0))
	f.Add(appendDeadKey(nil, 1, 2, 3, Fresh), int64(0))
	f.Add(appendAttemptKey(nil, 1, now, 3, 4, Replay), int64(0))
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01}, int64(math.MaxInt64))
	f.Fuzz(func(t *testing.T, b []byte, at int64) {
		base := micros(max(at, 0))
		if s, err := decodeState(b, base); err == nil {
			due := (&item{state: s, pos: position{due: base}}).due()
			if s.accepted < 0 || due < base || s.accepted > due || s.firstFailure < 0 {
				t.Fatalf("state out of range: %+v", s)
			}
			if again, err := decodeState(appendState(nil, s, base), base); err != nil || !reflect.DeepEqual(again, s) {
				t.Fatalf("%+v became %+v, %v", s, again, err)
			}
		}
		decodeLetter(b, base)
		if inline, side, err := decodePayload(b); err == nil && side.number != 0 && !bytes.Equal(appendSide(nil, side), b) ||
			err == nil && side.number == 0 && len(inline) != len(b)-1 {
			t.Fatalf("payload became %x, %+v", inline, side)
		}
		if id, err := decodeSideRow(b); err == nil && !bytes.Equal(appendSideRow(nil, id), b) {
			t.Fatal("row of a side file")
		}
		if n, ok := parseSideKey(b); ok && !bytes.Equal(appendSideKey(nil, n), b) {
			t.Fatal("key of a side file")
		}
		if n, ok := parseSideName(string(b)); ok && sideName(n) != string(b) {
			t.Fatal("name of a side file")
		}
		if m, err := decodeRemembered(b); err == nil && m.accepted < 0 {
			t.Fatalf("remembered out of range: %+v", m)
		}
		if l, err := decodeSegments(b); err == nil && !bytes.Equal(appendSegments(nil, l), b) {
			t.Fatalf("segments %+v", l)
		}
		parseParkedKey(b)
		if ep, l, p, ok := parseDeliveryKey(b); ok && !bytes.Equal(appendDeliveryKey(nil, ep, l, p), b) {
			t.Fatal("delivery key")
		}
		if m, ok := parseAttemptKey(b); ok && hourOf(m.at) == binary.BigEndian.Uint32(b[1:]) &&
			!bytes.Equal(appendAttemptKey(nil, m.endpoint, m.at, m.event, m.number, m.lane), b) {
			t.Fatal("attempt key")
		}
		parseKeptKey(b)
		parseHourKey(b)
		decodeHour(b)
		parseDeadKey(b)
		parsePayloadKey(b)
	})
}
