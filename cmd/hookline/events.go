package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/spf13/cobra"

	"hookline/jql"
)

func newEventsCommand(io streams) *cobra.Command {
	c := newGroup("events", "Publish events, or try what they would match", "Publish events to a tenant, or try what they would match.")
	r := addRemoteFlags(c, io)
	r.addTenantFlag(c)
	c.AddCommand(newPublishCommand(r, false), newPublishCommand(r, true))
	return c
}

// publishing is what the flags of events publish say.
type publishing struct {
	system, key, flow string
	lines, dry        bool
}

// newPublishCommand makes the command that publishes events, or the one that only tries them.
func newPublishCommand(r *remote, dry bool) *cobra.Command {
	o := publishing{dry: dry}
	c := &cobra.Command{
		Use: "publish [FILE]", Short: "Publish the event in a file, or an array of them",
		Long: `Publish the event in a file ("-", or none, is standard input), or several: a JSON array, or with
--lines one a line. The exit code is 1 if any was refused, and 69 if all were because the server cannot take them now.`,
		Example: `  hookline events publish --tenant acme event.json
  hookline events publish --tenant acme --lines < events.ndjson`,
	}
	if dry {
		c.Use, c.Short = "try [FILE]", "Show what an event would match, and publish nothing"
		c.Long = `Show which webhooks the event in a file ("-", or none, is standard input) matches, and how many requests it would
cause. Nothing is sent.`
		c.Example = `  hookline events try --tenant acme event.json`
	}
	c.Args = needArgs(cobra.MaximumNArgs(1), "at most one file")
	c.RunE = func(c *cobra.Command, args []string) error {
		file := "-"
		if len(args) > 0 {
			file = args[0]
		}
		body, err := readEvent(r.io.in, file)
		if err != nil {
			return failed(err)
		}
		return r.publish(c, o, body)
	}
	f := c.Flags()
	f.StringVar(&o.system, "system", "jira", "whose events: jira, migration or arcxp")
	f.BoolVar(&o.lines, "lines", false, "one event a line")
	if !dry {
		f.StringVar(&o.key, "key", "", "idempotency key: sent again with the same one, the event is accepted once")
		f.StringVar(&o.flow, "flow", "", "Primary or Secondary")
	}
	return c
}

// receiptView is the server's answer to an event.
type receiptView struct {
	ID         string  `json:"id"`
	Type       string  `json:"type"`
	Matched    int     `json:"matched"`
	Deliveries int     `json:"deliveries"`
	Repeated   bool    `json:"repeated"`
	Webhooks   []int64 `json:"webhooks"`

	Line   int `json:"line"`
	Status int `json:"status"`
	Error  *struct {
		Message string `json:"message"`
	} `json:"error"`
}

func (r *remote) publish(c *cobra.Command, o publishing, body []byte) error {
	path, err := r.inTenant("events", o.system)
	if err != nil {
		return err
	}
	q := request{method: http.MethodPost, path: path, body: body, header: http.Header{}}
	if o.lines {
		q.header.Set("Content-Type", "application/x-ndjson")
	}
	if o.key != "" {
		q.header.Set("Idempotency-Key", o.key)
	}
	if o.flow != "" {
		q.header.Set("X-Atlassian-Webhook-Flow", o.flow)
	}
	if o.dry {
		q.query = url.Values{"dry_run": {"true"}}
	}
	answer, err := r.call(c.Context(), q)
	code := exitFailed
	if coded := (*codedError)(nil); errors.As(err, &coded) {
		code = coded.code
	}
	var first receiptView
	// Where all events of several are refused, the status is that of the first, and the answer has a line for each.
	if err != nil && (json.NewDecoder(bytes.NewReader(answer)).Decode(&first) != nil || first.Line == 0) {
		return err
	}
	return r.printReceipts(answer, o.dry, code)
}

// printReceipts prints the answers to one event, or one a line to several. Its error says how many were refused, and has
// the exit code for that.
func (r *remote) printReceipts(answer []byte, dry bool, code int) error {
	lines := bytes.Split(bytes.TrimSpace(answer), []byte{'\n'})
	refused := 0
	for _, text := range lines {
		var v receiptView
		if err := json.Unmarshal(text, &v); err != nil {
			return failed(fmt.Errorf("the answer cannot be read (%w); is this a Hookline server?", err))
		}
		if v.Error != nil {
			refused++
		}
		if err := r.printReceipt(text, &v, dry); err != nil {
			return failed(err)
		}
	}
	if refused > 0 {
		return coded(code, fmt.Errorf("%d of %d events are refused", refused, len(lines)))
	}
	return nil
}

func (r *remote) printReceipt(text []byte, v *receiptView, dry bool) error {
	if r.json {
		return r.printAnswer(text)
	}
	place := ""
	if v.Line > 0 {
		place = fmt.Sprintf("%d: ", v.Line)
	}
	var err error
	switch {
	case v.Error != nil:
		_, err = fmt.Fprintf(r.io.out, "%srefused: %s\n", place, jql.Printable(v.Error.Message))
	case dry:
		_, err = fmt.Fprintf(r.io.out, "%s%s would match %s in %d requests\n", place, jql.Printable(v.Type), cellText(v.Webhooks), v.Deliveries)
	case v.Repeated:
		_, err = fmt.Fprintf(r.io.out, "%s%s was accepted before\n", place, v.ID)
	default:
		_, err = fmt.Fprintf(r.io.out, "%s%s %s matched %d webhooks, %d requests\n", place, v.ID, jql.Printable(v.Type), v.Matched, v.Deliveries)
	}
	return err
}
