package dispatch

import (
	"errors"
	"io"
	"os"
	"reflect"
	"syscall"
	"testing"
	"time"

	"github.com/valyala/fasthttp"

	"hookline/engine/egress"
	"hookline/engine/webhook"
	"hookline/queue"
)

func TestClassify(t *testing.T) {
	for _, test := range []struct {
		status int
		err    error
		want   webhook.Outcome
	}{
		{status: 200, want: webhook.Delivered},
		{status: 204, want: webhook.Delivered},
		{status: 299, want: webhook.Delivered},
		{status: 301, want: webhook.Rejected},
		{status: 400, want: webhook.Rejected},
		{status: 404, want: webhook.Rejected},
		{status: 410, want: webhook.Rejected},
		{status: 408, want: webhook.Retriable},
		{status: 409, want: webhook.Retriable},
		{status: 425, want: webhook.Retriable},
		{status: 429, want: webhook.Throttled},
		{status: 500, want: webhook.ServerError},
		{status: 503, want: webhook.ServerError},
		{status: 599, want: webhook.ServerError},
		{err: dialError{&egress.BlockedError{}}, want: webhook.Blocked},
		{err: dialError{syscall.ECONNREFUSED}, want: webhook.ConnectFailed},
		{err: dialError{fasthttp.ErrDialTimeout}, want: webhook.ConnectFailed},
		{err: dialError{os.ErrDeadlineExceeded}, want: webhook.ConnectFailed},
		{err: unsentError{os.ErrDeadlineExceeded}, want: webhook.Timeout},
		{err: fasthttp.ErrTimeout, want: webhook.Timeout},
		{err: io.EOF, want: webhook.Broken},
		{err: syscall.ECONNRESET, want: webhook.Broken},
		{err: &fasthttp.ErrSmallBuffer{}, want: webhook.Broken},
		{err: errors.New("no HTTP"), want: webhook.Broken},
	} {
		if got := classify(test.status, test.err, jiraPolicy()); got != test.want {
			t.Errorf("classify(%d, %v) = %s, want %s", test.status, test.err, got, test.want)
		}
	}
}

func TestClassifyOfPolicyThatRetriesNothing(t *testing.T) {
	p := jiraPolicy()
	p.Retry = nil
	for _, status := range []int{408, 429, 500} {
		if got := classify(status, nil, p); got != webhook.Rejected {
			t.Errorf("classify(%d) = %s, want rejected", status, got)
		}
	}
}

func TestSettlement(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	p := jiraPolicy()
	for _, test := range []struct {
		outcome webhook.Outcome
		status  int
		attempt int
		random  float64
		want    queue.Outcome
	}{
		{webhook.Delivered, 200, 1, 0, queue.Outcome{Verdict: queue.Done, Status: 200, Attempted: true}},
		{webhook.Rejected, 404, 1, 0, queue.Outcome{Verdict: queue.Dead, Reason: queue.Rejected, Status: 404, Attempted: true}},
		{webhook.Unsendable, 0, 1, 0, queue.Outcome{Verdict: queue.Dead, Reason: queue.Unsendable}},
		{webhook.ServerError, 503, 1, 0, queue.Outcome{Verdict: queue.Again, At: now.Add(10 * time.Second), Status: 503, Attempted: true}},
		{webhook.Timeout, 0, 2, 0.5, queue.Outcome{Verdict: queue.Again, At: now.Add(37500 * time.Millisecond), Attempted: true}},
		{webhook.ConnectFailed, 0, 5, 0, queue.Outcome{Verdict: queue.Again, At: now.Add(600 * time.Second), Attempted: true}},
		{webhook.Broken, 0, 6, 0, queue.Outcome{Verdict: queue.Dead, Reason: queue.Exhausted, Attempted: true}},
		{webhook.Throttled, 429, 6, 0.9, queue.Outcome{Verdict: queue.Dead, Reason: queue.Exhausted, Status: 429, Attempted: true}},
	} {
		record := &webhook.Attempt{Outcome: test.outcome, Status: test.status, Number: test.attempt, Accepted: now}
		if got := settlement(record, p, time.Time{}, now, test.random); !reflect.DeepEqual(got, test.want) {
			t.Errorf("settlement(%s, %d, attempt %d) = %+v, want %+v", test.outcome, test.status, test.attempt, got, test.want)
		}
	}
}
