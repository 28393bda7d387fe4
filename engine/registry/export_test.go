package registry

// DropIndex makes the next event build the index of a tenant anew.
func (r *Registry) DropIndex(tenant string) { r.tenant(tenant).index.drop() }
