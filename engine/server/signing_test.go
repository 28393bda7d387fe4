package server_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"hookline/engine/sign"
	"hookline/engine/webhook"
)

// signing is a way of signing as the API shows it.
type signing struct {
	Kind      string `json:"kind"`
	Secret    string `json:"secret"`
	PublicKey string `json:"publicKey"`
	Before    []struct {
		PublicKey string    `json:"publicKey"`
		Until     time.Time `json:"until"`
	} `json:"before"`
}

func (h *house) signings() []signing {
	h.T.Helper()
	var list struct {
		Items []signing `json:"items"`
	}
	h.Decode(h.acme("GET", webhooksPath+"/1000/signing", ""), 200, &list)
	return list.Items
}

// Every way of signing is set, rotated and ended. A secret is shown where it was made, and never again.
func TestSigning(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.register("https://a.example/", "jira:issue_updated", "jira:issue_deleted")
	if list := h.signings(); len(list) != 0 {
		t.Errorf("at first: %+v", list)
	}
	for kind, prefix := range map[string]string{"hub": "", "standard": "whsec_", "ed25519": "whsk_"} {
		path := webhooksPath + "/1000/signing/" + kind
		h.wantProblem(h.acme("POST", path+"/rotate", ""), 400, "invalid", "no "+kind)
		h.wantProblem(h.acme("POST", path+"/end-overlap", ""), 400, "invalid", "no "+kind)
		var first, second, ended signing
		h.Decode(h.acme("PUT", path, ""), 200, &first)
		h.Decode(h.acme("POST", path+"/rotate", `{"overlap":"2h"}`), 200, &second)
		for _, made := range []signing{first, second} {
			if made.Kind != kind || !strings.HasPrefix(made.Secret, prefix) || len(made.Secret) < 32 || (made.PublicKey != "") != (kind == "ed25519") {
				t.Errorf("%s: %+v", kind, made)
			}
		}
		if left := time.Until(second.Before[0].Until); first.Secret == second.Secret || len(second.Before) != 1 || second.Before[0].PublicKey != first.PublicKey || left < time.Hour || left > 2*time.Hour {
			t.Errorf("%s: %+v then %+v", kind, first, second)
		}
		again := signing{}
		h.Decode(h.acme("POST", path+"/rotate", `{"secret":"`+second.Secret+`"}`), 200, &again)
		if again.Secret != "" || len(again.Before) != 1 {
			t.Errorf("%s: naming the secret that holds: %+v", kind, again)
		}
		h.Decode(h.acme("POST", path+"/end-overlap", ""), 200, &ended)
		if ended.Secret != "" || len(ended.Before) != 0 || ended.PublicKey != second.PublicKey {
			t.Errorf("%s: after the overlap %+v", kind, ended)
		}
	}
	kinds := func() (list []string) {
		for _, s := range h.signings() {
			if list = append(list, s.Kind); s.Secret != "" {
				t.Errorf("the list shows a secret: %+v", s)
			}
		}
		return list
	}
	if got := kinds(); !slices.Equal(got, []string{"hub", "standard", "ed25519"}) {
		t.Errorf("signed by %v", got)
	}
	if a := h.acme("GET", webhooksPath+"/1001", ""); !strings.Contains(a.Body, `"signing":["hub","standard","ed25519"]`) {
		t.Errorf("the one that shares the endpoint: %s", a.Body)
	}
	for range 2 {
		h.Want(h.acme("DELETE", webhooksPath+"/1000/signing/standard", ""), 204, "")
	}
	if got := kinds(); !slices.Equal(got, []string{"hub", "ed25519"}) {
		t.Errorf("signed by %v", got)
	}
}

func TestSigningRefusals(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.register("https://a.example/", "jira:issue_updated")
	const path = webhooksPath + "/1000/signing"
	h.Want(h.acme("PUT", path+"/standard", ""), 200, "")
	before := h.acme("GET", path, "").Body
	for _, route := range []string{"PUT ", "DELETE ", "POST /rotate", "POST /end-overlap"} {
		method, more, _ := strings.Cut(route, " ")
		h.wantProblem(h.acme(method, path+"/md5"+more, ""), 400, "invalid", "hub, standard or ed25519")
	}
	for _, c := range []struct{ method, path, body, code, part string }{
		{"PUT", "/hub", `{"secret":""}`, "invalid", "0 characters"},
		{"PUT", "/standard", `{"secret":""}`, "invalid", "0 characters"},
		{"PUT", "/standard", `{"secret":"a secret of some length"}`, "invalid", "whsec_"},
		{"PUT", "/ed25519", `{"secret":"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}`, "invalid", "whsk_"},
		{"PUT", "/hub", `{"overlap":"1h"}`, "invalid_json", "overlap"},
		{"POST", "/standard/rotate", `{"overlap":"a day"}`, "invalid", "a day"},
		{"POST", "/standard/rotate", `{"overlap":"-1s"}`, "invalid", "-1s"},
		{"POST", "/standard/rotate", `{"overlap":"169h"}`, "invalid", "169h"},
		{"POST", "/standard/rotate", `{"overlap":24}`, "invalid_json", "overlap"},
		{"POST", "/standard/rotate", `{"secret":"short"}`, "invalid", "5 characters"},
	} {
		h.wantProblem(h.acme(c.method, path+c.path, c.body), 400, c.code, c.part)
	}
	if after := h.acme("GET", path, "").Body; after != before {
		t.Errorf("before %s, after %s", before, after)
	}
}

// What an operator gives an endpoint is shown, and taken back by null.
func TestPolicyRateAndOrder(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.register("https://a.example/", "jira:issue_updated", "jira:issue_deleted")
	const path = webhooksPath + "/1000"
	h.Want(h.acme("PATCH", path, `{"policy":"steady","rate":0.5}`), 200, "")
	if a := h.acme("GET", webhooksPath+"/1001", ""); !strings.Contains(a.Body, `"policy":"steady","rate":0.5`) {
		t.Errorf("the one that shares the endpoint: %s", a.Body)
	}
	if a := h.acme("PATCH", path, `{"rate":null}`); !strings.Contains(a.Body, `"policy":"steady"`) || strings.Contains(a.Body, `"rate"`) {
		t.Errorf("without a rate: %s", a.Body)
	}
	h.Want(h.acme("PATCH", path, `{"order":"project"}`), 200, "")
	if a := h.acme("GET", webhooksPath+"/1001", ""); !strings.Contains(a.Body, `"order":"project"`) {
		t.Errorf("the one that shares the endpoint: %s", a.Body)
	}
	if a := h.acme("PATCH", path, `{"order":null}`); strings.Contains(a.Body, `"order"`) {
		t.Errorf("without an order: %s", a.Body)
	}
	if a := h.acme("PATCH", path, `{"policy":null}`); strings.Contains(a.Body, `"policy"`) {
		t.Errorf("without a policy: %s", a.Body)
	}
}

// What is disabled says why, and since when it failed, until it is enabled.
func TestEnable(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(404) }))
	t.Cleanup(receiver.Close)
	h.register(receiver.URL, "jira:issue_updated")
	h.publish(event, nil)
	h.Eventually("the delivery is given up", func() bool { return h.Engine.Queue().Stats().Dead == 1 })
	w, _ := h.Engine.Registry().Webhook("acme", 1000)
	_, err := h.Engine.Registry().ChangeEndpoint(t.Context(), "acme", w.Endpoint, func(ep *webhook.Endpoint) error {
		ep.Stopped, ep.Paused = webhook.StoppedGone, true
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	const path = webhooksPath + "/1000"
	a := h.acme("GET", path, "")
	for _, part := range []string{`"state":"stopped"`, `"stopped":"gone"`, `"failing":{"since":"`, `"attempts":1`} {
		if !strings.Contains(a.Body, part) {
			t.Errorf("%s is not in %s", part, a.Body)
		}
	}
	if got := h.pages(webhooksPath+"?state=stopped", tokenAcme, "id"); !slices.Equal(got, []string{"1000"}) {
		t.Errorf("stopped are %v", got)
	}
	if a := h.acme("GET", "/t/acme/v1/status", ""); !strings.Contains(a.Body, `"stopped":1`) {
		t.Errorf("the status is %s", a.Body)
	}
	id := h.pages("/t/acme/v1/deliveries?status=dead", tokenAcme, "id")[0]
	h.wantProblem(h.acme("POST", "/t/acme/v1/deliveries/"+id+"/resend", ""), 409, "stopped", "enable it")
	for _, more := range []string{"", `,"dryRun":true`} {
		h.wantProblem(h.acme("POST", "/t/acme/v1/replays", `{"status":"dead","webhook":1000`+more+`}`), 409, "stopped", "enable it")
	}
	h.wantProblem(h.acme("POST", path+"/unpark", ""), 409, "stopped", "enable it")
	for range 2 {
		a = h.acme("POST", path+"/enable", "")
		if a.Status != 200 || !strings.Contains(a.Body, `"state":"paused"`) || strings.Contains(a.Body, `"stopped"`) || strings.Contains(a.Body, `"failing"`) {
			t.Errorf("enabled: %d %s", a.Status, a.Body)
		}
	}
}

// Requests carry what the API was told to sign them with.
func TestSignedAsTold(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	headers, bodies := make(chan http.Header, 1), make(chan string, 1)
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		bodies <- readAll(t, r.Body)
		headers <- r.Header
	}))
	t.Cleanup(receiver.Close)
	h.register(receiver.URL, "jira:issue_updated")
	var made signing
	h.Decode(h.acme("PUT", webhooksPath+"/1000/signing/ed25519", ""), 200, &made)
	h.publish(event, nil)
	body, header := <-bodies, <-headers
	key, err := sign.ParseKey(sign.NewSecret(made.PublicKey))
	if err != nil {
		t.Fatal(err)
	}
	of := sign.Standard{ID: header.Get("webhook-id"), Timestamp: header.Get("webhook-timestamp"), Signature: header.Get("webhook-signature")}
	if err := sign.VerifyStandard(of, []byte(body), time.Now(), key); err != nil {
		t.Error(err)
	}
}
