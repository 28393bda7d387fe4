package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// httpClients publish events over HTTP, each client one after the other. An event that was not answered
// with 202, because the server was killed or busy, is published again with the same idempotency key
// until it is: so every sequence number is acknowledged once the clients have ended.
type httpClients struct {
	token    string
	workload *Workload
	ledger   *Ledger
	address  atomic.Pointer[string] // of the server, which has a new one after each start

	next     atomic.Int64
	stopping atomic.Bool
	group    sync.WaitGroup
	accepted atomic.Int64
	repeated atomic.Int64 // answers for a key that the server knew
	failed   atomic.Pointer[error]
}

// pause is the wait before an event is published again.
const pause = 5 * time.Millisecond

func (c *httpClients) start(ctx context.Context, n int) {
	for range n {
		c.group.Go(func() {
			client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{}}
			defer client.CloseIdleConnections()
			for !c.stopping.Load() && ctx.Err() == nil {
				if err := c.publish(ctx, client, c.next.Add(1)-1); err != nil {
					c.failed.CompareAndSwap(nil, &err)
					return
				}
			}
		})
	}
}

// stop returns when every event that was begun is acknowledged.
func (c *httpClients) stop() error {
	c.stopping.Store(true)
	c.group.Wait()
	if err := c.failed.Load(); err != nil {
		return *err
	}
	return nil
}

// publish publishes one event until it is acknowledged.
func (c *httpClients) publish(ctx context.Context, client *http.Client, sequence int64) error {
	body := c.workload.Body(nil, sequence)
	c.ledger.Sent(sequence, time.Now())
	for {
		done, err := c.post(ctx, client, sequence, body)
		if done {
			c.ledger.Accepted(sequence, time.Now())
		}
		if done || err != nil {
			return err
		}
		wait(ctx, pause)
	}
}

// post makes one request. It reports whether the event is acknowledged; an error is an answer that no
// crash explains.
func (c *httpClients) post(ctx context.Context, client *http.Client, sequence int64, body []byte) (bool, error) {
	url := "http://" + *c.address.Load() + "/t/" + killTenant + "/v1/events"
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return false, err
	}
	req.Header.Set("Authorization", "Bearer "+c.token)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Idempotency-Key", strconv.FormatInt(sequence, 10))
	resp, err := client.Do(req)
	if err != nil {
		return false, ctx.Err() // killed while it answered, or not there yet
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return false, ctx.Err()
	}
	switch resp.StatusCode {
	case http.StatusAccepted:
		return true, c.count(answer)
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		return false, nil
	}
	return false, fmt.Errorf("event %d was answered with %d: %s", sequence, resp.StatusCode, answer)
}

func (c *httpClients) count(answer []byte) error {
	var receipt struct {
		Deliveries int
		Repeated   bool
	}
	if err := json.Unmarshal(answer, &receipt); err != nil {
		return fmt.Errorf("a 202 says %q: %w", answer, err)
	}
	if receipt.Repeated {
		c.repeated.Add(1)
	} else if receipt.Deliveries != 1 {
		return fmt.Errorf("an event that one receiver asked for was accepted with %s", answer)
	}
	c.accepted.Add(1)
	return nil
}
