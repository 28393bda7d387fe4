package jql

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

func binaryOf(t testing.TB, f *Filter) []byte {
	t.Helper()
	b, err := f.AppendBinary([]byte("before"))
	if err != nil || !bytes.HasPrefix(b, []byte("before")) {
		t.Fatalf("%s: appended to what was there: %q, %v", f, b, err)
	}
	return b[len("before"):]
}

// sameAgain checks that a filter comes back from its bytes as it was.
func sameAgain(t testing.TB, f *Filter, zone *time.Location) {
	t.Helper()
	b := binaryOf(t, f)
	again, err := DecodeFilter(b, zone)
	if err != nil {
		t.Fatalf("%s: %v", f, err)
	}
	clear(b) // nothing is kept of it
	if again.Identity() != f.Identity() || again.String() != f.String() {
		t.Fatalf("%s\nbecame %s", f, again)
	}
}

// TestBinaryRoundTrip goes over queries of all kinds on sites of all kinds.
func TestBinaryRoundTrip(t *testing.T) {
	m := maker{Rand: rand.New(rand.NewPCG(3, 4))}
	compiled := 0
	for range 3000 {
		m.turn()
		f, err := Compile(m.query(3), m.env)
		if err != nil {
			continue
		}
		compiled++
		sameAgain(t, f, m.env.Zone)
	}
	if compiled < 1000 {
		t.Fatalf("only %d queries compiled", compiled)
	}
	for _, n := range []Node{&AllOf{}, &AnyOf{}} {
		sameAgain(t, NewFilter(n), nil)
	}
}

// TestBinaryZones: a moment is read with the zone that it was compiled for, and with no other.
func TestBinaryZones(t *testing.T) {
	west := time.FixedZone("west", -5*3600)
	for query, zoned := range map[string]bool{"created > startOfWeek()": true, "created > -1d": true, "created > -3h": false, "created > now()": false} {
		q, err := Parse(query)
		if err != nil {
			t.Fatal(err)
		}
		f, err := Compile(q, Env{Zone: west})
		if err != nil {
			t.Fatal(err)
		}
		sameAgain(t, f, west)
		if _, err := DecodeFilter(binaryOf(t, f), nil); zoned != errors.Is(err, ErrBinary) {
			t.Errorf("%s in UTC: %v", query, err)
		}
	}
}

// TestBinaryRefuses: what [Filter.AppendBinary] never writes is no filter.
func TestBinaryRefuses(t *testing.T) {
	field := []byte{0, 1, 'a'}
	join := func(parts ...any) []byte {
		b := []byte{binaryVersion}
		for _, p := range parts {
			switch p := p.(type) {
			case int:
				b = append(b, byte(p))
			case rune:
				b = append(b, byte(p))
			case []byte:
				b = append(b, p...)
			}
		}
		return b
	}
	good := join(tagTest, 0, field, 2, 1, 'x', 1, 'y')
	if f, err := DecodeFilter(good, nil); err != nil || f.String() != `a IN ("x", "y")` {
		t.Fatal(f, err)
	}
	deep := []byte{binaryVersion}
	for range 1 << 20 {
		deep = append(deep, tagAllOf, 1)
	}
	tests := map[string][]byte{
		"nothing":              nil,
		"no root":              join(),
		"another version":      append([]byte{binaryVersion + 1}, good[1:]...),
		"more behind":          append(bytes.Clone(good), 0),
		"the end is missing":   good[:len(good)-1],
		"no such node":         join(9),
		"no such flag":         join(tagTest, 4, field, 1, 1, 'x'),
		"no such aspect":       join(tagTest, 0, 99, 1, 'a', 1, 1, 'x'),
		"terms out of order":   join(tagTest, 0, field, 2, 1, 'y', 1, 'x'),
		"a term twice":         join(tagTest, 0, field, 2, 1, 'x', 1, 'x'),
		"negated and empty":    join(tagTest, flagNegate|flagEmpty, field, 1, 1, 'x'),
		"a test of nothing":    join(tagTest, 0, field, 0),
		"what can be merged":   join(tagAnyOf, 2, tagTest, 0, field, 1, 1, 'x', tagTest, 0, field, 1, 1, 'y'),
		"children in disorder": join(tagAllOf, 2, tagTest, 0, field, 1, 1, 'y', tagTest, 0, field, 1, 1, 'x'),
		"a child twice":        join(tagAllOf, 2, tagTest, 0, field, 1, 1, 'x', tagTest, 0, field, 1, 1, 'x'),
		"an AND in an AND":     join(tagAllOf, 2, tagAllOf, 2, tagTest, 0, field, 1, 1, 'x', tagTest, 0, field, 1, 1, 'y', tagTest, 0, field, 1, 1, 'z'),
		"a constant inside":    join(tagAllOf, 2, tagAnyOf, 0, tagTest, 0, field, 1, 1, 'x'),
		"a compound of one":    join(tagAllOf, 1, tagTest, 0, field, 1, 1, 'x'),
		"parts without a part": join(tagTest, 0, flagParts, 1, 'a', 0, 0, 1, 1, 'x'),
		"a long number":        join(tagTest, 0, field, 0x81, 0, 1, 'x'),
		"a huge list":          join(tagAllOf, 0xff, 0xff, 0xff, 0xff, 0x0f),
		"an endless number":    join(tagAllOf, bytes.Repeat([]byte{0xff}, 12)),
		"too deep":             deep,
		"no operator":          join(tagRange, 0, 0, field, 0, 1, 'x'),
		"operator of a test":   join(tagRange, 0, int(In), field, 0, 1, 'x'),
		"start and end":        join(tagRange, flagMoment, int(Less), field, 0, flagStart|flagEnd|flagZoned, int(Day), 0, 3, []byte("UTC")),
		"no such period":       join(tagRange, flagMoment, int(Less), field, 0, flagStart|flagZoned, 9, 0, 3, []byte("UTC")),
		"no such day":          join(tagRange, flagMoment, int(Less), field, 0, flagStart|flagZoned, int(Week), 7, 0, 3, []byte("UTC")),
		"a zone for nothing":   join(tagRange, flagMoment, int(Less), field, 0, flagZoned, 0, 3, []byte("UTC")),
	}
	for name, data := range tests {
		if f, err := DecodeFilter(data, nil); !errors.Is(err, ErrBinary) {
			t.Errorf("%s: %v, %v", name, f, err)
		}
	}
}

// FuzzDecodeFilter: bytes are the very filter that they were written of, or none.
func FuzzDecodeFilter(f *testing.F) {
	m := maker{Rand: rand.New(rand.NewPCG(5, 6))}
	for range 200 {
		m.turn()
		if filter, err := Compile(m.query(2), m.env); err == nil {
			f.Add(binaryOf(f, filter))
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		filter, err := DecodeFilter(data, nil)
		if err != nil {
			if !errors.Is(err, ErrBinary) {
				t.Fatal(err)
			}
			return
		}
		if again := binaryOf(t, filter); !bytes.Equal(again, data) {
			t.Fatalf("%x\nbecame %x", data, again)
		}
		canonical := NewFilter(filter.Root())
		if canonical.String() != filter.String() || !bytes.Equal(binaryOf(t, canonical), data) || !slices.Equal(canonical.Fields(), filter.Fields()) {
			t.Fatalf("%s is not canonical; that is %s", filter, canonical)
		}
		filter.Holds(func(Field) ([]string, bool) { return []string{"x"}, true }, someDay)
	})
}

func BenchmarkDecodeFilter(b *testing.B) {
	f := mustCompile(b, "project = EX AND status IN (Open, 'In Progress') AND assignee != u1 AND (priority = High OR labels = red)")
	data := binaryOf(b, f)
	b.Run("bytes", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := DecodeFilter(data, nil); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("text", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			mustCompile(b, "project = EX AND status IN (Open, 'In Progress') AND assignee != u1 AND (priority = High OR labels = red)")
		}
	})
}
