package dispatch

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"hookline/queue"
)

func TestLine(t *testing.T) {
	var l line
	waits := func(names ...string) {
		for _, name := range names {
			l.add(&host{key: Host{Tenant: name[:1], Address: name}})
		}
	}
	takes := func(n int) (names []string) {
		for range n {
			names = append(names, l.take().key.Address)
		}
		return names
	}
	waits("a1", "a2", "a3", "a4", "b1", "b2", "c1")
	if got, want := takes(4), []string{"a1", "b1", "c1", "a2"}; !slices.Equal(got, want) {
		t.Errorf("took %v, want %v", got, want)
	}
	waits("c2", "a5")
	if got, want := takes(5), []string{"b2", "a3", "c2", "a4", "a5"}; !slices.Equal(got, want) {
		t.Errorf("took %v, want %v", got, want)
	}
	if l.hosts != 0 || l.first != nil || len(l.tenants) != 0 {
		t.Errorf("left: %+v", l)
	}
}

// Nobody who waits is passed over for longer than it takes every tenant to have a turn.
func TestLineProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var l line
		waiting := map[string][]*host{} // by tenant, in order
		missed := map[string]int{}      // turns of others since the tenant waits for its next
		n := 0
		t.Repeat(map[string]func(*rapid.T){
			"add": func(t *rapid.T) {
				h := &host{key: Host{Tenant: rapid.SampledFrom([]string{"a", "b", "c", "d"}).Draw(t, "tenant")}}
				l.add(h)
				waiting[h.key.Tenant] = append(waiting[h.key.Tenant], h)
				n++
			},
			"take": func(t *rapid.T) {
				if n == 0 {
					t.Skip()
				}
				h := l.take()
				n--
				tenant := h.key.Tenant
				if waiting[tenant][0] != h {
					t.Fatalf("a host of tenant %s was passed over", tenant)
				}
				waiting[tenant] = waiting[tenant][1:]
				missed[tenant] = 0
				for other, hosts := range waiting {
					if other != tenant && len(hosts) > 0 {
						if missed[other]++; missed[other] > 3 {
							t.Fatalf("tenant %s waits for %d turns", other, missed[other])
						}
					}
				}
			},
			"": func(t *rapid.T) {
				if l.hosts != n {
					t.Fatalf("%d in line, want %d", l.hosts, n)
				}
			},
		})
	})
}

// A tenant with a single host has half of what there is beside one with very many.
func TestTenantsShareWhatThereIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const hosts, small = 1000, queue.EndpointID(5000)
		r := newRig(t, func(o *Options) { o.MaxInFlight = 10 })
		var big, single gauge
		r.serve("big:80", big.handler(time.Second))
		for ep := range queue.EndpointID(hosts) {
			target := r.target(ep, fmt.Sprintf("h%d:80", ep), jiraPolicy())
			target.Host.Tenant = "big"
			r.receivers[target.Host.Address] = r.receivers["big:80"]
			r.queue.accept(ep, 3)
		}
		r.serve("single:80", single.handler(time.Second))
		r.target(small, "single:80", jiraPolicy())
		r.queue.accept(small, 200)
		r.start()
		time.Sleep(30*time.Second + time.Millisecond)
		synctest.Wait()
		n := 0
		for _, a := range r.log() {
			if a.Endpoint == uint64(small) {
				n++
			}
		}
		// Half of them would be fair; the slots come to it one by one in the beginning.
		if n < 110 || n > 155 {
			t.Errorf("%d of 300 requests are those of the tenant with one host", n)
		}
		if most := big.most.Load() + single.most.Load(); most > 20 {
			t.Errorf("%d requests at once", most)
		}
		_ = r.Close(t.Context())
	})
}
