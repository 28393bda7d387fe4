package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"hookline/engine/flavor/arcxp"
	"hookline/engine/flavor/jira"
	"hookline/engine/flavor/migration"
	"hookline/engine/webhook"
)

// builtin are the policies that are there without a file. One of the file with the same name takes their place.
func builtin() map[string]*webhook.Policy {
	return map[string]*webhook.Policy{
		"jira-2019":          jira.Seed(),
		"jira":               jira.Current(),
		"until-acknowledged": migration.Seed(),
		"arcxp":              arcxp.Default(),
		"standard-webhooks":  webhook.StandardPolicy(),
	}
}

// policies returns all policies by name.
func (c *Config) policies() map[string]*webhook.Policy {
	all := builtin()
	for name, p := range c.Policies {
		all[name] = &p
	}
	return all
}

// validatePolicies also sees to the flavours' choices. A policy says all that can be said, so settings of parts of one
// are refused beside it.
func (c *Config) validatePolicies() []error {
	var problems []error
	for name, p := range c.Policies {
		if err := p.Validate(); err != nil {
			problems = append(problems, fmt.Errorf("config: policies.%s: %w", name, err))
		}
	}
	all := c.policies()
	for _, choice := range []struct {
		flavor, name string
		waits        []time.Duration
		timeout      time.Duration
	}{
		{"jira", c.Jira.Policy, c.Jira.Waits, c.Jira.Timeout},
		{"migration", c.Migration.Policy, c.Migration.Waits, c.Migration.Timeout},
		{"arcxp", c.ArcXP.Policy, c.ArcXP.Waits, c.ArcXP.Timeout},
	} {
		switch {
		case choice.name == "":
		case all[choice.name] == nil:
			problems = append(problems, fmt.Errorf("config: %s.policy is %q; use one of %s", choice.flavor, choice.name,
				strings.Join(slices.Sorted(maps.Keys(all)), ", ")))
		case len(choice.waits) > 0 || choice.timeout > 0:
			problems = append(problems, fmt.Errorf("config: %[1]s.waits and %[1]s.timeout are parts of a policy, and %[1]s.policy names one; use it or them", choice.flavor))
		}
	}
	return problems
}
