package migration_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"hookline/engine/flavor/migration"
	"hookline/engine/webhook"
)

// Types are not bound to a list, and an event is for the webhooks of its app alone.
func TestEvents(t *testing.T) {
	t.Parallel()
	h := newHouse(t, migration.Options{})
	h.register("https://a.example/", "https://b.example/")
	h.Want(h.do("PUT", "/t/acme"+hook, "Bearer "+tokenOther, set("https://a.example/")), 200, "")
	h.Want(h.do("PUT", "/t/rival"+hook, "Bearer "+tokenMoverR, set("https://a.example/")), 200, "")
	for _, kind := range []string{
		"listener-triggered", "app-data-uploaded", "listener-errored", "transfer-cancellation-requested", "app-data-preloaded",
		"avi:ecosystem.migration:settled:transfer", "LISTENER_TRIGGERED", "\\u00fcber new",
	} {
		for app, want := range map[string]int{"mover": 2, "other": 1, "bare": 0, "mobile": 0, "nobody": 0, "../rival/mover": 0, "Mover": 0} {
			if got := h.publish(`{"cloudAppKey":"` + app + `","eventType":"` + kind + `","s3Key":[]}`); got != want {
				t.Errorf("%s for %s matched %d; want %d", kind, app, got, want)
			}
		}
	}
	const path = "/v1/events/migration"
	h.Want(h.do("POST", "/t/acme"+path, "Bearer "+tokenRival, uploaded), 401, "")
	h.Want(h.do("POST", "/t/acme"+path, "Bearer "+tokenMover, uploaded), 401, "")
	h.Want(h.do("POST", "/t/acme"+path, jwt("mover", secretMover, "POST", path), uploaded), 401, "")
	if a := h.do("POST", "/t/acme/v1/events", "Bearer "+tokenAcme, uploaded); a.Status != 400 {
		t.Errorf("as an event of Jira: %d %s", a.Status, a.Body)
	}
}

func TestBadEvents(t *testing.T) {
	t.Parallel()
	h := newHouse(t, migration.Options{})
	for _, tt := range []struct{ body, want string }{
		{``, "the body ends too early"}, {` `, "the body ends too early"}, {`{"eventType":"x"`, "the body ends too early"},
		{`"x"`, "another kind"}, {`null`, "another kind"}, {`7`, "another kind"},
		{`{}`, "eventType is missing"}, {`{"cloudAppKey":"mover"}`, "eventType is missing"}, {`{"EventType":"x","cloudAppKey":"mover"}`, "eventType is missing"},
		{`{"eventType":"x"}`, "cloudAppKey is missing"}, {`{"eventType":"x","a":{"cloudAppKey":"mover"}}`, "cloudAppKey is missing"},
		{`{"eventType":"","cloudAppKey":"mover"}`, "eventType must be a string"}, {`{"eventType":null,"cloudAppKey":"mover"}`, "eventType must be a string"},
		{`{"eventType":{},"cloudAppKey":"mover"}`, "eventType must be a string"}, {`{"eventType":["x"],"cloudAppKey":"mover"}`, "eventType must be a string"},
		{`{"eventType":"x","cloudAppKey":1}`, "cloudAppKey must be a string"}, {`{"eventType":"x","cloudAppKey":"mover","messageId":7}`, "messageId must be a string"},
		{`{"eventType":"x","cloudAppKey":"mover","messageId":null}`, "messageId must be a string"}, {`{"messageId":"","eventType":"x"}`, "messageId must be a string"},
		{`{"eventType":"x","cloudAppKey":"mover","eventType":"x"}`, "two members of one name at byte"},
		{`{"eventType":"x","cloudAppKey":"mover","event\u0054ype":"x"}`, "two members of one name at byte"},
		{`{"eventType":"x","cloudAppKey":"mover","a":{"b":1,"b":1}}`, "two members of one name at byte"},
		{`{"eventType":"x","cloudAppKey":"mover"}{}`, "more after the event"}, {`{"eventType":"x","cloudAppKey":"mover"} x`, "more after the event"},
		{`{"eventType":"x","cloudAppKey":"mover",}`, "RFC 8259"}, {`{eventType:"x"}`, "RFC 8259"}, {`{"eventType":"x","n":01}`, "RFC 8259"},
		{"{\"eventType\":\"\xff\",\"cloudAppKey\":\"mover\"}", "RFC 8259"}, {`{"eventType":"\ud800","cloudAppKey":"mover"}`, "RFC 8259"},
		{`{"eventType":"x","cloudAppKey":"mover","d":` + strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000) + `}`, "depth"},
	} {
		a := h.do("POST", "/t/acme/v1/events/migration", "Bearer "+tokenAcme, tt.body)
		if a.Status != 400 || !strings.Contains(a.Body, `"code":"invalid_event","message":"event: `) || !strings.Contains(a.Body, tt.want) {
			t.Errorf("%.80s: %d %s; want %q", tt.body, a.Status, a.Body, tt.want)
		}
	}
}

// FuzzRead reads arbitrary events: what is taken is kept as it came, but for white space around it and a messageId.
func FuzzRead(f *testing.F) {
	for _, body := range []string{
		uploaded, `{"eventType":"x","cloudAppKey":"mover"}`, "\n{\"cloudAppKey\":\"mover\",\"eventType\":\"x\" \t}\r\n", `{}`, `[]`, ``, `{"eventType":"x"`,
		`{"eventType":"x","cloudAppKey":"mover","messageId":null}`, `{"eventType":"x","cloudAppKey":"mover","eventType":"x"}`,
	} {
		f.Add([]byte(body))
	}
	h := newHouse(f, migration.Options{})
	h.register("https://a.example/")
	flavor := migration.New(migration.Options{})
	tenant, _ := h.Engine.Registry().Tenant("acme")
	f.Fuzz(func(t *testing.T, body []byte) {
		given := bytes.Clone(body)
		reading, err := flavor.Read(body, tenant, h.Engine.Registry(), time.Now())
		if !bytes.Equal(body, given) {
			t.Fatalf("the body was changed to %q", body)
		}
		var before, after map[string]jsontext.Value
		broken := json.Unmarshal(body, &before)
		if err != nil {
			if _, ok := err.(*webhook.InvalidError); !ok {
				t.Fatalf("error %T: %v", err, err)
			}
			return
		}
		if broken != nil || reading.Type == "" {
			t.Fatalf("%q is taken for an event of type %q: %v", body, reading.Type, broken)
		}
		trimmed := bytes.Trim(body, " \t\r\n")
		if err := json.Unmarshal(reading.Body, &after); err != nil {
			t.Fatalf("%v in %q", err, reading.Body)
		}
		_, had := before["messageId"]
		switch {
		case had || len(reading.Webhooks) == 0:
			if !bytes.Equal(reading.Body, trimmed) {
				t.Fatalf("kept is %q", reading.Body)
			}
		case !bytes.HasPrefix(reading.Body, trimmed[:len(trimmed)-1]) || len(after) != len(before)+1 || len(after["messageId"]) != 38:
			t.Fatalf("kept is %q", reading.Body)
		}
	})
}
