package queue

import (
	"context"
	"strings"
	"testing"
	"time"
)

func TestPrefixes(t *testing.T) {
	all := Prefixes()
	for i := range all {
		if strings.Count(all, all[i:i+1]) != 1 {
			t.Errorf("prefix %q stands for two kinds of keys", all[i])
		}
	}
	w := newWall()
	x := newHeldExpander()
	h := newHouse(t, small(Options{
		now: w.now, KeepDelivered: time.Hour, Dir: "payloads", SideBytes: 1, lowWaterStep: 1, hooks: hooks{beforeExpand: x.hook},
	}))
	ts := append(to(1, 2), Target{Endpoint: 2, Lane: Replay})
	_, err := h.Accept(context.Background(), Message{Payload: []byte("a"), Key: "k", Deliveries: ts})
	if err != nil {
		t.Fatal(err)
	}
	h.settle(h.take(1), Outcome{Verdict: Dead, Reason: Rejected, Record: []byte("r")})
	w.add(2 * time.Hour)
	h.settle(h.take(2), done)
	h.flush()
	if err := h.Park(2, Disabled); err != nil {
		t.Fatal(err)
	}
	h.accept("large", to(1, 2, 3, 4)...)
	used := map[byte]bool{}
	if err := eachKey(h.db, nil, nil, nil, func(k []byte) { used[k[0]] = true }); err != nil {
		t.Fatal(err)
	}
	for p := range used {
		if strings.IndexByte(all, p) < 0 {
			t.Errorf("a key begins with %q, which is not in Prefixes", p)
		}
	}
	x.letGo()
	if len(used) != 13 {
		t.Errorf("%d kinds of keys were written, want all that are not reserved", len(used))
	}
}
