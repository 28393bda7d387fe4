package main

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
)

// indexView is how the filters of a tenant do, as the server shows it.
type indexView struct {
	Since         time.Time      `json:"since"`
	Webhooks      int            `json:"webhooks"`
	Broken        int            `json:"broken"`
	Filters       int            `json:"filters"`
	Filed         map[string]int `json:"filed"`
	Residual      int            `json:"residual"`
	ResidualShare float64        `json:"residualShare"`
	Values        int            `json:"values"`
	Bytes         int            `json:"bytes"`
	Events        struct {
		Count      int64   `json:"count"`
		Candidates float64 `json:"candidates"`
		Tests      float64 `json:"tests"`
		Matched    float64 `json:"matched"`
	} `json:"events"`

	Before    time.Time       `json:"before"`
	Expensive []expensiveView `json:"expensive"`
	Idle      struct {
		Count int        `json:"count"`
		Items []idleView `json:"items"`
	} `json:"idle"`
	Unseen struct {
		Count int          `json:"count"`
		Items []unseenView `json:"items"`
	} `json:"unseen"`
}

type expensiveView struct {
	Visits     float64  `json:"visits"`
	Fields     []string `json:"fields"`
	Conditions int      `json:"conditions"`
	Webhooks   []int64  `json:"webhooks"`
	Count      int      `json:"webhookCount"`
	JQL        string   `json:"jql"`
}

type idleView struct {
	Webhook      int64     `json:"webhook"`
	LastMatch    time.Time `json:"lastMatch"`
	WatchedSince time.Time `json:"watchedSince"`
	JQL          string    `json:"jql"`
}

type unseenView struct {
	Field        string    `json:"field"`
	Change       string    `json:"change"`
	Value        string    `json:"value"`
	LastSeen     time.Time `json:"lastSeen"`
	WatchedSince time.Time `json:"watchedSince"`
	Webhooks     []int64   `json:"webhooks"`
	Count        int       `json:"webhookCount"`
}

// usualQuiet is for how long webhooks have not matched, and values not been seen, that are listed where nothing else is said.
const usualQuiet = 24 * time.Hour

func newIndexCommand(io streams) *cobra.Command {
	c := &cobra.Command{
		Use: "index TENANT", Short: "Show how the filters of a tenant do: what was renamed, has not matched for long, is expensive",
		Long: `Show how the filters of a tenant do: the sizes of their index and what an event costs, the filters that are looked at most, the
webhooks that have not matched for long, and the values in filters that no event has had for long, such as those of a status
or a project that was renamed. The server keeps in memory what events tell, from the time that is shown.`,
		Example: `  hookline index acme
  hookline index acme --before 168h --limit 10`,
		Args: needArgs(cobra.ExactArgs(1), "a tenant"),
	}
	r := addRemoteFlags(c, io)
	var query url.Values
	addFilterFlags(c, &query, filterFlag{name: "before", usage: "webhooks and values without a match since: RFC 3339, or a duration ago (default 24h)", time: true})
	limit := c.Flags().Int("limit", 20, "list that many of each at most (1000 at most)")
	c.RunE = func(c *cobra.Command, args []string) error {
		if !query.Has("before") {
			query.Set("before", time.Now().Add(-usualQuiet).UTC().Format(time.RFC3339))
		}
		query.Set("limit", strconv.Itoa(*limit))
		var v indexView
		printed, err := r.do(c.Context(), request{method: http.MethodGet, path: path("t", args[0], "v1", "index"), query: query}, &v)
		if printed || err != nil {
			return err
		}
		return failed(v.print(io))
	}
	return c
}

func (v *indexView) print(io streams) error {
	err := facts(io,
		"since", v.Since, "webhooks", v.Webhooks, "that do not compile", v.Broken,
		"filters", fmt.Sprintf("%d (by term %d, pair %d, presence %d, always %d, nowhere %d)", v.Filters,
			v.Filed["term"], v.Filed["pair"], v.Filed["presence"], v.Filed["always"], v.Filed["nowhere"]),
		"residual", fmt.Sprintf("%d (%.1f %%)", v.Residual, 100*v.ResidualShare), "values", v.Values, "bytes", v.Bytes, "events", v.Events.Count,
		"per event", fmt.Sprintf("%.1f filters looked at, %.1f tests, %.1f webhooks matched", v.Events.Candidates, v.Events.Tests, v.Events.Matched))
	if err != nil {
		return err
	}
	t := &sheet{table: tabwriter.NewWriter(io.out, 0, 0, 2, ' ', 0), io: io}
	t.title("filters that are looked at most", len(v.Expensive), "VISITS PER EVENT\tFOR\tCONDITIONS\tWEBHOOKS\tFIRST\tFILTER")
	for _, f := range v.Expensive {
		t.row(fmt.Sprintf("%.3f", f.Visits), f.Fields, f.Conditions, f.Count, f.Webhooks[:min(3, len(f.Webhooks))], f.JQL)
	}
	since := v.Before.UTC().Format(time.RFC3339)
	t.title("webhooks without a match since "+since, v.Idle.Count, "WEBHOOK\tLAST MATCH\tWATCHED SINCE\tFILTER")
	for _, w := range v.Idle.Items {
		t.row(w.Webhook, w.LastMatch, w.WatchedSince, w.JQL)
	}
	t.title("values that no event had since "+since, v.Unseen.Count, "FIELD\tCHANGE\tVALUE\tLAST SEEN\tWATCHED SINCE\tWEBHOOKS\tFIRST")
	for _, u := range v.Unseen.Items {
		t.row(u.Field, u.Change, u.Value, u.LastSeen, u.WatchedSince, u.Count, u.Webhooks[:min(3, len(u.Webhooks))])
	}
	return t.table.Flush()
}

// sheet prints tables with titles. The columns of each are as wide as that one needs.
type sheet struct {
	table *tabwriter.Writer
	io    streams
}

func (s *sheet) title(text string, count int, columns string) {
	_ = s.table.Flush() // the last one tells of what went wrong
	fmt.Fprintf(s.io.out, "\n%d %s\n", count, text)
	if count > 0 {
		fmt.Fprintln(s.table, columns)
	}
}

func (s *sheet) row(cells ...any) { writeRow(s.table, cells) }
