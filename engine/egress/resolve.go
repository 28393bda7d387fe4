package egress

import (
	"context"
	"net"
	"net/netip"
	"time"
)

// LookupIPAddr implements fasthttp.Resolver: it returns those addresses of a host that deliveries may go to. The dialer
// keeps them and connects to nothing else, so that what is judged is what is connected to.
//
// A name that leads to public and internal addresses has its public ones used. The error is a [*BlockedError] where
// none is left.
func (g *Guard) LookupIPAddr(ctx context.Context, host string) ([]net.IPAddr, error) {
	if g.options.Off {
		return g.options.Resolver.LookupIPAddr(ctx, host)
	}
	if a, err := netip.ParseAddr(host); err == nil { // which checkHost has judged
		return []net.IPAddr{{IP: a.AsSlice(), Zone: a.Zone()}}, nil
	}
	all, err := g.options.Resolver.LookupIPAddr(ctx, host)
	if err != nil {
		return nil, err
	}
	var permitted []net.IPAddr
	for _, ip := range all {
		// A net.IP does not tell an IPv4 address from the IPv6 address that it is mapped to, and both are
		// connected to as IPv4.
		if a, ok := netip.AddrFromSlice(ip.IP); ok && g.permits(a.Unmap().WithZone(ip.Zone)) {
			permitted = append(permitted, ip)
		}
	}
	if len(permitted) == 0 && len(all) > 0 {
		return nil, blocked("the host's name leads to no public address, and to none that the operator of this installation allows")
	}
	return permitted, nil
}

// lookup judges what an address leads to.
func (g *Guard) lookup(address string, deadline time.Time) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithDeadline(context.Background(), deadline)
	defer cancel()
	_, err = g.LookupIPAddr(ctx, host)
	return err
}
