package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/spf13/cobra"
)

// replayView is a replay as the server shows it.
type replayView struct {
	ID       string    `json:"id"`
	State    string    `json:"state"`
	Status   string    `json:"status"`
	Webhook  int64     `json:"webhook"`
	Reason   string    `json:"reason"`
	Since    time.Time `json:"since"`
	Until    time.Time `json:"until"`
	JQL      string    `json:"jql"`
	Events   []string  `json:"events"`
	Rate     int       `json:"rate"`
	Selected *int      `json:"selected"` // nil as long as it is being counted
	Sent     int       `json:"sent"`
	Skipped  int       `json:"skipped"`
	Created  time.Time `json:"created"`
	Ended    time.Time `json:"ended"`
	Error    string    `json:"error"`
}

// selected is how many deliveries a replay selects, as a table has it.
func (v *replayView) selected() any {
	if v.Selected == nil {
		return ""
	}
	return *v.Selected
}

func newReplayCommand(io streams) *cobra.Command {
	c := newGroup("replay", "Send a selection of deliveries again",
		`Send deliveries again that were given up, or made: a selection by time, webhook, reason, type of event or
filter. They are sent under the identifiers that they had, at a rate, and behind all that is fresh.`)
	r := addRemoteFlags(c, io)
	r.addTenantFlag(c)
	c.AddCommand(newReplayStartCommand(r), newReplayListCommand(r),
		newEach("get", "ID", "Show replays", func(c *cobra.Command, id string) error {
			return r.showReplay(c, request{method: http.MethodGet}, id)
		}),
		newEach("cancel", "ID", "End replays before they are done", func(c *cobra.Command, id string) error {
			return r.showReplay(c, request{method: http.MethodDelete}, id)
		}))
	return c
}

func newReplayStartCommand(r *remote) *cobra.Command {
	var selection url.Values
	var events []string
	var rate int
	var dry bool
	c := &cobra.Command{
		Use: "start", Short: "Start a replay, or count what it would send", Args: noArgs,
		Example: `  hookline replay start --tenant acme --since 3h --dry-run
  hookline replay start --tenant acme --since 3h --reason exhausted --rate 50
  hookline replay start --tenant acme --status delivered --since 1h --jql 'project = EX'`,
		RunE: func(c *cobra.Command, _ []string) error {
			body, err := replayBody(selection, events, rate, dry)
			if err != nil {
				return err
			}
			if !dry {
				return r.showReplay(c, request{method: http.MethodPost, body: body})
			}
			path, err := r.inTenant("replays")
			if err != nil {
				return err
			}
			var count struct{ Selected int }
			printed, err := r.do(c.Context(), request{method: http.MethodPost, path: path, body: body}, &count)
			if printed || err != nil {
				return err
			}
			_, err = fmt.Fprintf(r.io.out, "%d deliveries would be sent again\n", count.Selected)
			return failed(err)
		},
	}
	addFilterFlags(c, &selection, webhookFilter, sinceFilter, untilFilter,
		filterFlag{name: "status", usage: "what to send again: dead or delivered (default dead)"},
		filterFlag{name: "reason", usage: "only those given up for this reason, such as exhausted or rejected"},
		filterFlag{name: "jql", usage: "only those whose event this filter selects"})
	c.Flags().StringSliceVar(&events, "event", nil, "only for these events")
	c.Flags().IntVar(&rate, "rate", 0, "deliveries a second (default that of the server)")
	c.Flags().BoolVar(&dry, "dry-run", false, "only count what would be sent")
	return c
}

// replayBody is the request for a replay.
func replayBody(selection url.Values, events []string, rate int, dry bool) ([]byte, error) {
	body := map[string]any{"status": "dead"}
	for name := range selection {
		body[name] = selection.Get(name)
	}
	if text, ok := body["webhook"].(string); ok {
		id, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("--webhook is %q; use the number of a webhook", text)
		}
		body["webhook"] = id
	}
	if len(events) > 0 {
		body["events"] = events
	}
	if rate < 0 {
		return nil, errors.New("--rate is negative; use deliveries a second")
	}
	if rate > 0 {
		body["rate"] = rate
	}
	if dry {
		body["dryRun"] = true
	}
	return json.Marshal(body)
}

func newReplayListCommand(r *remote) *cobra.Command {
	l := listing[replayView]{
		columns: "ID\tSTATE\tSTATUS\tSINCE\tUNTIL\tSELECTED\tSENT\tSKIPPED\tCREATED\tENDED",
		row: func(v replayView) []any {
			return []any{v.ID, v.State, v.Status, v.Since, v.Until, v.selected(), v.Sent, v.Skipped, v.Created, v.Ended}
		},
	}
	c := &cobra.Command{
		Use: "list", Short: "List replays, running ones and those that have ended", Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			path, err := r.inTenant("replays")
			if err != nil {
				return err
			}
			return l.print(c.Context(), r, path)
		},
	}
	l.addListFlags(c)
	return c
}

// showReplay makes a request about replays, or one of them, and prints the one that is the answer.
func (r *remote) showReplay(c *cobra.Command, q request, id ...string) error {
	var err error
	if q.path, err = r.inTenant(append([]string{"replays"}, id...)...); err != nil {
		return err
	}
	var v replayView
	if printed, err := r.do(c.Context(), q, &v); printed || err != nil {
		return err
	}
	return failed(facts(r.io, "id", v.ID, "state", v.State, "status", v.Status, "webhook", orNone(int(v.Webhook)),
		"reason", v.Reason, "since", v.Since, "until", v.Until, "jql", v.JQL,
		"events", v.Events, "rate", v.Rate, "selected", v.selected(), "sent", v.Sent, "skipped", v.Skipped,
		"created", v.Created, "ended", v.Ended, "error", v.Error))
}
