package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/spf13/cobra"
)

// hostView is a destination host as the server shows it.
type hostView struct {
	Tenant    string    `json:"tenant"`
	Host      string    `json:"host"`
	InFlight  int       `json:"inFlight"`
	Backlog   int       `json:"backlog"`
	Limit     int       `json:"limit"`
	Endpoints int       `json:"endpoints"`
	Failures  int       `json:"failures"`
	Breaker   string    `json:"breaker"`
	OpenUntil time.Time `json:"openUntil"`
	HeldUntil time.Time `json:"heldUntil"`

	HeldEndpoints      int       `json:"heldEndpoints"`
	EndpointsHeldUntil time.Time `json:"endpointsHeldUntil"`
	LimitedEndpoints   int       `json:"limitedEndpoints"`
}

func newHostsCommand(io streams) *cobra.Command {
	c := newGroup("hosts", "List the hosts that are sent to, and close their circuit breakers",
		`List the hosts that are sent to: requests in flight and how many there may be, deliveries that wait, failures in a row, whether
the circuit breaker is open, so that nothing is sent for a while, and how many of its endpoints are sent less, or nothing for a while,
since they answered 429. Needs the admin token, if the server has one.`)
	r := addRemoteFlags(c, io)
	c.AddCommand(newHostsListCommand(r), newHostsResetCommand(r))
	return c
}

func newHostsListCommand(r *remote) *cobra.Command {
	l := listing[hostView]{
		columns: "TENANT\tHOST\tIN FLIGHT\tLIMIT\tBACKLOG\tENDPOINTS\tFAILURES\tBREAKER\tOPEN UNTIL\tHELD UNTIL\tLIMITED ENDPOINTS\tHELD ENDPOINTS\tENDPOINTS HELD UNTIL",
		row: func(h hostView) []any {
			return []any{h.Tenant, h.Host, h.InFlight, h.Limit, h.Backlog, h.Endpoints, h.Failures, h.Breaker, h.OpenUntil, h.HeldUntil,
				h.LimitedEndpoints, h.HeldEndpoints, h.EndpointsHeldUntil}
		},
	}
	c := &cobra.Command{
		Use: "list", Short: "List hosts", Args: noArgs,
		Example: "  hookline hosts list --sort backlog --limit 10",
		RunE:    func(c *cobra.Command, _ []string) error { return l.print(c.Context(), r, path("v1", "hosts")) },
	}
	l.addListFlags(c,
		filterFlag{name: "tenant", usage: "only of this tenant"},
		filterFlag{name: "breaker", usage: "only with the breaker closed, open or half_open"},
		filterFlag{name: "sort", usage: "those with the most first: backlog or failures (1000 at most)"})
	return c
}

func newHostsResetCommand(r *remote) *cobra.Command {
	return &cobra.Command{
		Use: "reset TENANT HOST", Short: "Close the circuit breaker of a host, so that it is sent to at once",
		Example: "  hookline hosts reset acme https://receiver.example:443",
		Args:    needArgs(cobra.ExactArgs(2), "a tenant and a host, as the list shows it"),
		RunE: func(c *cobra.Command, args []string) error {
			body, err := json.Marshal(map[string]string{"tenant": args[0], "host": args[1]})
			if err != nil {
				return failed(err)
			}
			var done struct{ Reset bool }
			printed, err := r.do(c.Context(), request{method: http.MethodPost, path: path("v1", "hosts", "reset"), body: body}, &done)
			if err == nil && !printed && !done.Reset {
				fmt.Fprintln(r.io.err, "nothing kept it from being sent to, or nothing was sent to it yet")
			}
			return err
		},
	}
}
