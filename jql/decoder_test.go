package jql

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestDecoder: a Decoder reads what was written as DecodeFilter does, however many filters it reads, and again after Reset.
func TestDecoder(t *testing.T) {
	m := maker{Rand: rand.New(rand.NewPCG(7, 8))}
	var d Decoder
	for range 30 {
		m.turn()
		d.Reset(m.env.Zone)
		var written, read []*Filter
		for range 100 {
			f, err := Compile(m.query(3), m.env)
			if err != nil {
				continue
			}
			again, err := d.Decode(string(binaryOf(t, f)))
			if err != nil {
				t.Fatalf("%s: %v", f, err)
			}
			written, read = append(written, f), append(read, again)
		}
		if len(written) < 10 {
			t.Fatalf("only %d queries compiled", len(written))
		}
		for i, f := range written {
			sameFilter(t, read[i], f)
		}
	}
}

func sameFilter(t *testing.T, is, was *Filter) {
	t.Helper()
	if is.Identity() != was.Identity() || is.String() != was.String() || !slices.Equal(is.Fields(), was.Fields()) || !bytes.Equal(binaryOf(t, is), binaryOf(t, was)) {
		t.Fatalf("%s\nbecame %s", was, is)
	}
}

// TestDecoderLets: conditions and fields outlive Reset, and what is read after it.
func TestDecoderLets(t *testing.T) {
	f := mustCompile(t, `project = EX AND created > -3h AND summary ~ "fire"`)
	var d Decoder
	d.Reset(nil)
	first, err := d.Decode(string(binaryOf(t, f)))
	if err != nil {
		t.Fatal(err)
	}
	conditions, fields := partsOf(first)
	d.Reset(nil)
	for _, text := range []string{`status = x AND updated > -5h AND description ~ "ice"`, `labels = y AND duedate < 3d AND environment ~ "sun"`} {
		if _, err := d.Decode(string(binaryOf(t, mustCompile(t, text)))); err != nil {
			t.Fatal(err)
		}
	}
	if stay, named := partsOf(f); len(stay) == 0 || len(named) < 2 || fmt.Sprint(conditions) != fmt.Sprint(stay) || !slices.Equal(fields, named) {
		t.Errorf("%v and %v are left, want %v and %v", conditions, fields, stay, named)
	}
}

// partsOf returns what of a conjunction outlives it.
func partsOf(f *Filter) (conditions []Condition, fields []Field) {
	for _, n := range f.Root().(*AllOf).Nodes {
		if c, ok := n.(Condition); ok {
			conditions = append(conditions, c)
		} else {
			fields = append(fields, n.(*Test).Field)
		}
	}
	return conditions, fields
}

// FuzzDecoder: of bytes that are a filter comes that filter, and of others an error or some filter.
func FuzzDecoder(f *testing.F) {
	m := maker{Rand: rand.New(rand.NewPCG(9, 10))}
	for range 200 {
		m.turn()
		if filter, err := Compile(m.query(2), m.env); err == nil {
			f.Add(binaryOf(f, filter))
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var d Decoder
		d.Reset(nil)
		is, err := d.Decode(string(data))
		if err != nil && !errors.Is(err, ErrBinary) {
			t.Fatal(err)
		}
		if was, refused := DecodeFilter(data, nil); refused == nil {
			if err != nil {
				t.Fatal(err)
			}
			sameFilter(t, is, was)
		} else if err == nil {
			_ = is.String()
			is.Holds(func(Field) ([]string, bool) { return []string{"x"}, true }, someDay)
		}
	})
}

func BenchmarkDecoder(b *testing.B) {
	data := string(binaryOf(b, mustCompile(b, "project = EX AND status IN (Open, 'In Progress') AND assignee != u1 AND (priority = High OR labels = red)")))
	var d Decoder
	b.ReportAllocs()
	for b.Loop() {
		d.Reset(nil)
		if _, err := d.Decode(data); err != nil {
			b.Fatal(err)
		}
	}
}
