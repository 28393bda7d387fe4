package main

import (
	"fmt"
	"net/http"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
)

// deliveryView is a delivery as the server shows it, attemptView one of its attempts.
type deliveryView struct {
	ID         string        `json:"id"`
	Event      string        `json:"event"`
	Type       string        `json:"type"`
	Webhooks   []int64       `json:"webhooks"`
	URL        string        `json:"url"`
	Flavor     string        `json:"flavor"`
	Status     string        `json:"status"`
	Lane       string        `json:"lane"`
	Accepted   time.Time     `json:"accepted"`
	Due        time.Time     `json:"due"`
	Ended      time.Time     `json:"ended"`
	Attempts   int           `json:"attempts"`
	LastStatus int           `json:"lastStatus"`
	Reason     string        `json:"reason"`
	Attempted  []attemptView `json:"attempted"`
}

type attemptView struct {
	Delivery   string    `json:"delivery"`
	Number     int       `json:"number"`
	At         time.Time `json:"at"`
	DurationMs float64   `json:"durationMs"`
	Outcome    string    `json:"outcome"`
	Code       int       `json:"code"`
	Error      string    `json:"error"`
	Answer     string    `json:"answer"`
	Webhooks   []int64   `json:"webhooks"`
	URL        string    `json:"url"`
	Next       time.Time `json:"next"`
}

func newDeliveriesCommand(io streams) *cobra.Command {
	c := newGroup("deliveries", "List deliveries and their attempts, and send one again",
		`List the deliveries of a tenant: those that wait, those that were given up, and those that were made, as far
back as the log of attempts goes. Look at one with its attempts, read its body, or send it again.`)
	r := addRemoteFlags(c, io)
	r.addTenantFlag(c)
	c.AddCommand(newDeliveriesListCommand(r, ""), newAttemptsCommand(r),
		newEach("get", "ID", "Show deliveries with their attempts", r.showDelivery),
		newEach("body", "ID", "Print the bodies of events as they are kept", r.printBody),
		newResendCommand(r))
	return c
}

func newDeadCommand(io streams) *cobra.Command {
	c := newGroup("dead", "List the deliveries that were given up, send them again, or discard them",
		`Dead letters: deliveries that were given up, with the reason. To send many again, by time or filter, see
'hookline replay'.`)
	r := addRemoteFlags(c, io)
	r.addTenantFlag(c)
	c.AddCommand(newDeliveriesListCommand(r, "dead"), newResendCommand(r),
		newEach("discard", "ID", "Remove dead letters for good", func(c *cobra.Command, id string) error {
			path, err := r.inTenant("deliveries", id)
			if err != nil {
				return err
			}
			_, err = r.call(c.Context(), request{method: http.MethodDelete, path: path})
			return err
		}))
	return c
}

// newDeliveriesListCommand lists the deliveries with one status; an empty one lets the user choose.
func newDeliveriesListCommand(r *remote, status string) *cobra.Command {
	l := listing[deliveryView]{
		columns: "ID\tSTATUS\tWEBHOOKS\tACCEPTED\tDUE\tENDED\tATTEMPTS\tCODE\tREASON\tURL",
		row: func(d deliveryView) []any {
			return []any{d.ID, d.Status, d.Webhooks, d.Accepted, d.Due, d.Ended, d.Attempts, orNone(d.LastStatus), d.Reason, d.URL}
		},
	}
	c := &cobra.Command{
		Use: "list", Short: "List deliveries", Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if status != "" {
				l.query.Set("status", status)
			}
			path, err := r.inTenant("deliveries")
			if err != nil {
				return err
			}
			return l.print(c.Context(), r, path)
		},
	}
	filters := []filterFlag{webhookFilter, sinceFilter, untilFilter,
		{name: "reason", usage: "only those given up for this reason, such as exhausted or rejected"}}
	if status == "" {
		filters = append(filters, filterFlag{name: "status", usage: "only these: waiting, dead or delivered"})
	}
	l.addListFlags(c, filters...)
	return c
}

func newAttemptsCommand(r *remote) *cobra.Command {
	l := listing[attemptView]{
		columns: "AT\tDELIVERY\tNUMBER\tOUTCOME\tCODE\tMS\tWEBHOOKS\tURL\tERROR",
		row: func(a attemptView) []any {
			return []any{a.At, a.Delivery, a.Number, a.Outcome, orNone(a.Code), a.DurationMs, a.Webhooks, a.URL, a.Error}
		},
	}
	c := &cobra.Command{
		Use: "attempts", Short: "List the attempts at all deliveries, newest first", Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			path, err := r.inTenant("attempts")
			if err != nil {
				return err
			}
			return l.print(c.Context(), r, path)
		},
	}
	l.addListFlags(c, webhookFilter, sinceFilter, untilFilter,
		filterFlag{name: "outcome", usage: "only with this outcome, such as delivered, timeout or server_error"},
		filterFlag{name: "code", usage: "only those answered with this HTTP status"})
	return c
}

func newResendCommand(r *remote) *cobra.Command {
	return newEach("resend", "ID", "Send deliveries again, under the same identifier", func(c *cobra.Command, id string) error {
		path, err := r.inTenant("deliveries", id, "resend")
		if err != nil {
			return err
		}
		_, err = r.do(c.Context(), request{method: http.MethodPost, path: path}, nil)
		return err
	})
}

func (r *remote) showDelivery(c *cobra.Command, id string) error {
	path, err := r.inTenant("deliveries", id)
	if err != nil {
		return err
	}
	var d deliveryView
	if printed, err := r.get(c.Context(), path, &d); printed || err != nil {
		return err
	}
	if err := facts(r.io, "id", d.ID, "event", d.Event, "webhooks", d.Webhooks, "url", d.URL, "flavor", d.Flavor, "status", d.Status,
		"reason", d.Reason, "lane", d.Lane, "accepted", d.Accepted, "due", d.Due, "ended", d.Ended, "attempts", d.Attempts); err != nil {
		return failed(err)
	}
	if len(d.Attempted) == 0 {
		return nil
	}
	table := tabwriter.NewWriter(r.io.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "\nNUMBER\tAT\tOUTCOME\tCODE\tMS\tNEXT\tERROR\tANSWER")
	for _, a := range d.Attempted {
		writeRow(table, []any{a.Number, a.At, a.Outcome, orNone(a.Code), a.DurationMs, a.Next, a.Error, a.Answer})
	}
	return failed(table.Flush())
}

func (r *remote) printBody(c *cobra.Command, id string) error {
	path, err := r.inTenant("deliveries", id, "body")
	if err != nil {
		return err
	}
	body, err := r.call(c.Context(), request{method: http.MethodGet, path: path})
	if err != nil {
		return err
	}
	if isTerminal(r.io.out) { // elsewhere the bytes are what counts
		body = escaped(body)
	}
	_, err = fmt.Fprintf(r.io.out, "%s\n", body)
	return failed(err)
}

// orNone is a number as a table has it: 0 is none.
func orNone(n int) any {
	if n == 0 {
		return ""
	}
	return n
}
