package config_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hookline/engine"
	"hookline/engine/config"
	"hookline/engine/flavor/jira"
	"hookline/engine/webhook"
)

// A policy can be written down as a whole: what the file says is what there is.
func TestPoliciesOfTheFile(t *testing.T) {
	t.Parallel()
	c := load(t, `
policies:
  patient:
    connect_timeout: 5s
    timeout: 20s
    accept: [2xx]
    retry: [408, 429, 500-503, 5xx]
    stop_on_gone: true
    backoff: [10s, 1m, 1h]
    jitter: 0.25
    repeat: true
    give_up: 72h
    ttl: 24h
    retry_after: {min: 1s, max: 2h}
  strict: {timeout: 1s, accept: [200], backoff: [1s], last_by: 30m}
  jira-2019: {timeout: 3s, accept: [any]}
jira: {policy: patient}
migration: {policy: standard-webhooks}
arcxp: {policy: strict}
retry_budget: {share: 0.5, floor: 3}
rate: {host: 100, endpoint: 2.5}
disable_after: 120h
objectives: {fresh: 10s, replay: 1h}
`, nil)
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	o := c.Engine()
	want := map[string]*webhook.Policy{
		"patient": {
			ConnectTimeout: 5 * time.Second, Timeout: 20 * time.Second,
			Accept:     webhook.Statuses{{From: 200, To: 299}},
			Retry:      webhook.Statuses{{From: 408, To: 408}, {From: 429, To: 429}, {From: 500, To: 503}, {From: 500, To: 599}},
			StopOnGone: true, Backoff: []time.Duration{10 * time.Second, time.Minute, time.Hour}, Jitter: 0.25, Repeat: true,
			GiveUp: 72 * time.Hour, TTL: 24 * time.Hour, RetryAfter: webhook.RetryAfter{Min: time.Second, Max: 2 * time.Hour},
		},
		"strict":            {Timeout: time.Second, Accept: webhook.Statuses{{From: 200, To: 200}}, Backoff: []time.Duration{time.Second}, LastBy: 30 * time.Minute},
		"jira-2019":         {Timeout: 3 * time.Second, Accept: webhook.Statuses{webhook.AnyStatus}},
		"jira":              jira.Current(),
		"standard-webhooks": webhook.StandardPolicy(),
	}
	for name, p := range want {
		if diff := cmp.Diff(p, o.Policies[name]); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	for i, name := range []string{"patient", "patient", "standard-webhooks", "strict"} {
		if diff := cmp.Diff(want[name], o.Flavors[i].Policy()); diff != "" {
			t.Errorf("%s: %s", o.Flavors[i].Rules().Flavor, diff)
		}
	}
	if o.Objectives != (engine.Objectives{Fresh: 10 * time.Second, Replay: time.Hour}) {
		t.Errorf("objectives %+v", o.Objectives)
	}
	if len(o.Policies) != 7 || o.DisableAfter != 120*time.Hour || o.RetryBudget != (engine.RetryBudget{Share: 0.5, Floor: 3}) || o.Rate != (engine.Rate{Host: 100, Endpoint: 2.5}) {
		t.Errorf("%d policies, %+v", len(o.Policies), o)
	}
}

func TestPoliciesOfTheEnvironment(t *testing.T) {
	t.Parallel()
	c := load(t, "", map[string]string{
		"HOOKLINE_JIRA_POLICY": "jira", "HOOKLINE_MIGRATION_POLICY": "jira", "HOOKLINE_ARCXP_POLICY": "jira", "HOOKLINE_DISABLE_AFTER": "5h",
		"HOOKLINE_RATE_HOST": "3", "HOOKLINE_RATE_ENDPOINT": "0.5", "HOOKLINE_RETRY_BUDGET_SHARE": "-1", "HOOKLINE_RETRY_BUDGET_FLOOR": "4",
	})
	o := c.Engine()
	for _, f := range o.Flavors {
		if diff := cmp.Diff(jira.Current(), f.Policy()); diff != "" {
			t.Errorf("%s: %s", f.Rules().Flavor, diff)
		}
	}
	if o.DisableAfter != 5*time.Hour || o.Rate != (engine.Rate{Host: 3, Endpoint: 0.5}) || o.RetryBudget != (engine.RetryBudget{Share: -1, Floor: 4}) {
		t.Errorf("%+v", o)
	}
}

func TestBuiltInPoliciesAreValid(t *testing.T) {
	t.Parallel()
	c := config.Default()
	for name, p := range c.Engine().Policies {
		if err := p.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestPoliciesValidate(t *testing.T) {
	t.Parallel()
	c := load(t, `
policies:
  bad: {timeout: 1s, jitter: -1}
jira: {policy: unknown}
migration: {policy: bad, timeout: 3s}
arcxp: {policy: bad, waits: [1s]}
retry_budget: {floor: -1}
rate: {host: -1, endpoint: .inf}
disable_after: -1s
objectives: {fresh: -1s, replay: -1s}
`, nil)
	err := c.Validate()
	for _, want := range []string{
		"policies.bad: accept is empty", "jitter is -1", `jira.policy is "unknown"; use one of arcxp, bad, jira, jira-2019, standard-webhooks, until-acknowledged`,
		"migration.waits and migration.timeout", "arcxp.waits", "retry_budget.floor", "rate.host is -1", "rate.endpoint is +Inf", "disable_after", "objectives.fresh", "objectives.replay",
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v\ndoes not say %s", err, want)
		}
	}
	for text, want := range map[string]string{
		"policies: {p: {accept: [2x]}}":     "line 1",
		"policies: {p: {accpet: [2xx]}}":    "accpet",
		"policies: {p: {timeout: 1}}":       "line 1",
		"policies: {p: {retry: [6xx-8xx]}}": "6xx-8xx",
	} {
		if _, err := config.Load(file(t, text), nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v; want %q", text, err, want)
		}
	}
}
