package server_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"hookline/engine"
	"hookline/engine/flavor"
	"hookline/engine/flavor/arcxp"
	"hookline/engine/flavor/flavortest"
	"hookline/engine/flavor/jira"
	"hookline/engine/flavor/migration"
	"hookline/engine/server"
	"hookline/engine/sign"
	"hookline/engine/webhook"
)

// Secrets that a canary house is given. None begins with what another holds.
const (
	canaryKey      = "c0ffee0000000000c0ffee1111111111c0ffee2222222222c0ffee3333333333"
	canaryAdmin    = "canary of the administrator"
	canaryTenant   = "canary of acme's publishers"
	canaryAppToken = "canary of the token of ci"
	canaryShared   = "canary shared with the app ci"
	canaryRenewed  = "canary that ci has later"
	canaryWebhook  = "canary of an admin webhook"
	canaryHub      = "canary of a callback"
	canaryBearer   = "canary of a receiver of arc"
	canaryShort    = "canary: short"
)

// overheard collects everything that is said where a secret has no business.
type overheard struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *overheard) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *overheard) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// canary is a house with all flavours and every kind of secret, whose logs, answers, errors and metrics are overheard.
type canary struct {
	*house
	dir     string
	heard   *overheard
	secrets map[string]string // by what they are for
}

func newCanary(t *testing.T) *canary {
	t.Helper()
	c := &canary{
		dir: t.TempDir(), heard: new(overheard), secrets: map[string]string{
			"sealing key": canaryKey, "administrator": canaryAdmin, "tenant": canaryTenant, "app's token": canaryAppToken, "app": canaryShared,
			"app, renewed": canaryRenewed, "admin webhook": canaryWebhook, "callback": canaryHub, "arc": canaryBearer, "refused": canaryShort,
		},
	}
	logs := slog.New(slog.NewJSONHandler(c.heard, &slog.HandlerOptions{Level: slog.LevelDebug}))
	quickly := func(p *webhook.Policy) *webhook.Policy { p.Backoff = p.Backoff[:1]; p.Backoff[0] = 1; return p }
	c.house = &house{House: flavortest.Open(t, flavortest.Options{
		Flavors: []flavor.Flavor{
			jira.NewDynamic(jira.DynamicOptions{PlainHTTP: true, ManyURLs: true, Policy: quickly(jira.Seed())}),
			jira.NewAdmin(jira.AdminOptions{PlainHTTP: true, Policy: quickly(jira.Seed())}),
			migration.New(migration.Options{PlainHTTP: true}),
			arcxp.New(arcxp.Options{PlainHTTP: true, Policy: quickly(arcxp.Default())}),
		},
		Engine: func(o *engine.Options) {
			o.Dir, o.Logger, o.SecretKeys = c.dir, logs, []sign.Secret{sign.NewSecret(canaryKey)}
		},
		Server: func(o *server.Options) { o.AdminToken, o.Logger = canaryAdmin, logs },
	})}
	return c
}

// ask sends a request and overhears the answer, which has to have the status.
func (c *canary) ask(status int, token, method, path, body string) answer {
	c.T.Helper()
	a := c.Send(request{Method: method, Path: path, Token: token, Body: body, Header: map[string]string{"Content-Type": "application/json"}})
	fmt.Fprintln(c.heard, method, a.Status, a.Header, a.Body)
	if a.Status != status {
		c.T.Errorf("%s %s: %d %s; want %d", method, path, a.Status, a.Body, status)
	}
	return a
}

// sign has requests to every endpoint signed in every way, in the middle of a rotation.
func (c *canary) sign() {
	c.T.Helper()
	given := map[webhook.SigningKind]string{webhook.Hub: canaryHub}
	for _, ep := range c.Engine.Registry().Endpoints("acme") {
		for _, kind := range webhook.SigningKinds {
			first, err := c.Engine.SetSigning(c.T.Context(), "acme", ep.ID, kind, given[kind])
			if err != nil {
				c.T.Fatal(err)
			}
			second, err := c.Engine.RotateSigning(c.T.Context(), "acme", ep.ID, kind, "", engine.DefaultOverlap)
			if err != nil {
				c.T.Fatal(err)
			}
			c.secrets[fmt.Sprintf("%s of %d", kind, ep.ID)], c.secrets[fmt.Sprintf("%s of %d, second", kind, ep.ID)] = first, second
			_, refused := c.Engine.SetSigning(c.T.Context(), "acme", ep.ID, kind, canaryShort)
			_, rotated := c.Engine.RotateSigning(c.T.Context(), "acme", ep.ID, kind, canaryHub, -1)
			_, of := c.Engine.RotateSigning(c.T.Context(), "nobody", ep.ID, kind, "", 0)
			fmt.Fprintln(c.heard, refused, rotated, of)
		}
		states, err := c.Engine.Signing("acme", ep.ID)
		fmt.Fprintf(c.heard, "%+v %v\n", states, err)
	}
}

// spellings are the forms in which a secret could be said.
func spellings(secret string) []string {
	_, encoded, ok := strings.Cut(secret, "_")
	raw, err := base64.StdEncoding.DecodeString(encoded)
	list := []string{secret, hex.EncodeToString([]byte(secret)), base64.RawStdEncoding.EncodeToString([]byte(secret)), base64.RawURLEncoding.EncodeToString([]byte(secret))}
	if ok && err == nil && len(raw) >= 24 {
		list = append(list, encoded[:32], hex.EncodeToString(raw[:24]), base64.RawURLEncoding.EncodeToString(raw[:24]), string(raw[:24]))
	}
	return list
}

// quiet fails the test where one of the secrets is said.
func (c *canary) quiet(where, text string) {
	c.T.Helper()
	for what, secret := range c.secrets {
		for _, form := range spellings(secret) {
			if i := strings.Index(text, form); i >= 0 {
				c.T.Errorf("the secret %s is %s: %q", what, where, text[max(0, i-100):i+len(form)])
			}
		}
	}
}

// TestCanary: through registration, delivery, failure, rotation and whatever is refused, no log line, no answer, no error, no
// metric and nothing on the disk has a secret.
func TestCanary(t *testing.T) {
	c := newCanary(t)
	var delivered sync.Map
	refusing := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		if _, again := delivered.LoadOrStore(r.URL.Path, string(text)); !again {
			w.WriteHeader(503)
		}
	}))
	t.Cleanup(refusing.Close)
	url := refusing.URL

	const app = "/v1/tenants/acme/apps/ci"
	c.ask(200, canaryAdmin, "PUT", "/v1/tenants/acme", `{"tokens": ["`+canaryTenant+`"]}`)
	c.ask(201, canaryAdmin, "PUT", app, `{"kind": "connect", "issuer": "key", "secrets": ["`+canaryShared+`"], "tokens": [{"token": "`+canaryAppToken+`"}]}`)
	c.ask(400, canaryAdmin, "PUT", app, `{"secrets": ["`+canaryShort+`"]}`)
	c.ask(400, canaryAdmin, "PUT", app, `{"secrets": "`+canaryShared+`"}`)
	c.ask(400, canaryAdmin, "PUT", app, `{"secrets": ["`+canaryShared)
	c.ask(201, canaryAdmin, "POST", app+"/secrets", `{"secret": "`+canaryRenewed+`"}`)
	c.ask(400, canaryAdmin, "POST", app+"/secrets", `{"secret": "`+canaryShort+`"}`)

	c.ask(200, canaryAppToken, "POST", "/t/acme/rest/api/2/webhook",
		`{"url": "`+url+`/dynamic", "webhooks": [{"jqlFilter": "project = EX", "events": ["jira:issue_created"]}]}`)
	c.ask(201, canaryTenant, "POST", "/t/acme/rest/webhooks/1.0/webhook",
		`{"name": "n", "url": "`+url+`/admin", "events": ["jira:issue_created"], "secret": "`+canaryWebhook+`"}`)
	c.ask(400, canaryTenant, "POST", "/t/acme/rest/webhooks/1.0/webhook", `{"name": 1, "secret": "`+canaryWebhook+`"}`)
	c.ask(400, canaryTenant, "POST", "/t/acme/rest/webhooks/1.0/webhook", `{"name": "", "secret": "`+canaryWebhook+`"}`)
	c.ask(200, canaryTenant, "POST", "/t/acme/migrations/v3/webhook", `{"endpoint": "`+url+`/arc", "authToken": "`+canaryBearer+`", "subscriber": "s"}`)
	c.ask(400, canaryTenant, "POST", "/t/acme/migrations/v3/webhook", `{"endpoint": "ftp://x", "authToken": "`+canaryBearer+`", "subscriber": "t"}`)
	c.ask(400, canaryTenant, "POST", "/t/acme/migrations/v3/webhook", `{"authToken": "`+canaryBearer+`\n."}`)
	c.ask(400, canaryTenant, "POST", "/t/acme/migrations/v3/webhook", `{"endpoint": "https://x", "authToken": ["`+canaryBearer+`"]}`)
	c.ask(200, canaryTenant, "PATCH", "/t/acme/v1/webhooks/1000", `{"secret": "`+canaryHub+`"}`)
	c.ask(400, canaryTenant, "PATCH", "/t/acme/v1/webhooks/1000", `{"secret": "`+canaryShort+`"}`)
	c.ask(400, canaryTenant, "PATCH", "/t/acme/v1/webhooks/1000", `{"secret": ["`+canaryHub+`"]}`)
	c.sign()
	const signing = "/t/acme/v1/webhooks/1000/signing"
	c.ask(200, canaryTenant, "PUT", signing+"/hub", `{"secret": "`+canaryHub+`"}`)
	c.ask(200, canaryTenant, "POST", signing+"/hub/rotate", `{"secret": "`+canaryRenewed+`", "overlap": "1h"}`)
	for _, wrong := range []string{`"` + canaryShort + `"`, `["` + canaryHub + `"]`, `"` + canaryHub} {
		c.ask(400, canaryTenant, "PUT", signing+"/ed25519", `{"secret": `+wrong+`}`)
		c.ask(400, canaryTenant, "POST", signing+"/standard/rotate", `{"secret": `+wrong+`}`)
	}
	c.ask(400, canaryTenant, "POST", signing+"/hub/rotate", `{"secret": "`+canaryHub+`", "overlap": "200h"}`)
	c.ask(200, canaryTenant, "GET", signing, "")

	c.ask(202, canaryTenant, "POST", "/t/acme/v1/events", `{"webhookEvent": "jira:issue_created", "issue": {"fields": {"project": {"key": "EX"}}}}`)
	c.ask(202, canaryTenant, "POST", "/t/acme/v1/events/arcxp", `{"tags": {"webhookSubscriber": "s"}, "record": {"status": "Success"}}`)
	c.Eventually("everything is delivered", func() bool {
		s := c.Engine.Queue().Stats()
		return s.Waiting+s.InHand == 0
	})
	for _, path := range []string{"/dynamic", "/admin", "/arc"} {
		if _, ok := delivered.Load(path); !ok {
			t.Errorf("nothing came to %s", path)
		}
	}
	refusing.Close() // what comes now is about connections that fail
	c.ask(202, canaryTenant, "POST", "/t/acme/v1/events", `{"webhookEvent": "jira:issue_created", "issue": {"fields": {"project": {"key": "EX"}}}}`)
	c.Eventually("the receiver is missed", func() bool { return c.Engine.Queue().Stats().Dead > 0 })

	for _, path := range []string{"/v1", "/v1/status", "/v1/hosts", "/v1/tenants", "/v1/tenants/acme", "/v1/tenants/acme/apps", app} {
		c.ask(200, canaryAdmin, "GET", path, "")
	}
	for _, path := range []string{
		"/rest/webhooks/1.0/webhook", "/migrations/v3/webhook", "/v1/status", "/v1/webhooks", "/v1/webhooks/1000", "/v1/webhooks/1001",
		"/v1/webhooks/1002", "/v1/attempts", "/v1/replays",
	} {
		c.ask(200, canaryTenant, "GET", "/t/acme"+path, "")
	}
	var dead struct{ Items []struct{ ID string } }
	if err := json.Unmarshal([]byte(c.ask(200, canaryTenant, "GET", "/t/acme/v1/deliveries?status=dead", "").Body), &dead); err != nil || len(dead.Items) == 0 {
		t.Fatalf("%+v, %v", dead, err)
	}
	c.ask(200, canaryTenant, "GET", "/t/acme/v1/deliveries/"+dead.Items[0].ID, "")
	c.ask(200, canaryAppToken, "GET", "/t/acme/rest/api/2/webhook", "")
	c.ask(200, canaryAppToken, "GET", "/t/acme/rest/api/2/webhook/failed", "")
	for _, wrong := range []string{canaryShared, canaryHub, canaryShort} { // a secret where a token belongs
		c.ask(401, wrong, "GET", "/t/acme/rest/api/2/webhook", "")
		c.ask(401, wrong, "GET", "/v1/tenants", "")
		c.ask(401, "", "GET", "/t/acme/rest/api/2/webhook?jwt="+strings.ReplaceAll(wrong, " ", "+"), "")
	}
	ops := "http://" + c.Server.Operations()
	for _, path := range []string{"/metrics", "/healthz", "/readyz?verbose", "/debug/pprof/cmdline"} {
		c.ask(200, "", "GET", ops+path, "")
	}

	if err := c.Stop(); err != nil {
		t.Error(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := c.Engine.Close(ctx); err != nil {
		t.Error(err)
	}
	o := c.Engine.Options()
	o.Metrics, o.SecretKeys = nil, nil
	_, err := engine.Open(o)
	fmt.Fprintln(c.heard, err)
	if err == nil || strings.Count(c.heard.String(), "\n") < 40 {
		t.Errorf("too little was overheard (%v)", err)
	}
	c.quiet("said", c.heard.String())
	c.quiet("on the disk", onDisk(t, c.dir))
}

// onDisk returns all that is in the files of a directory.
func onDisk(t *testing.T, dir string) string {
	t.Helper()
	var text strings.Builder
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		text.Write(content)
		return err
	})
	if err != nil || text.Len() == 0 {
		t.Fatal(err, text.Len())
	}
	return text.String()
}
