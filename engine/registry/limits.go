package registry

import (
	"cmp"
	"fmt"

	"hookline/jql"
)

// Limits bound what may be registered, under whatever rules. They are asked when something is registered or changed: what
// is there stays as it is and goes on matching, however low they are set later. A limit that is negative is none.
type Limits struct {
	// Filter bounds each filter. A limit of 0 is that of jql.DefaultLimits.
	Filter jql.Limits

	// Webhooks is how many webhooks a tenant may have, of all owners together and under all rules, with those that have
	// expired and are still listed.
	//
	// Defaults to 1,000,000.
	Webhooks int
}

// WithDefaults returns the limits with those that are 0 replaced by the defaults.
func (l Limits) WithDefaults() Limits {
	f, usual := &l.Filter, &jql.DefaultLimits
	f.Clauses = cmp.Or(f.Clauses, usual.Clauses)
	f.List = cmp.Or(f.List, usual.List)
	f.Nesting = cmp.Or(f.Nesting, usual.Nesting)
	f.Conditions = cmp.Or(f.Conditions, usual.Conditions)
	f.Size = cmp.Or(f.Size, usual.Size)
	l.Webhooks = cmp.Or(l.Webhooks, 1_000_000)
	return l
}

// Limit sets the limits of what is registered from then on; without it they are the defaults. Limit is called before the
// registry is shared.
func (r *Registry) Limit(l Limits) { r.limits = l.WithDefaults() }

// TenantLimitError says that a tenant has all the webhooks it may have. Given is how many there would be.
type TenantLimitError struct{ Limit, Given int }

func (e *TenantLimitError) Error() string {
	return fmt.Sprintf("the tenant would have %d webhooks, and %d are allowed in it; delete some", e.Given, e.Limit)
}
