package server_test

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// The page of a tenant's index tells of what events had, and of nobody else's.
func TestIndex(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	got := h.subscribe()
	h.publish(event, nil)
	<-got
	future := time.Now().Add(time.Hour).UTC().Format(time.RFC3339)
	var v struct {
		Webhooks, Filters int
		Filed             map[string]int
		Events            struct{ Count int }
		Before            time.Time
		Idle              struct {
			Count int
			Items []struct {
				Webhook   int64
				LastMatch time.Time
			}
		}
		Unseen struct{ Count int }
	}
	h.decodeLoosely(h.acme("GET", "/t/acme/v1/index?limit=3&before="+future, ""), &v)
	if v.Webhooks != 1 || v.Filters != 1 || len(v.Filed) != 5 || v.Events.Count != 1 || v.Before.Format(time.RFC3339) != future ||
		v.Idle.Count != 1 || v.Idle.Items[0].Webhook != 1000 || time.Since(v.Idle.Items[0].LastMatch) > time.Hour {
		t.Errorf("%+v", v)
	}
	h.publish(event, nil)
	<-got
	tried := h.acme("POST", "/t/acme/v1/events?dry_run=true", event)
	h.decodeLoosely(h.acme("GET", "/t/acme/v1/index", ""), &v)
	if tried.Status != 200 || v.Events.Count != 2 || v.Idle.Count != 0 || v.Unseen.Count != 0 {
		t.Errorf("a day ago: %+v, the trial is answered %d", v, tried.Status)
	}
	if a := h.Send(request{Method: "GET", Path: "/t/rival/v1/index", Token: tokenRival}); a.Status != 200 || !strings.Contains(a.Body, `"webhooks":0`) || strings.Contains(a.Body, `"webhook":`) {
		t.Errorf("another tenant is answered %d %s", a.Status, a.Body)
	}
	for query, part := range map[string]string{"before=yesterday": "RFC 3339", "limit=1001": "at most 1000", "limit=0": "positive"} {
		h.wantProblem(h.acme("GET", "/t/acme/v1/index?"+query, ""), 400, "invalid_parameter", part)
	}
	if metrics := h.ops("/metrics").Body; !strings.Contains(metrics, "\nhookline_match_candidates_count 2\n") || !strings.Contains(metrics, "\n"+fmt.Sprintf("hookline_index_filters{filed=%q} ", "always")) {
		t.Error("the metrics do not tell of the candidates of two events, or of filters")
	}
}
