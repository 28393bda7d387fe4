package registry

// DropIndex makes the next event build the index of a tenant anew.
func (r *Registry) DropIndex(tenant string) { r.tenant(tenant).index.drop() }

// Remembered counts the webhooks of a tenant whose last match is known.
func (r *Registry) Remembered(tenant string) int {
	o := &r.tenant(tenant).index.index.Load().observed
	o.mu.RLock()
	defer o.mu.RUnlock()
	return len(o.matches)
}
