package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"hookline/engine/config"
	"hookline/engine/egress"
)

// demoFlags are what the user may choose.
type demoFlags struct {
	listen, operations string
	rate               int
	runFor             time.Duration
	json               bool
}

// demoMostRate is where the publisher, which builds and evaluates every event itself, ends being the lesser part.
const demoMostRate = 10_000

func newDemoCommand(std streams) *cobra.Command {
	var f demoFlags
	c := &cobra.Command{
		Use:   "demo",
		Short: "See the main job done, nothing to prepare",
		Long: `See the main job done: a server with its data in a temporary directory, apps that register
webhooks with JQL filters, a stream of Jira events, and receivers that check what arrives.

It prints what to try, then a line per second, and a summary at the end. The exit code
is 1 when a delivery was lost or failed a check.`,
		Example: `  hookline demo                       until Ctrl-C
  hookline demo --for 10s --json      ten seconds, and the summary as one JSON object
  hookline demo --rate 1000`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := f.validate(); err != nil {
				return fmt.Errorf("%w; see '%s --help'", err, c.CommandPath())
			}
			return runDemo(c.Context(), std, f)
		},
	}
	flags := c.Flags()
	flags.StringVar(&f.listen, "listen", "127.0.0.1:0", "address of the APIs; port 0 picks a free one")
	flags.StringVar(&f.operations, "operations", "127.0.0.1:0", "address of metrics and health")
	flags.IntVar(&f.rate, "rate", 200, "events per second")
	flags.DurationVar(&f.runFor, "for", 0, "time to publish, 10s for example (default until Ctrl-C)")
	flags.BoolVar(&f.json, "json", false, "print the summary on standard output as one JSON object, all else on standard error")
	return c
}

func (f *demoFlags) validate() error {
	switch {
	case f.rate < 1 || f.rate > demoMostRate:
		return fmt.Errorf("--rate is %d; use 1 to %d", f.rate, demoMostRate)
	case f.runFor < 0:
		return fmt.Errorf("--for is %v; use a positive duration", f.runFor)
	}
	return nil
}

// runDemo shows the demo until its time is over or a signal ends it; a second signal ends the process at once.
func runDemo(ctx context.Context, std streams, f demoFlags) error {
	if ctx == nil {
		ctx = context.Background()
	}
	// Whoever reads the output may have seen enough before the demo ends.
	ctx, unread := signal.NotifyContext(ctx, syscall.SIGPIPE)
	defer unread()
	ctx, stop := untilSignal(ctx, syscall.SIGHUP)
	defer stop()

	dir, err := os.MkdirTemp("", "hookline-demo-")
	if err != nil {
		return failed(err)
	}
	summary, err := showDemo(ctx, std, f, filepath.Join(dir, "data"))
	if err := errors.Join(err, failed(os.RemoveAll(dir))); err != nil {
		return err
	}
	if f.json {
		if err := json.NewEncoder(std.out).Encode(summary); err != nil {
			return failed(err)
		}
	}
	return failed(summary.verdict())
}

// demo is the demo while it runs.
type demo struct {
	flags     demoFlags
	out       *demoPrinter
	config    config.Config
	apps      demoApps
	receivers []*demoReceiver
	ledger    *demoLedger
	client    *demoClient
	api       string // base URL of the tenant's APIs
	metrics   string
}

// showDemo starts the receivers and the server, lets the stream run, and stops all of it.
func showDemo(ctx context.Context, std streams, f demoFlags, dir string) (s demoSummary, err error) {
	d := &demo{flags: f, out: newDemoPrinter(std, f.json), apps: newDemoApps()}
	d.ledger = newDemoLedger(d.apps)
	defer func() { err = errors.Join(err, failed(d.closeReceivers())) }()
	if err := d.openReceivers(); err != nil {
		return s, failed(err)
	}
	token := newDemoToken()
	d.config = d.settings(dir, token)
	p, err := start(ctx, &d.config, d.config.Logger(std.err))
	if err != nil {
		return s, err
	}
	d.api = "http://" + reachable(p.server.Address()) + "/t/" + demoTenant
	d.metrics = "http://" + reachable(p.server.Operations()) + "/metrics"
	d.client = newDemoClient(d.api, token)

	// The server outlives the signal that ends the demo: what is owed is to arrive first. Should the
	// server end by itself, the demo ends with it.
	serving, stopServing := context.WithCancel(context.WithoutCancel(ctx))
	showing, stopShowing := context.WithCancel(ctx)
	defer stopShowing()
	ended := make(chan error, 1)
	go func() {
		ended <- p.run(serving)
		stopShowing()
	}()
	s, err = d.show(showing)
	d.client.close()
	stopServing()
	return s, errors.Join(failed(err), failed(<-ended))
}

// reachable is where this machine reaches a listener, which may listen on all addresses.
func reachable(address string) string {
	host, port, err := net.SplitHostPort(address)
	if ip := net.ParseIP(host); err == nil && ip != nil && ip.IsUnspecified() {
		return net.JoinHostPort("127.0.0.1", port)
	}
	return address
}

// settings are those of a server that knows the demo's tenant and apps.
func (d *demo) settings(dir, token string) config.Config {
	c := config.Default()
	c.Listen, c.Operations, c.Data = d.flags.listen, d.flags.operations, dir
	c.AdminToken = newDemoToken() // nobody is told: the demo is about a tenant
	c.AllowHTTP, c.Egress.Allow = true, egress.Loopback()
	c.LogLevel = demoLogLevel
	c.Jira.Waits = demoWaits
	tenant := config.Tenant{ID: demoTenant, Tokens: []string{token}}
	for _, a := range d.apps {
		tenant.Apps = append(tenant.Apps, config.App{Key: a.key, Tokens: []config.AppToken{{Token: a.token}}})
	}
	c.Tenants = []config.Tenant{tenant}
	return c
}

// show registers the webhooks, publishes until ctx ends or the time is over, and waits for what is owed.
func (d *demo) show(ctx context.Context) (demoSummary, error) {
	if err := d.register(ctx); err != nil {
		return demoSummary{}, err
	}
	d.out.introduce(d)

	begin := time.Now()
	lines := d.out.watch(d.ledger, begin)
	publishing, cancel := ctx, context.CancelFunc(func() {})
	if d.flags.runFor > 0 {
		publishing, cancel = context.WithTimeout(ctx, d.flags.runFor)
	}
	defer cancel()
	stream := demoStream{site: newDemoSite(), apps: d.apps, client: d.client, ledger: d.ledger}
	err := stream.run(publishing, d.flags.rate)
	published := time.Since(begin)
	d.drain()
	lines.stop()

	s := d.ledger.summary()
	d.out.conclude(s, d.ledger, published)
	return s, err
}

// demoPatience is how long what is owed is waited for. The waits between attempts add up to less.
const demoPatience = 15 * time.Second

func (d *demo) drain() {
	timeout := time.NewTimer(demoPatience)
	defer timeout.Stop()
	select {
	case <-d.ledger.drained():
	case <-timeout.C:
	}
}

func (d *demo) register(ctx context.Context) error {
	for _, a := range d.apps {
		if err := d.client.register(ctx, a); err != nil {
			return fmt.Errorf("registering the webhooks of app %s: %w", a.key, err)
		}
	}
	return nil
}

func (d *demo) openReceivers() error {
	for i, a := range d.apps {
		r, err := newDemoReceiver(d.apps, i, d.ledger, d.out.visitor)
		if err != nil {
			return err
		}
		a.url = r.url()
		d.receivers = append(d.receivers, r)
	}
	return nil
}

func (d *demo) closeReceivers() error {
	var problems []error
	for _, r := range d.receivers {
		problems = append(problems, r.close())
	}
	return errors.Join(problems...)
}
