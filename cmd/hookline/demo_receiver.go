package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/valyala/fasthttp"
)

// Headers of Jira's webhooks.
const (
	identifierHeader = "X-Atlassian-Webhook-Identifier"
	retryHeader      = "X-Atlassian-Webhook-Retry"
	traceHeader      = "X-Atlassian-Webhook-Trace"
)

// demoReceiver is where an app receives its webhooks.
type demoReceiver struct {
	apps     demoApps
	app      int
	ledger   *demoLedger
	visitor  func(demoVisitor)
	listener net.Listener
	server   *fasthttp.Server
	served   chan error

	mu     sync.Mutex
	latest []byte // the last request's headers and body
}

// demoVisitor is a delivery of an event that is not the stream's: that of the user.
type demoVisitor struct {
	app    string
	status int
	retry  int
	event  string
	key    string
	ids    []int64
}

func newDemoReceiver(apps demoApps, app int, ledger *demoLedger, visitor func(demoVisitor)) (*demoReceiver, error) {
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("a receiver cannot listen: %w", err)
	}
	r := &demoReceiver{apps: apps, app: app, ledger: ledger, visitor: visitor, listener: listener, served: make(chan error, 1)}
	r.server = &fasthttp.Server{Handler: r.handle, Name: "hookline-demo-receiver", CloseOnShutdown: true}
	go func() { r.served <- r.server.Serve(listener) }()
	return r, nil
}

func (r *demoReceiver) url() string {
	return "http://" + r.listener.Addr().String() + "/" + r.apps[r.app].key
}

func (r *demoReceiver) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	err := r.server.ShutdownWithContext(ctx)
	// A server that was stopped before it began to serve has not closed its listener.
	if closing := r.listener.Close(); !errors.Is(closing, net.ErrClosed) {
		err = errors.Join(err, closing)
	}
	if serving := <-r.served; !errors.Is(serving, net.ErrClosed) {
		err = errors.Join(err, serving)
	}
	return err
}

func (r *demoReceiver) handle(ctx *fasthttp.RequestCtx) {
	if !ctx.IsPost() {
		r.show(ctx)
		return
	}
	r.keep(ctx)
	v := readDemoVisit(ctx)
	if sequence, ours := demoSequence(string(ctx.Request.Header.Peek(traceHeader))); ours {
		ctx.SetStatusCode(r.ledger.arrived(sequence, r.app, &v))
		return
	}
	ctx.SetStatusCode(r.welcome(&v))
}

func (r *demoReceiver) keep(ctx *fasthttp.RequestCtx) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.latest = append(append(r.latest[:0], ctx.Request.Header.Header()...), ctx.PostBody()...)
}

func readDemoVisit(ctx *fasthttp.RequestCtx) demoVisit {
	h := &ctx.Request.Header
	v := demoVisit{identifier: string(h.Peek(identifierHeader)), body: ctx.PostBody()}
	if retry := string(h.Peek(retryHeader)); retry != "" {
		if v.retry, v.err = strconv.Atoi(retry); v.err != nil || v.retry < 1 {
			v.err = fmt.Errorf("its retry header is %q", retry)
			return v
		}
	}
	var body struct {
		IDs []int64 `json:"matchedWebhookIds"`
	}
	if v.err = json.Unmarshal(v.body, &body); v.err != nil {
		v.err = fmt.Errorf("its body is not as it should be: %w", v.err)
	}
	v.ids = body.IDs
	return v
}

// welcome receives a delivery of an event that the user published. What is expected of it is found out
// from its body. A flaky receiver refuses the first attempt, to let the user see the second.
func (r *demoReceiver) welcome(v *demoVisit) int {
	var body struct {
		Event string `json:"webhookEvent"`
		Issue struct {
			Key string `json:"key"`
		} `json:"issue"`
	}
	err := v.err
	if err == nil {
		err = json.Unmarshal(v.body, &body)
	}
	var expected [][]int64
	if err == nil {
		expected, err = r.apps.expect(v.body)
	}
	switch {
	case err != nil:
		r.ledger.reject(r.app, "%v", err)
	case v.identifier == "":
		r.ledger.reject(r.app, "it has no identifier")
	case !slices.Equal(r.apps.own(v.ids), expected[r.app]):
		r.ledger.reject(r.app, "it names the webhooks %v where %v are expected", v.ids, expected[r.app])
	}
	status := 200
	if r.apps[r.app].flaky && v.retry == 0 {
		status = 503
	}
	r.visitor(demoVisitor{
		app: r.apps[r.app].key, status: status, retry: v.retry, event: body.Event, key: body.Issue.Key, ids: v.ids,
	})
	return status
}

// show answers with the last delivery as it arrived.
func (r *demoReceiver) show(ctx *fasthttp.RequestCtx) {
	r.mu.Lock()
	defer r.mu.Unlock()
	ctx.SetContentType("text/plain; charset=utf-8")
	if r.latest == nil {
		ctx.SetBodyString("nothing has arrived yet\n")
		return
	}
	ctx.SetBody(append(slices.Clone(r.latest), '\n'))
}
