package dispatch

import (
	"bufio"
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/valyala/fasthttp"

	"hookline/engine/webhook"
)

func TestRetryAfter(t *testing.T) {
	now := time.Date(1994, time.November, 6, 8, 49, 0, 500_000_000, time.UTC)
	for _, test := range []struct {
		value, date string
		want        time.Duration
	}{
		{value: "120", want: 2 * time.Minute},
		{value: "0"},
		{value: "007", want: 7 * time.Second},
		{value: "9223372036", want: 9223372036 * time.Second},
		{value: "9223372037", want: math.MaxInt64 / time.Second * time.Second},
		{value: "99999999999999999999999", want: math.MaxInt64 / time.Second * time.Second},
		{value: "-1"},
		{value: "+1"},
		{value: "1.5"},
		{value: "1 s"},
		{value: ""},
		{value: "soon"},
		{value: "Sun, 06 Nov 1994 08:49:37 GMT", want: 36500 * time.Millisecond},
		{value: "Sunday, 06-Nov-94 08:49:37 GMT", want: 36500 * time.Millisecond},
		{value: "Sun Nov  6 08:49:37 1994", want: 36500 * time.Millisecond},
		{value: "Sun, 06 Nov 1994 08:49:37 CET"},
		{value: "Sun, 06 Nov 1994 08:48:37 GMT"}, // over already
		{value: "Sun, 06 Nov 1994 08:49:37 GMT", date: "Sun, 06 Nov 1994 07:49:37 GMT", want: time.Hour},
		{value: "Sun, 06 Nov 1994 08:49:37 GMT", date: "Sun, 06 Nov 1994 09:49:37 GMT"},
		{value: "Sun, 06 Nov 1994 08:49:37 GMT", date: "today", want: 36500 * time.Millisecond},
		{value: "60", date: "Sun, 06 Nov 1994 07:49:37 GMT", want: time.Minute},
	} {
		h, err := answered(test.value, test.date)
		if got := retryAfter(h, now); err != nil || got != test.want {
			t.Errorf("Retry-After: %s, Date: %s: %v, %v, want %v", test.value, test.date, got, err, test.want)
		}
	}
	if got := retryAfter(new(fasthttp.ResponseHeader), now); got != 0 {
		t.Errorf("without the header: %v", got)
	}
}

// answered reads an answer with these headers.
func answered(value, date string) (*fasthttp.ResponseHeader, error) {
	text := "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nRetry-After: " + value + "\r\n"
	if date != "" {
		text += "Date: " + date + "\r\n"
	}
	h := new(fasthttp.ResponseHeader)
	return h, h.Read(bufio.NewReader(strings.NewReader(text + "\r\n")))
}

func FuzzRetryAfter(f *testing.F) {
	for _, s := range []string{"120", "Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994", "-1"} {
		f.Add(s, "Sun, 06 Nov 1994 08:49:37 GMT")
	}
	f.Fuzz(func(t *testing.T, value, date string) {
		h, err := answered(value, date)
		if err != nil {
			return // no answer
		}
		if got := retryAfter(h, time.Unix(0, 0)); got < 0 {
			t.Errorf("%q, %q: %v", value, date, got)
		}
	})
}

// The wait that a receiver asks for counts from its answer, and holds within the policy's bounds.
func TestRetryAfterIsHonoured(t *testing.T) {
	for _, test := range []struct {
		name, header string
		status       int
		bounds       webhook.RetryAfter
		want         time.Duration
	}{
		{"longer", "60", 503, webhook.RetryAfter{Max: time.Hour}, time.Minute},
		{"throttled", "60", 429, webhook.RetryAfter{Max: time.Hour}, time.Minute},
		{"shorter than the policy's own", "2", 503, webhook.RetryAfter{Max: time.Hour}, 10 * time.Second},
		{"shorter, and may be", "7", 503, webhook.RetryAfter{Min: 5 * time.Second, Max: time.Hour}, 7 * time.Second},
		{"shorter than may be", "2", 503, webhook.RetryAfter{Min: 5 * time.Second, Max: time.Hour}, 5 * time.Second},
		{"too long", "86400", 503, webhook.RetryAfter{Max: time.Hour}, time.Hour},
		{"not honoured", "60", 503, webhook.RetryAfter{}, 10 * time.Second},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, nil)
				const took = 3 * time.Second
				first := true
				r.serve("h:80", func(ctx *fasthttp.RequestCtx) {
					if !first {
						return
					}
					first = false
					time.Sleep(took)
					ctx.Response.Header.Set("Retry-After", test.header)
					ctx.SetStatusCode(test.status)
				})
				p := jiraPolicy()
				p.Jitter, p.RetryAfter = 0, test.bounds
				r.target(1, "h:80", p)
				r.start().queue.accept(1, 1)
				r.queue.wait(1)
				log := r.log()
				if len(log) != 2 || !log[0].Next.Equal(log[0].Start.Add(took+test.want)) || !log[1].Start.Equal(log[0].Next) {
					t.Errorf("want a second attempt %v after the answer: %+v", test.want, log)
				}
			})
		})
	}
}
