package registry

import (
	"context"
	"fmt"
	"slices"

	"hookline/engine/event"
	"hookline/engine/store"
	"hookline/engine/webhook"
)

// ProblemsError says all that is wrong with a request, in sentences without a full stop that begin with the place.
type ProblemsError struct{ Problems []string }

func (e *ProblemsError) Error() string {
	if len(e.Problems) == 1 {
		return e.Problems[0]
	}
	return fmt.Sprintf("%s; and %d more problems", e.Problems[0], len(e.Problems)-1)
}

// InUseError says that a webhook cannot be deleted, as a post-function fires it.
type InUseError struct{ By webhook.PostFunction }

func (e *InUseError) Error() string {
	return fmt.Sprintf("webhook %d is used by a post-function of the transition %q of the workflow %q; remove the post-function first",
		e.By.Webhook, e.By.Transition, e.By.Workflow)
}

// SetPostFunctions replaces the post-functions of a tenant, whose webhooks have to be those of the tenant itself under
// the rules. Errors, after which nothing was changed: webhook.ErrUnknownTenant, [*ProblemsError], or one of the store.
func (r *Registry) SetPostFunctions(ctx context.Context, rules *Rules, tenantID string, list []webhook.PostFunction) error {
	s, done, err := r.changing(tenantID)
	if err != nil {
		return err
	}
	defer done()
	if problems := s.wrong(rules, list); len(problems) > 0 {
		return &ProblemsError{problems}
	}
	old, env := s.tenant.site()
	info := *old
	info.PostFunctions = slices.Clone(list)
	if err := r.apply(ctx, nil, &store.Changes{PutTenants: []*webhook.Tenant{&info}}); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.putTenant(&info, env)
	return nil
}

// wrong says what is wrong with post-functions.
func (s *stock) wrong(rules *Rules, list []webhook.PostFunction) []string {
	if len(list) > webhook.MaxPostFunctions {
		return []string{fmt.Sprintf("there are %d post-functions; at most %d are allowed", len(list), webhook.MaxPostFunctions)}
	}
	s.tenant.mu.RLock()
	defer s.tenant.mu.RUnlock()
	owner := webhook.Owner{Tenant: s.tenant.id}
	first := make(map[webhook.PostFunction]int, len(list))
	var problems []string
	for i, p := range list {
		problem := p.Problem()
		w := s.webhooks[p.Webhook]
		if problem == "" && (w == nil || w.Owner != owner || w.Flavor != rules.Flavor) {
			problem = fmt.Sprintf("the tenant has no admin webhook %d", p.Webhook)
		}
		if at, twice := first[p]; twice && problem == "" {
			problem = fmt.Sprintf("it is items[%d] again", at)
		}
		if problem != "" {
			problems = append(problems, fmt.Sprintf("items[%d]: %s", i, problem))
			continue
		}
		first[p] = i
	}
	return problems
}

// Fired appends the webhooks that the post-functions of a transition fire, each once, ordered by endpoint and number.
// The error says why they cannot be read.
func (r *Registry) Fired(dst []Matched, tenantID string, tr event.Transition) ([]Matched, error) {
	t := r.tenant(tenantID)
	if t == nil {
		return dst, nil
	}
	s, err := r.stock(t, forMatching)
	if err != nil {
		return dst, err
	}
	t.mu.RLock()
	defer t.mu.RUnlock()
	for _, p := range t.info.PostFunctions {
		if p.Workflow != tr.WorkflowID && p.Workflow != tr.WorkflowName || p.Transition != tr.ID && p.Transition != tr.Name {
			continue
		}
		sub, ok := s.subscribers[p.Webhook]
		if fired := (Matched{p.Webhook, sub.endpoint}); ok && !sub.disabled && !slices.Contains(dst, fired) {
			dst = append(dst, fired)
		}
	}
	slices.SortFunc(dst, Matched.Compare)
	return dst, nil
}

// inUse says by which post-function one of the webhooks is used.
func (t *tenant) inUse(list []*webhook.Webhook) error {
	t.mu.RLock()
	defer t.mu.RUnlock()
	for _, p := range t.info.PostFunctions {
		if slices.ContainsFunc(list, func(w *webhook.Webhook) bool { return w.ID == p.Webhook }) {
			return &InUseError{By: p}
		}
	}
	return nil
}
