package engine_test

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"hookline/engine"
	"hookline/engine/registry"
	"hookline/engine/sign"
	"hookline/engine/webhook"
)

// post is a receiver for tests in fake time, without a server: it hands on one request of each connection and answers it.
type post struct{ got chan letter }

// letter is one request with its body.
type letter struct {
	header http.Header
	body   []byte
}

// newPost returns a receiver that answers 503 once for every failure, and then 200.
func newPost(failures int) (*post, func(string, time.Duration) (net.Conn, error)) {
	p := &post{got: make(chan letter, 100)}
	return p, func(string, time.Duration) (net.Conn, error) {
		client, server := net.Pipe()
		status := "200 OK"
		if failures > 0 {
			status, failures = "503 Service Unavailable", failures-1
		}
		go p.serve(server, status)
		return client, nil
	}
}

func (p *post) serve(c net.Conn, status string) {
	defer c.Close()
	req, err := http.ReadRequest(bufio.NewReader(c))
	if err != nil {
		return
	}
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return
	}
	p.got <- letter{req.Header, body}
	_, _ = io.WriteString(c, "HTTP/1.1 "+status+"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
}

// by says whether a request is signed with a secret of a kind, and checks what else is known of such requests.
func (l letter) by(t *testing.T, kind webhook.SigningKind, secret string) bool {
	t.Helper()
	h := l.header
	if kind == webhook.Hub {
		return sign.VerifyHub(h.Get("X-Hub-Signature"), l.body, sign.NewSecret(secret)) == nil
	}
	if id := h.Get("webhook-id"); id != h.Get("X-Atlassian-Webhook-Identifier") {
		t.Errorf("the webhook-id is %q", id)
	}
	k, err := sign.ParseKey(sign.NewSecret(secret))
	if err != nil {
		t.Fatal(err)
	}
	s := sign.Standard{ID: h.Get("webhook-id"), Timestamp: h.Get("webhook-timestamp"), Signature: h.Get("webhook-signature")}
	err = sign.VerifyStandard(s, l.body, time.Now(), k)
	if err != nil && !errors.Is(err, sign.ErrSignature) {
		t.Error(err)
	}
	if kind == webhook.Standard { // the library is of the same opinion
		library, libraryErr := standardwebhooks.NewWebhook(secret)
		if libraryErr != nil {
			t.Fatal(libraryErr)
		}
		if libraryErr := library.Verify(l.body, h); (libraryErr == nil) != (err == nil) {
			t.Errorf("here %v, in the library %v", err, libraryErr)
		}
	}
	return err == nil
}

// TestRotation: both secrets of a rotation are alive for as long as was asked for, also across a restart, and the one before
// is not used in the moment after. X-Hub-Signature changes over then.
func TestRotation(t *testing.T) {
	for _, kind := range webhook.SigningKinds {
		if testing.Short() && kind != webhook.Standard {
			continue // two days of a bubble take seconds under the race detector
		}
		t.Run(string(kind), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				fs := vfs.NewMem()
				o := options(fs, new(receiver))
				var p *post
				p, o.Dial = newPost(0)
				e := open(t, o)
				install(t, e)
				id := only(t, e).ID
				n := 0
				next := func() letter {
					n++
					publish(t, e, webhook.Event{Body: body("EX", n)})
					return <-p.got
				}
				before, err := e.SetSigning(ctx, owner.Tenant, id, kind, "")
				if err != nil {
					t.Fatal(err)
				}
				if !next().by(t, kind, before) {
					t.Error("the first secret is not used")
				}
				after, err := e.RotateSigning(ctx, owner.Tenant, id, kind, "", engine.DefaultOverlap)
				if err != nil || after == before {
					t.Fatal(after == before, err)
				}
				end := time.Now().Add(24 * time.Hour)
				time.Sleep(24*time.Hour - 1)
				if err := e.Close(ctx); err != nil {
					t.Fatal(err)
				}
				e = open(t, o)
				if got := next(); !got.by(t, kind, before) || got.by(t, kind, after) == (kind == webhook.Hub) {
					t.Errorf("in the overlap: by the old one %v, by the new one %v", got.by(t, kind, before), got.by(t, kind, after))
				}
				states, err := e.Signing(owner.Tenant, id)
				if err != nil || len(states) != 1 || len(states[0].Before) != 1 || !states[0].Before[0].Until.Equal(end) {
					t.Errorf("%+v, %v", states, err)
				}
				time.Sleep(time.Until(end))
				if got := next(); got.by(t, kind, before) || !got.by(t, kind, after) {
					t.Errorf("after the overlap: by the old one %v, by the new one %v", got.by(t, kind, before), got.by(t, kind, after))
				}
				if states, err := e.Signing(owner.Tenant, id); err != nil || len(states[0].Before) != 0 {
					t.Errorf("%+v, %v", states, err)
				}
				if err := e.EndSigning(ctx, owner.Tenant, id, kind); err != nil {
					t.Fatal(err)
				}
				if got := next(); got.header.Get("X-Hub-Signature")+got.header.Get("webhook-signature")+got.header.Get("webhook-id") != "" {
					t.Errorf("still signed: %v", got.header)
				}
				if err := e.Close(ctx); err != nil {
					t.Fatal(err)
				}
			})
		})
	}
}

// TestSignedInEveryWay: an endpoint may be signed in all ways at once; every attempt is signed anew, for its own time, under
// one identifier.
func TestSignedInEveryWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := optionsWith(vfs.NewMem(), new(receiver), time.Minute)
		var p *post
		p, o.Dial = newPost(1)
		e := open(t, o)
		install(t, e)
		id := only(t, e).ID
		secrets := map[webhook.SigningKind]string{}
		for _, kind := range webhook.SigningKinds {
			var err error
			if secrets[kind], err = e.SetSigning(ctx, owner.Tenant, id, kind, ""); err != nil {
				t.Fatal(err)
			}
		}
		publish(t, e, webhook.Event{Body: body("EX", 1)})
		var attempts [2]letter
		for i := range attempts {
			attempts[i] = <-p.got
			for kind, secret := range secrets {
				if !attempts[i].by(t, kind, secret) {
					t.Errorf("attempt %d has no signature by %s: %v", i+1, kind, attempts[i].header)
				}
			}
		}
		first, second := attempts[0].header, attempts[1].header
		if first.Get("webhook-id") != second.Get("webhook-id") || first.Get("webhook-timestamp") == second.Get("webhook-timestamp") {
			t.Errorf("%v\n%v", first, second)
		}
		states, err := e.Signing(owner.Tenant, id)
		if err != nil || len(states) != 3 || !strings.HasPrefix(states[2].PublicKey, "whpk_") || states[0].PublicKey+states[1].PublicKey != "" {
			t.Fatalf("%+v, %v", states, err)
		}
		if !attempts[1].by(t, webhook.Ed25519, states[2].PublicKey) {
			t.Error("the public key does not verify")
		}
		if err := e.Close(ctx); err != nil {
			t.Fatal(err)
		}
	})
}

// TestSigningRefused: what is wrong is said without the secret, and changes nothing.
func TestSigningRefused(t *testing.T) {
	e := prepared(t, options(vfs.NewMem(), newInbox(t).receiver))
	w := register(t, e, "", owner, nil)
	private, shared := sign.NewPrivate().Reveal(), sign.NewShared().Reveal()
	for _, c := range []struct {
		kind    webhook.SigningKind
		secret  string
		problem string
	}{
		{"md5", "", "use hub, standard or ed25519"},
		{webhook.Hub, "fifteen letters", "use at least 16"},
		{webhook.Standard, "a secret of many letters", "whsec_"},
		{webhook.Standard, private, "whsec_"},
		{webhook.Standard, "whsec_" + strings.Repeat("A", 28), "24 to 64 bytes"},
		{webhook.Ed25519, shared, "whsk_"},
		{webhook.Ed25519, "whpk_" + strings.Repeat("A", 43) + "=", "whsk_"},
	} {
		var invalid *webhook.InvalidError
		_, err := e.SetSigning(ctx, owner.Tenant, w.Endpoint, c.kind, c.secret)
		if !errors.As(err, &invalid) || !strings.Contains(err.Error(), c.problem) || c.secret != "" && strings.Contains(err.Error(), c.secret) {
			t.Errorf("%s %s: %v", c.kind, c.secret, err)
		}
		if got, err := e.RotateSigning(ctx, owner.Tenant, w.Endpoint, webhook.Hub, "", 0); !errors.As(err, &invalid) || got != "" {
			t.Errorf("rotated what is not there: %v", err)
		}
	}
	var invalid *webhook.InvalidError
	for _, overlap := range []time.Duration{-1, engine.MaxOverlap + 1} {
		if _, err := e.RotateSigning(ctx, owner.Tenant, w.Endpoint, webhook.Hub, "", overlap); !errors.As(err, &invalid) || !strings.Contains(err.Error(), "overlap") {
			t.Errorf("%v: %v", overlap, err)
		}
	}
	if err := e.EndSigningOverlap(ctx, owner.Tenant, w.Endpoint, webhook.Hub); !errors.As(err, &invalid) {
		t.Error(err)
	}
	for _, tenant := range []string{"other", ""} {
		_, set := e.SetSigning(ctx, tenant, w.Endpoint, webhook.Hub, "")
		_, read := e.Signing(tenant, w.Endpoint)
		end := e.EndSigning(ctx, tenant, w.Endpoint, webhook.Hub)
		for _, err := range []error{set, read, end} {
			if !errors.Is(err, registry.ErrUnknownEndpoint) {
				t.Errorf("as tenant %q: %v", tenant, err)
			}
		}
	}
	if states, err := e.Signing(owner.Tenant, w.Endpoint); err != nil || len(states) != 0 {
		t.Errorf("%+v, %v", states, err)
	}
}

// TestRotateAgain: rotations overlap each with the next, a bounded number of them; naming the present secret changes
// nothing, and an overlap can be ended, or left out.
func TestRotateAgain(t *testing.T) {
	e := prepared(t, options(vfs.NewMem(), newInbox(t).receiver))
	w := register(t, e, "", owner, nil)
	before := func() int {
		t.Helper()
		states, err := e.Signing(owner.Tenant, w.Endpoint)
		if err != nil || len(states) != 1 {
			t.Fatalf("%+v, %v", states, err)
		}
		for i := 1; i < len(states[0].Before); i++ {
			if states[0].Before[i].Until.After(states[0].Before[i-1].Until) {
				t.Errorf("an earlier secret outlives a later one: %+v", states[0].Before)
			}
		}
		return len(states[0].Before)
	}
	if _, err := e.SetSigning(ctx, owner.Tenant, w.Endpoint, webhook.Standard, ""); err != nil {
		t.Fatal(err)
	}
	var secret string
	for i := range webhook.MaxSecrets + 1 {
		var err error
		if secret, err = e.RotateSigning(ctx, owner.Tenant, w.Endpoint, webhook.Standard, "", engine.MaxOverlap); err != nil {
			t.Fatal(err)
		}
		if n := before(); n != min(i+1, webhook.MaxSecrets-1) {
			t.Errorf("after rotation %d there are %d secrets before", i+1, n)
		}
	}
	if same, err := e.RotateSigning(ctx, owner.Tenant, w.Endpoint, webhook.Standard, secret, 0); err != nil || same != secret || before() != webhook.MaxSecrets-1 {
		t.Errorf("naming the present secret: %v, %d before", err, before())
	}
	if err := e.EndSigningOverlap(ctx, owner.Tenant, w.Endpoint, webhook.Standard); err != nil || before() != 0 {
		t.Errorf("%v, %d before", err, before())
	}
	if _, err := e.RotateSigning(ctx, owner.Tenant, w.Endpoint, webhook.Standard, "", 0); err != nil || before() != 0 {
		t.Errorf("%v, %d before", err, before())
	}
}
