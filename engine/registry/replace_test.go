package registry_test

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"hookline/engine/registry"
	"hookline/engine/webhook"
)

// plain are rules of a system without filters.
var plain = &registry.Rules{
	Flavor: "plain", System: webhook.Migration, AnyBase: true, Limit: func(*webhook.Tenant, *webhook.App) int { return 5 },
}

func urlsOf(list []*webhook.Webhook) []string {
	urls := []string{}
	for _, w := range list {
		urls = append(urls, w.URL)
	}
	return urls
}

func endpointsOf(r *registry.Registry, t interface{ Fatalf(string, ...any) }) map[string]uint64 {
	byURL := map[string]uint64{}
	for _, w := range must(r.List(owner, plain.Flavor)) {
		byURL[w.URL] = w.Endpoint
		if e, ok := r.Endpoint(w.Endpoint); !ok || e.URL != w.URL {
			t.Fatalf("webhook %d to %s has the endpoint %+v", w.ID, w.URL, e)
		}
	}
	return byURL
}

// Whatever sets follow each other: what is listed is the last one in its order, URLs that stay keep their endpoint,
// those that went lose it, and a registry opened anew says the same.
func TestReplace(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		r, m := opened(t)
		for range rapid.IntRange(1, 8).Draw(rt, "changes") {
			letters := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "c", "d", "e"}), 0, 8).Draw(rt, "urls")
			var urls, want []string
			for _, l := range letters {
				urls = append(urls, "https://r.example/"+l)
				if !slices.Contains(want, urls[len(urls)-1]) {
					want = append(want, urls[len(urls)-1])
				}
			}
			before, written := endpointsOf(r, rt), m.lastEnd
			gone, err := r.Replace(ctx, plain, owner, urls)
			if err != nil {
				rt.Fatal(err)
			}
			for url, endpoint := range before {
				if slices.Contains(want, url) == slices.Contains(gone, endpoint) {
					rt.Fatalf("%s of endpoint %d: wanted are %v, gone are %v", url, endpoint, want, gone)
				}
			}
			for _, registry := range []*registry.Registry{r, open(t, m)} {
				if got := urlsOf(must(registry.List(owner, plain.Flavor))); !slices.Equal(got, want) {
					rt.Fatalf("listed are %v; want %v", got, want)
				}
				for url, endpoint := range endpointsOf(registry, rt) {
					if was, stays := before[url]; stays && was != endpoint || !stays && endpoint <= written {
						rt.Fatalf("%s has endpoint %d; it had %d, and %d was the last", url, endpoint, was, written)
					}
				}
				if n := len(registry.EndpointsOf(owner, plain.Flavor)); n != len(want) {
					rt.Fatalf("%d endpoints for %d URLs", n, len(want))
				}
			}
		}
	})
}

func TestReplaceRefused(t *testing.T) {
	t.Parallel()
	r, m := opened(t)
	good := []string{"https://r.example/1", "https://r.example/2"}
	if _, err := r.Replace(ctx, plain, owner, good); err != nil {
		t.Fatal(err)
	}
	var bad *registry.URLError
	var invalid *webhook.InvalidError
	if _, err := r.Replace(ctx, plain, owner, []string{good[1], good[1], "nowhere"}); !errors.As(err, &bad) || bad.Index != 2 || !errors.As(err, &invalid) {
		t.Errorf("a bad URL: %v", err)
	}
	var many []string
	for i := range 6 {
		many = append(many, fmt.Sprintf("https://r.example/%d", i))
	}
	var limit *registry.LimitError
	if _, err := r.Replace(ctx, plain, owner, many); !errors.As(err, &limit) || limit.Limit != 5 {
		t.Errorf("too many: %v", err)
	}
	stranger := webhook.Owner{Tenant: owner.Tenant, App: "stranger"}
	if _, err := r.Replace(ctx, plain, stranger, good); !errors.Is(err, webhook.ErrUnknownApp) {
		t.Errorf("an unknown app: %v", err)
	}
	m.fail = errors.New("disk")
	if _, err := r.Replace(ctx, plain, owner, nil); !errors.Is(err, m.fail) {
		t.Errorf("a failing disk: %v", err)
	}
	if got := urlsOf(must(r.List(owner, plain.Flavor))); !slices.Equal(got, good) {
		t.Errorf("after refusals: %v", got)
	}
	m.fail = nil
	if err := r.PutApp(ctx, webhook.App{Tenant: "acme", Key: "ci", BaseURL: "https://elsewhere.example/"}); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Replace(ctx, plain, owner, many[:1]); err != nil {
		t.Errorf("a URL outside the base URL: %v", err)
	}
}

// Whoever lists while sets are replaced sees one of them whole.
func TestReplaceIsOneStep(t *testing.T) {
	t.Parallel()
	r, _ := opened(t)
	sets := [][]string{
		{"https://r.example/1", "https://r.example/2", "https://r.example/3"},
		{"https://r.example/3", "https://r.example/4"},
	}
	if _, err := r.Replace(ctx, plain, owner, sets[0]); err != nil {
		t.Fatal(err)
	}
	var readers sync.WaitGroup
	done := make(chan struct{})
	for range 2 {
		readers.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				got := urlsOf(must(r.List(owner, plain.Flavor)))
				if !slices.Equal(got, sets[0]) && !slices.Equal(got, sets[1]) {
					t.Errorf("listed are %v", got)
					return
				}
			}
		})
	}
	for i := range 500 {
		if _, err := r.Replace(ctx, plain, owner, sets[(i+1)%2]); err != nil {
			t.Error(err)
		}
	}
	close(done)
	readers.Wait()
}
