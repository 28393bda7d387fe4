package registry

// DropIndex makes the next event build the index of a tenant anew.
func (r *Registry) DropIndex(tenant string) {
	r.dropIndex(r.tenant(tenant))
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

// Reads says whether webhooks of a tenant may be read now.
func (r *Registry) Reads(tenant string) bool {
	t := r.tenant(tenant)
	free := t.reading.TryLock()
	if free {
		t.reading.Unlock()
	}
	return free
}

// Held returns a function that counts the webhooks of a tenant for whoever has it in hand since Held was called.
func (r *Registry) Held(tenant string) func() int {
	t := r.tenant(tenant)
	return func() int {
		s, err := r.stock(t, forListing)
		if err != nil {
			panic(err)
		}
		return len(s.all())
	}
}

// StampOf stands for a site and a version.
var StampOf = stampOf

// Meaning is what conditions are kept under.
const Meaning = meaning

// Resident is what a registry charges for what is always in memory.
func Resident(r *Registry) int64 { return r.budget.resident.Load() }

// Behind counts the tenants that were used since they got their place among those that may be let go.
func Behind(r *Registry) (n int) {
	r.budget.mu.Lock()
	defer r.budget.mu.Unlock()
	for _, s := range r.budget.stocks {
		if s.used.Load() != s.since {
			n++
		}
	}
	return n
}
