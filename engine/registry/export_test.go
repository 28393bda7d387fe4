package registry

// DropIndex makes the next event build the index of a tenant anew.
func (r *Registry) DropIndex(tenant string) {
	if s := r.tenant(tenant).stock.Load(); s != nil {
		s.index.drop()
	}
}

// Remembered counts the webhooks of a tenant whose last match is known.
func (r *Registry) Remembered(tenant string) int {
	o := &r.tenant(tenant).indexed().observed
	o.mu.RLock()
	defer o.mu.RUnlock()
	return len(o.matches)
}

// Evict lets go of the webhooks of a tenant, as the budget does.
func (r *Registry) Evict(tenant string) {
	t := r.tenant(tenant)
	if t == nil {
		return
	}
	b := &r.budget
	b.mu.Lock()
	defer b.mu.Unlock()
	if s := t.stock.Load(); s != nil && s.at != noPlace {
		b.evict(s)
	}
}

// Meaning is what conditions are kept under.
const Meaning = meaning

// Resident is what a registry charges for what is always in memory.
func Resident(r *Registry) int64 { return r.budget.resident.Load() }
