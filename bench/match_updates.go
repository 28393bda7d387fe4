package bench

import (
	"cmp"
	"context"
	"time"
)

// MatchUpdatesConfig configures [MatchUpdates]. The zero value is a run with the defaults. Filters defaults to 100,000, and to 10,000 with Quick;
// For is what all stretches take together, and defaults to 12 seconds, and to 3 with Quick.
type MatchUpdatesConfig struct {
	MatchConfig

	// Rate is the number of changes in a second, each of which adds or removes one registration.
	//
	// Defaults to 1000.
	Rate int
}

func (c MatchUpdatesConfig) withDefaults() MatchUpdatesConfig {
	filters, length := 100_000, 12*time.Second
	if c.Quick {
		filters, length = 10_000, 3*time.Second
	}
	if len(c.Filters) == 0 {
		c.Filters = []int{filters}
	}
	c.For = cmp.Or(c.For, length)
	c.Rate = cmp.Or(c.Rate, 1000)
	c.MatchConfig = c.MatchConfig.withDefaults()
	return c
}

func (c *MatchUpdatesConfig) validate() error {
	var p problems
	if err := c.MatchConfig.validate(); err != nil {
		p = append(p, err)
	}
	p.check(c.Rate > 0 && c.Rate <= 1e6, "Rate is %d; use 1 to 1000000", c.Rate)
	return p.err()
}

// MatchUpdatesResult is what [MatchUpdates] measured with one number of filters.
type MatchUpdatesResult struct {
	Kind    string `json:"kind"` // "match_updates"
	Filters int    `json:"filters"`
	Rate    int    `json:"rate"`    // of changes, in a second, as asked for
	Changes int    `json:"changes"` // that were made

	// The times in microseconds from the call of Index.Update to a View that shows the change: of all changes, and the
	// 99th percentiles of those that added, and that removed, a registration.
	VisibleP50 float64 `json:"visible_p50_us"`
	VisibleP99 float64 `json:"visible_p99_us"`
	VisibleMax float64 `json:"visible_max_us"`
	AddP99     float64 `json:"add_p99_us"`
	RemoveP99  float64 `json:"remove_p99_us"`

	// The reader's time for an event in nanoseconds: in the stretches before those with changes, in those, and in those
	// after them; medians. DuringOverBefore is the median of the ratios of stretches that follow each other, and so is AfterOverBefore.
	BeforeNS         float64 `json:"before_ns"`
	DuringNS         float64 `json:"during_ns"`
	AfterNS          float64 `json:"after_ns"`
	DuringOverBefore float64 `json:"during_over_before"`
	AfterOverBefore  float64 `json:"after_over_before"`

	// Mismatches counts changes that a View taken after them did not show, and answers after all changes that are not those of the plain evaluator. Checked is
	// the number of events for which these were compared.
	Mismatches int `json:"mismatches"`
	Checked    int `json:"checked"`

	Seconds float64 `json:"seconds"`
}

// MatchUpdates measures single changes of an index while one goroutine matches all the time, each event in a View of its own. Stretches without and with
// changes alternate. Half of the changes add a registration, two of three of these with a filter that the index has not seen before; the others
// remove one.
func MatchUpdates(ctx context.Context, c MatchUpdatesConfig, tell func(MatchUpdatesResult) error) error {
	c = c.withDefaults()
	if err := c.validate(); err != nil {
		return err
	}
	for _, n := range c.Filters {
		r := MatchUpdatesResult{Kind: "match_updates", Filters: n, Rate: c.Rate}
		run, err := newUpdatesRun(&c, n)
		if err != nil {
			return err
		}
		if err := run.measure(ctx, &r); err != nil {
			return err
		}
		if err := run.check(ctx, &r); err != nil {
			return err
		}
		if err := tell(r); err != nil {
			return err
		}
	}
	return nil
}
