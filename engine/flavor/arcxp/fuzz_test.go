package arcxp_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"hookline/engine/flavor/arcxp"
)

// FuzzBody sends arbitrary bodies to registration and change: the answer is a webhook, or a 4xx in the API's form.
func FuzzBody(f *testing.F) {
	for _, seed := range []string{
		with("", ""), with("headers", `{"A":"b","Content-Type":"x"}`), with("isEnabled", "false"), `{}`, `null`, `[]`, ``, `{"headers":{}}`,
		`{"headers":{"A":null}}`, "{\"authToken\":\"\xff\"}", `{"authToken":"a\nb"}`, `{"subscriber":"a"}{}`, `{"endpoint":"https://\u0000"}`,
	} {
		f.Add(seed)
	}
	h := newHouse(f, arcxp.Options{Limit: 1 << 30})
	kept := h.register("https://a.example/", "kept")
	f.Fuzz(func(t *testing.T, body string) {
		h := h.in(t)
		for _, a := range []answer{h.do("POST", hooks, body), h.do("PATCH", fmt.Sprint(hooks, "/", kept.ID), body)} {
			if a.Status != 200 {
				if a.Status < 400 || a.Status > 499 {
					t.Fatalf("the answer is %d %s", a.Status, a.Body)
				}
				h.wantFailure(a, a.Status, "")
				continue
			}
			got := decode[hook](h, a, 200)
			if got.ID == 0 || got.Endpoint == "" || got.Subscriber == "" {
				t.Fatalf("the webhook is %+v", got)
			}
			if got.ID != kept.ID {
				h.Want(h.do("DELETE", fmt.Sprint(hooks, "/", got.ID), ""), 200, "")
			}
		}
	})
}

// FuzzDocument gives arbitrary bodies to the reader: what it takes is JSON without duplicate names, and what is kept of
// it is the record as it came.
func FuzzDocument(f *testing.F) {
	for _, seed := range append(badDocuments(), document(1, "s", "Success"), document(1, "", "FallStory"),
		` { "record" : {"status":"Fall\u0053tory","x":[{}]} , "tags":null , "ANS":{"a":[1,2]}} `, `{"record":{"status":"FailTag"},"tags":{"a":{"webhookSubscriber":1}}}`) {
		f.Add(seed)
	}
	h := newHouse(f, arcxp.Options{})
	h.register("https://a.example/", "s")
	tenant, _ := h.Engine.Registry().Tenant("acme")
	center := arcxp.New(arcxp.Options{Untagged: arcxp.All})
	f.Fuzz(func(t *testing.T, text string) {
		body := []byte(text)
		reading, err := center.Read(body, tenant, h.Engine.Registry(), time.Now())
		if string(body) != text {
			t.Fatal("the body was written into")
		}
		if err != nil {
			return
		}
		var doc struct{ Record map[string]json.RawMessage }
		if err := json.Unmarshal(body, &doc); err != nil || doc.Record["status"] == nil {
			t.Fatalf("%q is taken (%v)", text, err)
		}
		if len(reading.Webhooks) == 0 {
			return
		}
		record, _ := bytes.CutPrefix(reading.Body, []byte(`{"record":`))
		record = record[:len(record)-1]
		if bytes.Contains(body, record) {
			return
		}
		var sent map[string]json.RawMessage
		if err := json.Unmarshal(record, &sent); err != nil || string(sent["status"]) != `"FailStory"` || reading.Type != "FailStory" || len(sent) != len(doc.Record) {
			t.Fatalf("%q is sent as %q (%v)", text, reading.Body, err)
		}
	})
}
