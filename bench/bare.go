package bench

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"
)

// bareClient posts the bodies of a workload with nothing in between: no disk, no filter, no retry, no time limit. It
// is what the machine can do, the receivers' share of the work included. Its requests have the headers that the engine's have.
type bareClient struct {
	rig     *rig
	perHost int // requests in flight
	clients []*fasthttp.HostClient
}

func newBareClient(r *rig, perHost int) *bareClient {
	b := &bareClient{rig: r, perHost: perHost}
	for _, receiver := range r.receivers {
		b.clients = append(b.clients, &fasthttp.HostClient{
			Addr: receiver.Address(), MaxConns: perHost, MaxIdemponentCallAttempts: 1,
			NoDefaultUserAgentHeader: true,
		})
	}
	return b
}

func (b *bareClient) close() {
	for _, client := range b.clients {
		client.CloseIdleConnections()
	}
}

// post posts for a time over as many connections as the engine may use. What it returns is what was answered.
func (b *bareClient) post(ctx context.Context, length time.Duration) (tally, error) {
	ledger := b.rig.newLedger(1, nil)
	start, cpu := time.Now(), processTime()
	var stop atomic.Bool
	var group sync.WaitGroup
	failures := make(chan error, len(b.clients)*b.perHost)
	for host := range b.clients {
		for range b.perHost {
			group.Go(func() { failures <- b.loop(host, ledger, &stop) })
		}
	}
	wait(ctx, length)
	stop.Store(true)
	group.Wait()
	close(failures)
	problems := []error{ctx.Err()}
	for err := range failures {
		problems = append(problems, err)
	}
	return ledger.since(start, cpu), errors.Join(problems...)
}

func (b *bareClient) loop(host int, ledger *Ledger, stop *atomic.Bool) error {
	var req fasthttp.Request
	var resp fasthttp.Response
	req.Header.SetMethod(fasthttp.MethodPost)
	req.SetRequestURI(b.rig.receivers[host].URL(hookPath))
	req.Header.SetContentType("application/json; charset=utf-8")
	req.Header.SetUserAgent("Atlassian Webhook HTTP Client")
	req.Header.Set("X-Atlassian-Webhook-Flow", "Primary")
	var body, identifier []byte
	for !stop.Load() {
		sequence := b.rig.next.Add(1) - 1
		body = b.rig.workload.Body(body[:0], sequence)
		identifier = appendIdentifier(identifier[:0], sequence)
		req.Header.SetBytesV(IdentifierHeader, identifier)
		req.SetBodyRaw(body)
		ledger.Sent(sequence, time.Now())
		if err := b.clients[host].Do(&req, &resp); err != nil {
			return fmt.Errorf("bench: the bare client: %w", err)
		}
		if status := resp.StatusCode(); status != fasthttp.StatusOK {
			return fmt.Errorf("bench: the bare client was answered with %d", status)
		}
	}
	return nil
}

// appendIdentifier makes an identifier of the same form as the engine's.
func appendIdentifier(dst []byte, sequence int64) []byte {
	var raw [8]byte
	for i := range raw {
		raw[len(raw)-1-i] = byte(sequence >> (8 * i))
	}
	dst = append(dst, "00000000-0000-4000-"...)
	dst = hex.AppendEncode(dst, raw[:2])
	dst = append(dst, '-')
	return hex.AppendEncode(dst, raw[2:])
}
