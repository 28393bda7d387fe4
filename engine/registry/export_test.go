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
		s, err := r.stock(t)
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
