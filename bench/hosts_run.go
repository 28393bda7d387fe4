package bench

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"hookline/engine/flavor/jira"
	"hookline/engine/webhook"
)

// hostsRun is one run of [Hosts].
type hostsRun struct {
	*rig
	config        HostsConfig
	silent        *rawReceiver
	without, with hostsSide
	warm          memory   // at the end of the warm-up
	sizes         []memory // at the end of each slice with black holes
	account       Account
	owed          int64 // deliveries to the black holes
}

// hostsSide is a side with the percentiles of each slice. Those of a whole run would be of a table that grows all the while, in
// the process whose memory is measured.
type hostsSide struct {
	side
	p50s, p99s []time.Duration
}

func (run *hostsRun) open(ctx context.Context) (err error) {
	c := &run.config
	run.rig, err = newRig(c.Config, rigOptions{projects: c.perTenant(), fanout: 1, policy: jira.Seed(), appLimit: c.perTenant() * c.Webhooks})
	if err != nil {
		return err
	}
	run.event = func(buffer []byte, sequence int64) webhook.Event {
		p := c.place(sequence)
		return webhook.Event{Tenant: scaleTenant(p.tenant), Body: run.workload.BodyOf(buffer, p.project, sequence)}
	}
	good, err := listenEverywhere()
	if err != nil {
		return err
	}
	receiver, err := NewReceiver(ReceiverOptions{Listener: good})
	if err != nil {
		return err
	}
	run.receivers = []*Receiver{receiver}
	bad, err := listenEverywhere()
	if err != nil {
		return err
	}
	run.silent = startRawReceiver(bad, "http", (*rawReceiver).swallow)
	if err := run.register(ctx, port(good), port(bad)); err != nil {
		return err
	}
	return run.rig.open()
}

// register fills the directory. One endpoint after the other would wait for the disk: here nothing does, and only then the
// directory is opened as a server would open it.
func (run *hostsRun) register(ctx context.Context, good, bad int) (err error) {
	c := &run.config
	e, err := run.openOn(unsynced{vfs.Default}, nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeEngine(e)) }()
	filters := make([][]string, c.perTenant())
	for project := range filters {
		filters[project] = run.workload.Filters(project, c.Webhooks)
	}
	for n := range int64(c.Endpoints) {
		p := c.place(n)
		owner := webhook.Owner{Tenant: scaleTenant(p.tenant), App: scaleApp}
		if p.host%hostsPerTenant == 0 && n < int64(c.Hosts) {
			if err := e.PutTenant(ctx, webhook.Tenant{ID: owner.Tenant}); err != nil {
				return err
			}
			if err := e.PutApp(ctx, webhook.App{Tenant: owner.Tenant, Key: owner.App}); err != nil {
				return err
			}
		}
		at := good
		if c.bad(p.host) {
			at = bad
		}
		url := fmt.Sprintf("http://%s:%d%s?project=%d", hostAddress(p.host), at, hookPath, p.project)
		if err := register(ctx, e, owner, url, filters[p.project]); err != nil {
			return err
		}
		if done := n + 1; done%10_000 == 0 {
			c.Progress("%d of %d endpoints registered", done, c.Endpoints)
		}
	}
	return nil
}

// minWithout is the least time that is measured before there are events for the black holes.
const minWithout = time.Second

func (run *hostsRun) measure(ctx context.Context) error {
	c := &run.config
	// What the engine knows of an endpoint is made at its first turn, so memory is flat only when all have had one.
	round := time.Duration(float64(c.Endpoints) / float64(c.Rate) * float64(time.Second))
	warm := max(minWithout, min(round, c.For/2))
	c.Progress("warming up for %v", warm.Round(time.Second))
	if err := run.load(ctx, warm, false, new(hostsSide)); err != nil {
		return err
	}
	if err := run.load(ctx, max(minWithout, c.For/10), false, &run.without); err != nil {
		return err
	}
	var err error
	if run.warm, err = run.memory(); err != nil {
		return err
	}
	c.Progress("p99 %.2f ms without black holes, %.0f MB", milliseconds(median(run.without.p99s)), megabytes(run.warm.resident))
	if err := run.load(ctx, c.For, true, &run.with); err != nil {
		return err
	}
	kept, err := run.kept(ctx)
	run.account.Lost += max(0, run.owed-kept)
	return err
}

// load publishes for a time, in slices, and adds what the good hosts got to s.
func (run *hostsRun) load(ctx context.Context, length time.Duration, bad bool, s *hostsSide) error {
	n := max(1, int(length/steadySlice))
	for i := range n {
		if err := run.slice(ctx, length/time.Duration(n), bad, s); err != nil {
			return err
		}
		if !bad {
			continue
		}
		size, err := run.memory()
		if err != nil {
			return err
		}
		run.sizes = append(run.sizes, size)
		run.config.Progress("slice %d of %d: p99 %.2f ms, %.0f MB: heap %.0f MB, store up to %.0f MB", i+1, n,
			milliseconds(s.p99s[i]), megabytes(size.resident), megabytes(size.heap), megabytes(size.store))
	}
	return nil
}

func (run *hostsRun) slice(ctx context.Context, length time.Duration, bad bool, s *hostsSide) error {
	c := &run.config
	good := func(sequence int64) bool { return !c.bad(c.place(sequence).host) }
	var owed *Ledger
	if bad {
		owed = run.newOwed()
	}
	account, times, err := run.besides(ctx, float64(c.Rate), length, good, owed, &s.side)
	if err != nil {
		return err
	}
	run.account.add(account)
	if bad {
		run.owed += owed.Account().Sent
	}
	slices.Sort(times)
	s.p50s, s.p99s = append(s.p50s, thousandth(times, 500)), append(s.p99s, thousandth(times, 990))
	return nil
}

func (run *hostsRun) result() HostsResult {
	c := &run.config
	without, with := median(run.without.p99s), median(run.with.p99s)
	last := run.sizes[len(run.sizes)-1]
	result := HostsResult{
		Kind: "hosts", Endpoints: c.Endpoints, Hosts: c.Hosts, BadShare: c.BadShare,
		RateRatio: round(ratio(run.with.rate(), run.without.rate())), P99Ratio: round(ratio(float64(with), float64(without))),
		Lost: run.account.Lost, Duplicates: run.account.Duplicates,
		RateWithout: round(run.without.rate()), RateWith: round(run.with.rate()),
		P50Without: milliseconds(median(run.without.p50s)), P50With: milliseconds(median(run.with.p50s)),
		P99Without: milliseconds(without), P99With: milliseconds(with),
		RSSWarm: megabytes(run.warm.resident), RSSEnd: megabytes(last.resident), RSSMost: megabytes(run.with.rss),
		RSSGrowth: round(growth(run.sizes, func(m memory) int64 { return m.resident })),
		HeapWarm:  megabytes(run.warm.heap), HeapEnd: megabytes(last.heap),
		HeapGrowth: round(growth(run.sizes, func(m memory) int64 { return m.heap })),
		Store:      megabytes(last.store),
		Seconds:    round(run.with.elapsed.Seconds()), SecondsWithout: round(run.without.elapsed.Seconds()), Rate: c.Rate,
		BadRequests: run.silent.Requests(), BadInFlight: run.silent.MaxInFlight(), BodyBytes: c.Body,
	}
	for host := range c.Hosts {
		if c.bad(host) {
			result.Bad++
		}
	}
	return result
}

// close ends the black holes first, so that nothing is on its way to them.
func (run *hostsRun) close() error {
	var problems []error
	if run.silent != nil {
		problems = append(problems, run.silent.Close())
	}
	if run.rig != nil {
		problems = append(problems, run.rig.close())
	}
	return errors.Join(problems...)
}
