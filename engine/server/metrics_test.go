package server_test

import (
	"fmt"
	"strings"
	"testing"
)

// series returns the names of all series with their labels, as /metrics shows them.
func (h *house) series() map[string]bool {
	h.T.Helper()
	a := h.ops("/metrics")
	if a.Status != 200 {
		h.T.Fatalf("/metrics is answered %d", a.Status)
	}
	set := map[string]bool{}
	for text := range strings.Lines(a.Body) {
		if at := strings.LastIndexByte(text, ' '); at > 0 && text[0] != '#' {
			set[text[:at]] = true
		}
	}
	return set
}

func TestMetricNames(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	got := h.subscribe()
	h.publish(event, nil)
	<-got
	series := h.series()
	for _, want := range []string{
		`hookline_events_received_total{event="jira:issue_updated",source="http"}`, `hookline_events_rejected_total{reason="unauthorized"}`,
		"hookline_event_size_bytes_count", "hookline_match_duration_seconds_count", "hookline_match_fanout_count",
		`hookline_matches_total{result="matched"}`, "hookline_deliveries_enqueued_total", `hookline_delivery_attempts_total{class="2xx"}`,
		`hookline_delivery_attempt_duration_seconds_count{class="success"}`, "hookline_delivery_latency_seconds_count",
		`hookline_deliveries_total{outcome="success"}`, `hookline_subscriptions{state="active"}`, "hookline_delivery_inflight",
		`hookline_queue_depth{state="waiting"}`, "hookline_deliveries_dropped_total", "hookline_store_size_bytes", `hookline_store_memory_bytes{part="cache"}`, "hookline_panics_recovered_total",
		`hookline_http_request_duration_seconds_count{code="2xx",method="POST",route="/t/{tenant}/v1/events"}`,
		"go_goroutines", "process_start_time_seconds",
	} {
		if !series[want] {
			t.Errorf("there is no series %s", want)
		}
	}
	for name := range series {
		if strings.HasPrefix(name, "hookline_build_info{") && !strings.Contains(name, `version="v1.2.3"`) {
			t.Errorf("the build is %s", name)
		}
		if strings.Contains(name, "acme") || strings.Contains(name, "127.0.0.1") {
			t.Errorf("%s names a tenant or a host", name)
		}
	}
}

// Whatever clients send, the number of series stays what it was after one request of each kind.
func TestSeriesDoNotGrow(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	got := h.subscribe()
	round := func(n int) {
		x := fmt.Sprintf("x%d", n)
		h.publish(fmt.Sprintf(`{"webhookEvent":"%s","issue":{"key":"%s-1"}}`, x, x), nil)
		h.publish(strings.Replace(event, "A-1", x, 1), map[string]string{"Idempotency-Key": x, "X-Atlassian-Webhook-Trace": x})
		h.publish(event, map[string]string{"Content-Type": "text/" + x})
		h.publish(event, map[string]string{"X-Atlassian-Webhook-Flow": x})
		for _, path := range []string{"/" + x, "/t/" + x, "/t/acme/" + x, "/t/acme/v1/events", "/t/acme/rest/api/" + x, "/v1/tenants/" + x, "/v1/tenants/" + x + "/apps/" + x} {
			for _, method := range []string{"GET", strings.ToUpper(x)} {
				h.Send(request{Method: method, Path: path + "?q=" + x, Token: x, Host: x + ".example"})
				h.Send(request{Method: method, Path: path, Token: tokenAdmin, Host: x + ".example"})
			}
		}
		h.admin("PUT", "/v1/tenants/"+x, "{}")
		h.admin("PUT", "/v1/tenants/"+x+"/apps/"+x, "{}")
		h.admin("DELETE", "/v1/tenants/"+x, "")
		<-got
	}
	round(0)
	h.Eventually("the delivery is counted", func() bool {
		return strings.Contains(h.ops("/metrics").Body, "\nhookline_deliveries_total{outcome=\"success\"} 1\n")
	})
	before := h.series()
	for n := 1; n < 10; n++ {
		round(n)
	}
	for name := range h.series() {
		if !before[name] {
			t.Errorf("a client made the series %s", name)
		}
	}
}
