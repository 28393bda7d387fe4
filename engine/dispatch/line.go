package dispatch

// line is the hosts that wait for a slot. Tenants take turns, and the hosts of a tenant within its turns, so that
// a tenant with ten thousand hosts has no more of the slots than one with a single host, as long as both have a use for them.
// It is guarded by the mutex of slots. The zero value is an empty line.
type line struct {
	tenants     map[string]*party
	first, last *party
	hosts       int
	spare       *party // the one that left last
}

// party is the hosts of one tenant that wait.
type party struct {
	first, last *host
	next        *party
}

// add puts a host that does not wait yet at the end of its tenant's.
func (l *line) add(h *host) {
	p := l.tenants[h.key.Tenant]
	if p == nil {
		p = l.join(h.key.Tenant)
	}
	if p.first == nil {
		p.first = h
	} else {
		p.last.behind = h
	}
	p.last = h
	l.hosts++
}

// join puts a tenant at the end.
func (l *line) join(tenant string) *party {
	p := l.spare
	l.spare = nil
	if p == nil {
		p = new(party)
	}
	if l.tenants == nil {
		l.tenants = make(map[string]*party)
	}
	l.tenants[tenant] = p
	l.append(p)
	return p
}

func (l *line) append(p *party) {
	if l.first == nil {
		l.first = p
	} else {
		l.last.next = p
	}
	l.last = p
}

// take removes the first host of the tenant whose turn it is; there has to be one. Its tenant goes to the end if others of it wait.
func (l *line) take() *host {
	p := l.first
	l.first, p.next = p.next, nil
	h := p.first
	p.first, h.behind = h.behind, nil
	l.hosts--
	if p.first != nil {
		l.append(p)
	} else {
		delete(l.tenants, h.key.Tenant)
		p.last = nil
		l.spare = p
	}
	return h
}
