package arcxp_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"hookline/engine/flavor"
	"hookline/engine/flavor/arcxp"
	"hookline/engine/flavor/flavortest"
	"hookline/engine/webhook"
)

// Credentials of the tenants that a house has: acme, with an app, and rival.
const (
	tokenAcme  = flavortest.TokenAcme
	tokenApp   = "token of app ci in acme"
	tokenRival = flavortest.TokenRival
	tokenAdmin = flavortest.TokenAdmin
)

// Paths below the server.
const (
	hooks  = "/t/acme/migrations/v3/webhook"
	events = "/t/acme/v1/events/arcxp"
)

type house struct{ *flavortest.House }

type (
	answer   = flavortest.Answer
	received = flavortest.Received
)

func newHouse(t testing.TB, o arcxp.Options) *house {
	t.Helper()
	h := &house{flavortest.Open(t, flavortest.Options{Flavors: []flavor.Flavor{arcxp.New(o)}})}
	h.PutApp(webhook.App{Tenant: "acme", Key: "ci", Tokens: []webhook.AppToken{flavortest.Token(tokenApp, "")}})
	return h
}

// in returns the house for use in another test, as that of a fuzz target.
func (h *house) in(t testing.TB) *house { return &house{h.In(t)} }

// as sends a request with a token, "" for none.
func (h *house) as(token, method, path, contentType, body string) answer {
	h.T.Helper()
	return h.Send(flavortest.Request{Method: method, Path: path, Token: token, Body: body, Header: map[string]string{"Content-Type": contentType}})
}

func (h *house) do(method, path, body string) answer {
	h.T.Helper()
	return h.as(tokenAcme, method, path, "application/json", body)
}

// wantFailure fails the test unless the answer is in the API's error form, with a part of a message.
func (h *house) wantFailure(a answer, status int, part string) {
	h.T.Helper()
	var got map[string]any
	if err := json.Unmarshal([]byte(a.Body), &got); err != nil || a.Status != status || len(got) != 2 || got["success"] != false {
		h.T.Errorf("the answer is %d %s (%v); want %d in the API's error form", a.Status, a.Body, err, status)
		return
	}
	if message, _ := got["message"].(string); message == "" || !strings.Contains(message, part) || len(message) > 400 {
		h.T.Errorf("the message is %q; want %q in it", message, part)
	}
}

// hook is a webhook as a client reads it.
type hook struct {
	Success    *bool             `json:"success"`
	ID         int64             `json:"id"`
	Endpoint   string            `json:"endpoint"`
	Headers    map[string]string `json:"headers"`
	IsEnabled  bool              `json:"isEnabled"`
	CreateDate string            `json:"createDate"`
	UpdateDate string            `json:"updateDate"`
	Subscriber string            `json:"subscriber"`
}

func decode[T any](h *house, a answer, status int) T {
	h.T.Helper()
	var v T
	h.Decode(a, status, &v)
	return v
}

// register makes a webhook; more are further members of the body, as JSON.
func (h *house) register(endpoint, subscriber string, more ...string) hook {
	h.T.Helper()
	members := append([]string{fmt.Sprintf(`"endpoint":%q,"subscriber":%q`, endpoint, subscriber)}, more...)
	body := "{" + strings.Join(members, ",") + "}"
	if !strings.Contains(body, "authToken") {
		body = `{"authToken":"t0ken",` + body[1:]
	}
	return decode[hook](h, h.do("POST", hooks, body), 200)
}

func (h *house) patch(id int64, body string) hook {
	h.T.Helper()
	return decode[hook](h, h.do("PATCH", fmt.Sprint(hooks, "/", id), body), 200)
}

func (h *house) list() []hook {
	h.T.Helper()
	return decode[struct {
		HasMore  bool   `json:"hasMore"`
		Webhooks []hook `json:"webhooks"`
	}](h, h.do("GET", hooks, ""), 200).Webhooks
}

// receipt is the answer to one document.
type receipt struct {
	Line, Status, Matched, Deliveries int
	ID, Type                          string
	Error                             *struct{ Code, Message string }
}

func (h *house) publish(body string) receipt {
	h.T.Helper()
	a := h.do("POST", events, body)
	var r receipt
	if err := json.Unmarshal([]byte(a.Body), &r); err != nil || a.Status != 202 {
		h.T.Fatalf("%s: the answer is %d %s", body, a.Status, a.Body)
	}
	return r
}

// document is one that reached a status; an empty subscriber is none.
func document(id int, subscriber, status string) string {
	tags := ""
	if subscriber != "" {
		tags = fmt.Sprintf(`"tags":{"webhookSubscriber":%q},`, subscriber)
	}
	return fmt.Sprintf(`{%s"record":%s}`, tags, record(id, status))
}

func record(id int, status string) string {
	return fmt.Sprintf(`{"id": %d, "ansId":"T3GBOT63EBA4JGFU4RPTCQPK4Q", "ansType":"story", "status" :%q, "website":null,`+
		` "updateDate":"2022-12-07T19:49:00.157Z","priority":"historical","groupId":null}`, id, status)
}

// receiver answers with the statuses in turn, and with 200 after that.
func receiver(t testing.TB, statuses ...int) (url string, got <-chan received) {
	t.Helper()
	return flavortest.Receiver(t, flavortest.InTurn(statuses...))
}

// quick are options for tests with receivers: without the long waits.
func quick(waits int) arcxp.Options {
	p := arcxp.Default()
	p.Backoff = slices.Repeat([]time.Duration{time.Millisecond}, waits)
	return arcxp.Options{PlainHTTP: true, Policy: p}
}
