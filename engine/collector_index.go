package engine

import "github.com/prometheus/client_golang/prometheus"

var (
	descFilters    = desc("index_filters", "Distinct filters in the indexes in memory, by what an event has to have for them to be looked at.", "filed")
	descKeys       = desc("index_keys", "Access keys that filters are filed under.")
	descTerms      = desc("index_terms", "Distinct values that filters name.")
	descConditions = desc("index_conditions", "Distinct orders and patterns in filters.")
	descPending    = desc("index_pending", "Subscriptions that came or went since their index was last rebuilt.")
	descIndexSize  = desc("index_size_bytes", "Approximate memory of the indexes.")
	descUncompiled = desc("index_uncompiled", "Webhooks, in these indexes, that match nothing because their filter does not compile any more.")
)

// index tells of the indexes in memory, all tenants' together.
func (c *collector) index(gauge func(*prometheus.Desc, float64, ...string)) {
	s := c.e.registry.IndexSizes()
	for filing, n := range s.Filed {
		gauge(descFilters, float64(n), filing)
	}
	gauge(descKeys, float64(s.Keys))
	gauge(descTerms, float64(s.Terms))
	gauge(descConditions, float64(s.Conditions))
	gauge(descPending, float64(s.Pending))
	gauge(descIndexSize, float64(s.Bytes))
}
