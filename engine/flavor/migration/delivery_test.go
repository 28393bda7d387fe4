package migration_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"hookline/engine/flavor/flavortest"
	"hookline/engine/flavor/migration"
	"hookline/engine/sign"
	"hookline/engine/webhook"
)

// quick is the platform's policy without the long waits.
func quick() *webhook.Policy {
	p := migration.Seed()
	p.Backoff = []time.Duration{time.Millisecond}
	return p
}

// verify fails the test unless a request has a token that is good for it now, as a receiver checks it.
func verify(t *testing.T, r received, basePath string) {
	t.Helper()
	text, ok := strings.CutPrefix(r.Header.Get("Authorization"), "JWT ")
	if !ok {
		t.Fatalf("Authorization is %q", r.Header.Get("Authorization"))
	}
	token, err := sign.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	_, err = token.Verify(sign.Request{Method: r.Method, URL: r.Target, BasePath: basePath}, time.Now(), sign.NewSecret(secretMover))
	if err != nil || token.Issuer() != clientKey {
		t.Errorf("the token of %s for %s %s: %v", token.Issuer(), r.Method, r.Target, err)
	}
}

// uploaded is an event with what a careless re-encoding would change, and attributes that nobody knows.
const uploaded = `{"eventType":"app-data-uploaded","messageId":"0f0c2a1e-3b0e-4f7a-9a55-0d6f0f1b2c3d",
 "cloudAppKey" : "mover","transferId":"16a84eaa-3f88-4758-94d4-ea245a3b202f","s3Key":"636abf0f-38a2-45c1-8c68-9c7edde97f3f",
 "migrationDetails":{"createdAt":1.597193662e9,"name":"\u00fcber <ü> \/ \ud83d\ude00","confluenceClientKey":"unknown"},"label":null,"n":100000000000000000001, "z":{ }}`

// The platform's promise: whatever a receiver answers but 200 in time, it gets the message again, the same message, under
// a token that is good.
func TestUntilAcknowledged(t *testing.T) {
	t.Parallel()
	policy := quick()
	policy.Timeout = 3 * time.Second
	h := newHouse(t, migration.Options{PlainHTTP: true, Policy: policy})
	var mu sync.Mutex
	attempts := 0
	url, got := flavortest.Receiver(t, func(w http.ResponseWriter, r *http.Request, _ string) {
		mu.Lock()
		attempts++
		attempt := attempts
		mu.Unlock()
		switch attempt {
		case 1:
			w.WriteHeader(400)
		case 2:
			w.WriteHeader(500)
		case 3: // 200, when nobody waits for it any more
			<-r.Context().Done()
		case 4:
			w.WriteHeader(204)
		case 5:
			w.Header().Set("Location", "/elsewhere")
			w.WriteHeader(302)
		}
	})
	const target = "/in//a%2Fb/c&d/?x=%20y&a=2&z&a=1&jwt=x"
	h.register(url + target)
	h.publish(uploaded)
	for attempt := 1; attempt <= 6; attempt++ {
		r := <-got
		verify(t, r, "")
		want := http.Header{
			"Content-Type": {"application/json"}, "User-Agent": {"hookline"}, "Content-Length": {fmt.Sprint(len(uploaded))},
			"Authorization": r.Header["Authorization"],
		}
		if r.Method != "POST" || r.Target != target || r.Body != uploaded || !maps.EqualFunc(r.Header, want, slices.Equal) {
			t.Errorf("attempt %d: %s %s %v\n%s", attempt, r.Method, r.Target, r.Header, r.Body)
		}
	}
	h.publish(strings.Replace(uploaded, "0f0c", "0001", 1))
	if r := <-got; !strings.Contains(r.Body, `"messageId":"00012a1e-`) {
		t.Errorf("a message that was acknowledged came again: %s", r.Body)
	}
}

// An event without messageId gets one, which is the same for all endpoints and attempts; each endpoint is attempted
// until it acknowledges, whatever the others do.
func TestFanOut(t *testing.T) {
	t.Parallel()
	h := newHouse(t, migration.Options{PlainHTTP: true, Policy: quick()})
	first, fromFirst := flavortest.Receiver(t, flavortest.InTurn())
	second, fromSecond := flavortest.Receiver(t, flavortest.InTurn(503, 404, 500))
	h.register(first, second+"/", second+"/?again")
	const event = `{"eventType":"listener-triggered","cloudAppKey":"mover" } `
	ids := map[string]bool{}
	for n := range 3 {
		if matched := h.publish(event); matched != 3 {
			t.Fatalf("the event matched %d", matched)
		}
		requests := []received{<-fromFirst}
		for range map[bool]int{true: 5, false: 2}[n == 0] {
			requests = append(requests, <-fromSecond)
		}
		for _, r := range requests {
			var m struct {
				ID string `json:"messageId"`
			}
			if err := json.Unmarshal([]byte(r.Body), &m); err != nil || r.Body != requests[0].Body {
				t.Fatalf("the body is %s (%v), and another %s", r.Body, err, requests[0].Body)
			}
			if want := `{"eventType":"listener-triggered","cloudAppKey":"mover" ,"messageId":"` + m.ID + `"}`; r.Body != want {
				t.Errorf("the body is %s; want %s", r.Body, want)
			}
			verify(t, r, "")
			ids[m.ID] = true
		}
	}
	if len(ids) != 3 {
		t.Errorf("messageIds %v", ids)
	}
	for id := range ids {
		if len(id) != 36 || id[14] != '4' || !strings.ContainsRune("89ab", rune(id[19])) {
			t.Errorf("%s is no random UUID", id)
		}
	}
}

// URLs that stay in the set keep what is queued for them, those that go lose it, and those that come get what is
// published from then on.
func TestReplaceWhileQueued(t *testing.T) {
	t.Parallel()
	h := newHouse(t, migration.Options{PlainHTTP: true, Policy: quick()})
	event := func(id int) string {
		return fmt.Sprintf(`{"eventType":"x","cloudAppKey":"mover","messageId":"message-%d"}`, id)
	}
	var mu sync.Mutex
	refused := event(1)
	url, got := flavortest.Receiver(t, func(w http.ResponseWriter, _ *http.Request, body string) {
		mu.Lock()
		defer mu.Unlock()
		if body == refused {
			w.WriteHeader(500)
		}
	})
	other, fromOther := flavortest.Receiver(t, flavortest.InTurn())
	h.register(url)
	h.publish(event(1))
	<-got
	h.register(other, url)
	mu.Lock()
	refused = event(2)
	mu.Unlock()
	h.publish(event(2))
	if r := <-fromOther; r.Body != event(2) {
		t.Errorf("a URL that was added gets what was published before: %s", r.Body)
	}
	for seen := map[string]bool{}; !seen[event(2)]; {
		seen[(<-got).Body] = true
	}
	// The refused message is attempted all the time now. What was in flight when its URL went may still come.
	h.register(other)
	h.register(other, url)
	for len(got) > 0 {
		<-got
	}
	late := 0
	for id := 3; id < 30; id++ {
		h.publish(event(id))
		for {
			r := <-got
			if r.Body == event(id) {
				break
			}
			if late++; r.Body != event(2) || late > 1 {
				t.Fatalf("message %d, and then came %s, %d that were dropped", id, r.Body, late)
			}
		}
	}
}

// An event is for one of the sets that follow each other, whole.
func TestEventsSeeWholeSets(t *testing.T) {
	t.Parallel()
	h := newHouse(t, migration.Options{PlainHTTP: true})
	three := []string{"http://127.0.0.1:1/a", "http://127.0.0.1:1/b", "http://127.0.0.1:1/c"}
	h.register(three...)
	var publisher sync.WaitGroup
	done := make(chan struct{})
	publisher.Go(func() {
		for {
			select {
			case <-done:
				return
			default:
			}
			if n := h.publish(`{"eventType":"x","cloudAppKey":"mover"}`); n != 3 && n != 1 {
				t.Errorf("an event matched %d", n)
			}
		}
	})
	for range 30 {
		h.register("http://127.0.0.1:1/d")
		h.register(three...)
	}
	close(done)
	publisher.Wait()
}

// The token as a receiver that knows nothing of this code computes it: header, claims in their order, hash of the canonical
// request and signature.
func TestTokenByHand(t *testing.T) {
	t.Parallel()
	for target, canonical := range map[string]string{
		"/base/hook?x=1":               "POST&/hook&x=1",
		"/base/hook/":                  "POST&/hook&",
		"/base/x?a=1&A=2&b=3,4":        "POST&/x&A=2&a=1&b=3%2C4",
		"/base/p%20q/r&s?k&jwt=t&e=":   "POST&/p%20q/r%26s&e=&k=",
		"/base/x?k=%C3%A9*~!()%27&k=a": "POST&/x&k=a,%C3%A9%2A~%21%28%29%27", // values are in order before they are encoded
	} {
		h := newHouse(t, migration.Options{PlainHTTP: true, Policy: quick(), StripBase: true})
		url, got := flavortest.Receiver(t, flavortest.InTurn())
		h.register(url + target)
		h.publish(uploaded)
		r := <-got
		token := strings.TrimPrefix(r.Header.Get("Authorization"), "JWT ")
		parts := strings.Split(token, ".")
		if len(parts) != 3 {
			t.Fatalf("%s: the token is %q", target, token)
		}
		header, _ := base64.RawURLEncoding.DecodeString(parts[0])
		claims, _ := base64.RawURLEncoding.DecodeString(parts[1])
		var issued int64
		if _, err := fmt.Sscanf(string(claims), `{"iss":"client key of acme","iat":%d,`, &issued); err != nil || time.Since(time.Unix(issued, 0)).Abs() > time.Minute {
			t.Errorf("%s: claims %s (%v)", target, claims, err)
		}
		want := fmt.Sprintf(`{"iss":%q,"iat":%d,"exp":%d,"qsh":"%x"}`, clientKey, issued, issued+180, sha256.Sum256([]byte(canonical)))
		if string(header) != `{"typ":"JWT","alg":"HS256"}` || string(claims) != want {
			t.Errorf("%s: %s %s\nwant %s", target, header, claims, want)
		}
		mac := hmac.New(sha256.New, []byte(secretMover))
		mac.Write([]byte(parts[0] + "." + parts[1]))
		if parts[2] != base64.RawURLEncoding.EncodeToString(mac.Sum(nil)) {
			t.Errorf("%s: the signature is %s", target, parts[2])
		}
	}
}

// Where an installation has it so, tokens do not count the path of the app's base URL.
func TestBasePath(t *testing.T) {
	t.Parallel()
	for _, strip := range []bool{false, true} {
		h := newHouse(t, migration.Options{PlainHTTP: true, Policy: quick(), StripBase: strip})
		url, got := flavortest.Receiver(t, flavortest.InTurn())
		h.register(url + "/base/hook?x=1")
		h.publish(uploaded)
		r := <-got
		verify(t, r, map[bool]string{true: "/base"}[strip])
		if r.Target != "/base/hook?x=1" {
			t.Errorf("the target is %s", r.Target)
		}
	}
}

// A message that is old enough is given up, and so is one that cannot be signed any more: the next is sent all the
// same once it can be.
func TestGivenUp(t *testing.T) {
	t.Parallel()
	policy := quick()
	policy.GiveUp = time.Nanosecond
	h := newHouse(t, migration.Options{PlainHTTP: true, Policy: policy})
	url, got := flavortest.Receiver(t, flavortest.InTurn(500))
	h.register(url)
	app := func(body string) {
		h.Want(h.do("PUT", "/v1/tenants/acme/apps/mover", "Bearer "+tokenAdmin, body), 200, "")
	}
	h.publish(`{"eventType":"x","cloudAppKey":"mover","messageId":"1"}`)
	<-got
	app(`{"secrets":[]}`)
	h.publish(`{"eventType":"x","cloudAppKey":"mover","messageId":"2"}`)
	for h.Engine.Queue().Stats().Dead < 2 {
		h.do("GET", "/t/acme"+hook, "Bearer "+tokenMover, "") // a round trip at a time, until both are settled
	}
	app(fmt.Sprintf(`{"secrets":[%q]}`, secretMover))
	h.publish(`{"eventType":"x","cloudAppKey":"mover","messageId":"3"}`)
	if r := <-got; !strings.Contains(r.Body, `"messageId":"3"`) {
		t.Errorf("a message that was given up came again: %s", r.Body)
	}
}
