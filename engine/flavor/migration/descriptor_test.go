package migration_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"hookline/engine/flavor/flavortest"
	"hookline/engine/flavor/migration"
)

const installation = "/v1/tenants/acme/apps/mover/descriptor"

// declared writes a descriptor of app mover.
func declared(base, more string) string {
	return fmt.Sprintf(`{"key":"mover","baseUrl":%q%s}`, base, more)
}

func (h *house) install(text string, status int) {
	h.T.Helper()
	h.Want(h.do("PUT", installation, "Bearer "+tokenAdmin, text), status, "")
}

const migrationPath = `,"cloudAppMigration":{"migrationWebhookPath":"/migration?v=1"}`

// Events go to the base URL for the tenant's region as it is then, or to the app's own, in a request of which the base
// path does not count.
func TestDescriptorRegions(t *testing.T) {
	t.Parallel()
	h := newHouse(t, migration.Options{PlainHTTP: true, Policy: quick()})
	url, got := flavortest.Receiver(t, flavortest.InTurn())
	regions := fmt.Sprintf(`,"regionBaseUrls":{"EU":%q,"US":%q}`, url+"/eu", url+"/us/")
	h.install(declared(url+"/own/", regions+migrationPath), 201)
	for _, x := range [][3]string{{"", "/own/migration?v=1", "/own"}, {"EU", "/eu/migration?v=1", "/eu"}, {"US", "/us/migration?v=1", "/us"}, {"JP", "/own/migration?v=1", "/own"}, {"", "/own/migration?v=1", "/own"}} {
		h.Want(h.do("PUT", "/v1/tenants/acme", "Bearer "+tokenAdmin, fmt.Sprintf(`{"region":%q}`, x[0])), 200, "")
		if n := h.publish(uploaded); n != 1 {
			t.Fatalf("an event in region %q is for %d webhooks", x[0], n)
		}
		r := <-got
		if r.Target != x[1] {
			t.Errorf("in region %q the target is %s, want %s", x[0], r.Target, x[1])
		}
		verify(t, r, x[2])
	}
	h.install(declared(url, `,"cloudAppMigration":null`), 200)
	if n := h.publish(uploaded); n != 0 {
		t.Errorf("without a path an event is for %d webhooks", n)
	}
}

// What the app sent and what it declared are apart, and an event goes to each URL once.
func TestDescriptorBesidePut(t *testing.T) {
	t.Parallel()
	h := newHouse(t, migration.Options{PlainHTTP: true, Policy: quick()})
	url, got := flavortest.Receiver(t, flavortest.InTurn())
	targets := func(want ...string) {
		t.Helper()
		if n := h.publish(uploaded); n != len(want) {
			t.Errorf("an event is for %d webhooks, want %v", n, want)
		}
		var targets []string
		for range want {
			targets = append(targets, (<-got).Target)
		}
		if slices.Sort(targets); !slices.Equal(targets, want) {
			t.Errorf("it goes to %v, want %v", targets, want)
		}
	}
	h.register(url + "/sent")
	h.install(declared(url, migrationPath), 201)
	targets("/migration?v=1", "/sent")
	h.register(url+"/sent", url+"/migration?v=1")
	targets("/migration?v=1", "/sent")
	h.register()
	targets("/migration?v=1")
	h.Want(h.do("GET", "/t/acme"+hook, jwt("mover", secretMover, "GET", hook), ""), 200, `{"endpoints":[]}`)
	h.register(url + "/sent")
	h.Want(h.do("DELETE", installation, "Bearer "+tokenAdmin, ""), 204, "")
	targets("/sent")
	h.Want(h.do("GET", "/t/acme"+hook, jwt("mover", secretMover, "GET", hook), ""), 200, set(url+"/sent"))
}

// What is queued stays through an update that leaves the URL, and goes with it.
func TestDescriptorUpdate(t *testing.T) {
	t.Parallel()
	policy := quick()
	policy.Backoff[0] = 1 << 40
	h := newHouse(t, migration.Options{PlainHTTP: true, Policy: policy})
	url, got := flavortest.Receiver(t, flavortest.InTurn(500, 500))
	waiting := func(want int64) {
		t.Helper()
		for h.Engine.Queue().Stats().Waiting != want {
			if err := h.Engine.Queue().Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	h.install(declared(url, migrationPath), 201)
	h.publish(uploaded)
	<-got
	waiting(1)
	h.install(declared(url, `,"regionBaseUrls":{"EU":"https://eu.example"}`+migrationPath), 200)
	waiting(1)
	h.install(declared(url, strings.Replace(migrationPath, "v=1", "v=2", 1)), 200)
	waiting(0)
}

func TestDescriptorRefusals(t *testing.T) {
	t.Parallel()
	h := newHouse(t, migration.Options{})
	for text, want := range map[string]string{
		declared("http://h.example", migrationPath):                                                            `cloudAppMigration: the URL is not https`,
		declared("https://h.example", `,"regionBaseUrls":{"EU":"http://eu.example"}`+migrationPath):            `regionBaseUrls.EU: the URL is not https`,
		declared("https://h.example", `,"regionBaseUrls":{"EU":7}`+migrationPath):                              `regionBaseUrls.EU: it has to be a string`,
		declared("https://h.example", `,"cloudAppMigration":{"migrationWebhookPath":"https://evil.example/"}`): `is not relative to baseUrl`,
		declared("https://h.example", `,"cloudAppMigration":{"migrationWebhookPath":"/a b"}`):                  `cloudAppMigration: the URL has a byte 0x20`,
		declared("https://h.example", `,"cloudAppMigration":[]`):                                               `cloudAppMigration: it has to be an object`,
		declared("https://h.example", `,"regionBaseUrls":{"R0":"https://h"`+manyRegions(60)+`}`+migrationPath): `the limit of 50 webhooks is reached`,
	} {
		a := h.do("PUT", installation, "Bearer "+tokenAdmin, text)
		if a.Status != 400 || !strings.HasPrefix(a.Body, `{"error":{"code":"invalid"`) || !strings.Contains(a.Body, want) {
			t.Errorf("%.200s: %d %.500s\nwant %s", text, a.Status, a.Body, want)
		}
	}
	bare := "/v1/tenants/acme/apps/bare/descriptor"
	text := strings.Replace(declared("https://h.example", migrationPath), "mover", "bare", 1)
	if a := h.do("PUT", bare, "Bearer "+tokenAdmin, text); a.Status != 400 || !strings.Contains(a.Body, "the app has no shared secret") {
		t.Errorf("an app without a secret: %d %s", a.Status, a.Body)
	}
	for _, credentials := range []string{"", "Bearer " + tokenAcme, "Bearer " + tokenMover, "Bearer " + tokenRival, jwt("mover", secretMover, "PUT", installation)} {
		if a := h.do("PUT", installation, credentials, declared("https://h.example", migrationPath)); a.Status != 401 {
			t.Errorf("with %.20q: %d %s", credentials, a.Status, a.Body)
		}
	}
	h.Want(h.do("GET", installation, "Bearer "+tokenAdmin, ""), 404, "")
	for _, region := range []string{"E U", "-", strings.Repeat("x", 33)} {
		if a := h.do("PUT", "/v1/tenants/acme", "Bearer "+tokenAdmin, fmt.Sprintf(`{"region":%q}`, region)); a.Status != 400 {
			t.Errorf("region %q: %d %s", region, a.Status, a.Body)
		}
	}
}

func manyRegions(n int) string {
	var text strings.Builder
	for i := range n {
		fmt.Fprintf(&text, `,"X%d":"https://h.example/%d"`, i, i)
	}
	return text.String()
}
