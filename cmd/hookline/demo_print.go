package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"text/tabwriter"
	"time"
)

// demoPrinter is all the demo says to people.
type demoPrinter struct {
	mu   sync.Mutex
	out  io.Writer
	tint bool // the output is a terminal that shows colours
}

// newDemoPrinter prints to standard output, or out of the way of a summary that programs read.
func newDemoPrinter(std streams, asJSON bool) *demoPrinter {
	p := &demoPrinter{out: std.out}
	if asJSON {
		p.out = std.err
	}
	p.tint = showsColours(p.out)
	return p
}

func (p *demoPrinter) printf(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	fmt.Fprintf(p.out, format, args...)
}

func (p *demoPrinter) dim(s string) string { return p.colour("2", s) }

func (p *demoPrinter) red(s string) string { return p.colour("31", s) }

func (p *demoPrinter) colour(code, s string) string {
	if !p.tint {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}

// introduce says what is there and what to try.
func (p *demoPrinter) introduce(d *demo) {
	var b strings.Builder
	b.WriteString("A Hookline server with a temporary store, three apps with receivers, and a stream of Jira events.\n\n")
	d.writeAddresses(&b)
	b.WriteString("\nJira waits 10 s before the first retry and ever longer after it. For the demo the waits are\n" +
		waits(demoWaits) + ", each up to half as long again.\n")
	b.WriteString("\nRegistered with POST " + demoWebhookPath + ":\n\n")
	d.writeWebhooks(&b)
	b.WriteString("\nTo try in another terminal:\n")
	for _, t := range d.trials() {
		fmt.Fprintf(&b, "\n  %s\n  %s\n", p.dim("# "+t.what), t.command)
	}
	p.printf("%s\n", &b)
}

func (d *demo) writeAddresses(b *strings.Builder) {
	table := tabwriter.NewWriter(b, 0, 0, 2, ' ', 0)
	fmt.Fprintf(table, "  API\t%s\n  metrics\t%s\n", d.api, d.metrics)
	for _, a := range d.apps {
		note := ""
		if a.flaky {
			note = "  (answers 503 at times, so that retries are seen)"
		}
		fmt.Fprintf(table, "  receiver %s\t%s%s\n", a.key, a.url, note)
	}
	_ = table.Flush() // a strings.Builder takes everything
}

func (d *demo) writeWebhooks(b *strings.Builder) {
	table := tabwriter.NewWriter(b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "  id\tapp\tfilter\tevents")
	for _, a := range d.apps {
		for _, w := range a.webhooks {
			fmt.Fprintf(table, "  %d\t%s\t%s\t%s\n", w.id, a.key, w.filter, strings.Join(w.events, " "))
		}
	}
	_ = table.Flush()
}

func waits(all []time.Duration) string {
	texts := make([]string, len(all))
	for i, w := range all {
		texts[i] = w.String()
	}
	return strings.Join(texts, ", ")
}

// demoTrial is a command for the user to copy.
type demoTrial struct{ what, command string }

func (d *demo) trials() []demoTrial {
	first, chat := d.apps[0], d.apps[1]
	publish := func(key, project string) string {
		return curlPost(d.api+"/v1/events", d.client.token, fmt.Sprintf(
			`{"webhookEvent":"jira:issue_updated","issue":{"key":"%s","fields":{"project":{"key":"%s"},"status":{"name":"Done"}}}}`, key, project))
	}
	return []demoTrial{
		{fmt.Sprintf("an event that webhook %d is registered for: its delivery shows up below", first.webhooks[0].id), publish("DEMO-1", "DEMO")},
		{"the same of another project, which no filter asks for", publish("LAB-1", "LAB")},
		{"a webhook of your own", curlPost(d.api+demoWebhookPath, chat.token, fmt.Sprintf(
			`{"url":"%s","webhooks":[{"jqlFilter":"project = LAB AND status != Open","events":["jira:issue_updated"]}]}`, chat.url))},
		{"the webhooks of app " + chat.key, fmt.Sprintf("curl -s -H 'Authorization: Bearer %s' %s", chat.token, d.api+demoWebhookPath)},
		{"the last delivery to app " + first.key + ", as it arrived", "curl -s " + first.url},
		{"the metrics", "curl -s " + d.metrics},
	}
}

func curlPost(url, token, body string) string {
	return fmt.Sprintf("curl -s -H 'Authorization: Bearer %s' -H 'Content-Type: application/json' %s -d '%s'", token, url, body)
}

// visitor tells the user of a delivery of an event of theirs.
func (p *demoPrinter) visitor(v demoVisitor) {
	retry := ""
	if v.retry > 0 {
		retry = fmt.Sprintf(", retry %d", v.retry)
	}
	p.printf("   yours: %s received %s of %s for webhooks %v and answered %d%s\n",
		v.app, cmp.Or(v.event, "an event"), cmp.Or(v.key, "no issue"), v.ids, v.status, retry)
}

// conclude prints the summary.
func (p *demoPrinter) conclude(s demoSummary, l *demoLedger, took time.Duration) {
	var b strings.Builder
	row := func(name, format string, args ...any) {
		fmt.Fprintf(&b, "  %-14s %s\n", name, fmt.Sprintf(format, args...))
	}
	b.WriteString("\n")
	row("published", "%d events in %.1f s", s.Published, took.Seconds())
	row("matched", "%d deliveries owed", s.Matched)
	row("delivered", "%d", s.Delivered)
	row("lost", "%s", p.alarm(s.Lost))
	row("duplicates", "%d", s.Duplicates)
	row("retried", "%d", s.Retried)
	first, whole := l.latencies()
	row("first answer", "p50 %s, p99 %s after the event was sent to the API", millis(first[0]), millis(first[1]))
	row("with retries", "p50 %s, p99 %s", millis(whole[0]), millis(whole[1]))
	row("failed checks", "%s", p.alarm(s.VerificationFailures))
	for _, problem := range l.complaints() {
		fmt.Fprintf(&b, "    %s\n", problem)
	}
	p.printf("%s", &b)
}

// alarm is a number that should be 0.
func (p *demoPrinter) alarm(n int64) string {
	if n == 0 {
		return "0"
	}
	return p.red(fmt.Sprint(n))
}

func millis(t time.Duration) string {
	if t == 0 {
		return "-" // nothing was measured
	}
	return fmt.Sprintf("%.1f ms", inMillis(t))
}

func inMillis(t time.Duration) float64 { return float64(t) / float64(time.Millisecond) }

// demoSummary is what a demo came to.
type demoSummary struct {
	Published            int64   `json:"published"`
	Matched              int64   `json:"matched"`
	Delivered            int64   `json:"delivered"`
	Lost                 int64   `json:"lost"`
	Duplicates           int64   `json:"duplicates"`
	Retried              int64   `json:"retried"`
	P50                  float64 `json:"p50_ms"`
	P99                  float64 `json:"p99_ms"`
	VerificationFailures int64   `json:"verification_failures"`
}

// verdict is why the demo failed, or nil.
func (s demoSummary) verdict() error {
	var problems []error
	if s.Lost > 0 {
		problems = append(problems, fmt.Errorf("deliveries did not arrive: %d", s.Lost))
	}
	if s.VerificationFailures > 0 {
		problems = append(problems, fmt.Errorf("checks failed: %d", s.VerificationFailures))
	}
	return errors.Join(problems...)
}
