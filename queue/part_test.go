package queue

import (
	"bytes"
	"math"
	"reflect"
	"testing"

	"pgregory.net/rapid"
)

func TestPartRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		accepted := micros(rapid.Int64Range(0, math.MaxInt64).Draw(t, "accepted"))
		var w partWriter
		for range 2 { // a writer is used for one part after the other
			w.begin(accepted)
			var want []destination
			for range rapid.IntRange(0, 5).Draw(t, "destinations") {
				d := destination{
					endpoint: EndpointID(rapid.Uint64().Draw(t, "endpoint")),
					lane:     Lane(rapid.IntRange(0, lanes-1).Draw(t, "lane")),
					note:     rapid.SliceOfN(rapid.Byte(), 0, 200).Draw(t, "note"),
				}
				d.notBefore = micros(rapid.Int64Range(0, math.MaxInt64).Draw(t, "not before"))
				w.add(d)
				if d.notBefore <= accepted {
					d.notBefore = 0
				}
				if len(d.note) == 0 {
					d.note = nil
				}
				want = append(want, d)
			}
			v := w.appendValue(nil)
			head, got, err := decodePart(v)
			if err != nil || head != w.head || head.accepted != accepted || len(got) != len(want) || len(want) > 0 && !reflect.DeepEqual(got, want) {
				t.Fatalf("%+v became %+v, %+v, %v", want, head, got, err)
			}
			if head, err := decodePartHead(v); err != nil || head != w.head {
				t.Fatalf("head %+v became %+v, %v", w.head, head, err)
			}
		}
	})
}

func TestPartIsSmall(t *testing.T) {
	var w partWriter
	w.begin(1_900_000_000_000_000)
	for ep := range EndpointID(1000) {
		w.add(destination{endpoint: 1<<40 + ep, notBefore: 5})
	}
	if n := len(w.appendValue(nil)); n > 2040 {
		t.Errorf("a thousand destinations take %d bytes", n)
	}
}

// FuzzPart reads any bytes as a part. What is read can be written again, and is the same then.
func FuzzPart(f *testing.F) {
	var w partWriter
	w.begin(1000)
	f.Add(w.appendValue(nil))
	w.add(destination{endpoint: math.MaxUint64, note: []byte("note")})
	w.add(destination{endpoint: 1, lane: Replay, notBefore: 2000})
	f.Add(w.appendValue(nil))
	f.Add([]byte{1, 0xff, 0xff, 0x7f, 0, 0, 0})
	f.Fuzz(func(t *testing.T, v []byte) {
		head, ds, err := decodePart(bytes.Clone(v))
		if err != nil {
			return
		}
		var w partWriter
		w.begin(head.accepted)
		for _, d := range ds {
			w.add(d)
		}
		again, ds2, err := decodePart(w.appendValue(nil))
		if err != nil || again != head || !reflect.DeepEqual(ds, ds2) {
			t.Errorf("%x is %+v %+v, then %+v %+v, %v", v, head, ds, again, ds2, err)
		}
	})
}
