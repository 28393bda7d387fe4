package engine

import (
	"maps"
	"sync"

	"hookline/engine/registry"
	"hookline/engine/webhook"
)

// strays are the endpoints whose policy is not among the options, with its name, so that each is complained of once.
type strays struct {
	mu   sync.Mutex
	byID map[uint64]string
}

// note reports whether it is news that an endpoint has lost its policy.
func (s *strays) note(ep *webhook.Endpoint) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.byID[ep.ID] == ep.Policy {
		return false
	}
	if s.byID == nil {
		s.byID = map[uint64]string{}
	}
	s.byID[ep.ID] = ep.Policy
	return true
}

// prune lets go of endpoints that are gone.
func (s *strays) prune(r *registry.Registry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.DeleteFunc(s.byID, func(id uint64, _ string) bool {
		_, ok := r.Endpoint(id)
		return !ok
	})
}

// policyOf returns the policy of an endpoint: the one that it was given, or its flavour's.
func (e *Engine) policyOf(ep *webhook.Endpoint) *webhook.Policy {
	if ep.Policy != "" {
		if p := e.options.Policies[ep.Policy]; p != nil {
			return p
		}
		if e.strays.note(ep) {
			e.options.Logger.Error("the policy of an endpoint is not known any more; that of its flavour takes its place",
				"tenant", ep.Owner.Tenant, "endpoint", ep.ID, "policy", ep.Policy)
		}
	}
	return e.flavors[ep.Flavor].Policy()
}
