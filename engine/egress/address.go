package egress

import (
	"net/netip"
	"slices"
	"strings"
)

var (
	// azureHost answers every virtual machine of Azure, with metadata among the rest
	// (https://learn.microsoft.com/azure/virtual-network/what-is-ip-address-168-63-129-16).
	azureHost = netip.MustParsePrefix("168.63.129.16/32")

	// nat64 addresses lead to the IPv4 address in their last four bytes (RFC 6052).
	nat64 = netip.MustParsePrefix("64:ff9b::/96")

	loopback = Loopback()
)

// internalNames end the names that the public DNS does not have: RFC 6761 (localhost), RFC 6762 (local, and in appendix G what
// private networks use), RFC 8375 (home.arpa), ICANN's resolution 2024.07.29.06 (internal).
var internalNames = []string{
	"localhost", "localdomain", "local", "internal", "intranet", "private", "corp", "home", "lan", "home.arpa",
}

// permits judges an address.
//
// That NAT64 is allowed means that IPv4 receivers are reached by it, and not that all networks are that it leads to.
func (g *Guard) permits(a netip.Addr) bool {
	if g.allows(a) {
		return !nat64.Contains(a) || g.permits(embedded(a))
	}
	return a.Zone() == "" && !isatap(a) && g.public.SafeAddr(a) == nil
}

func (g *Guard) allows(a netip.Addr) bool {
	return slices.ContainsFunc(g.options.Allow, func(p netip.Prefix) bool { return p.Contains(a) })
}

// embedded is the IPv4 address in the last four bytes of an IPv6 address.
func embedded(a netip.Addr) netip.Addr {
	b := a.As16()
	return netip.AddrFrom4([4]byte(b[12:]))
}

// isatap says whether the address is for a tunnel to the IPv4 address in its last four bytes, whatever its prefix
// (RFC 5214, section 6.1).
func isatap(a netip.Addr) bool {
	b := a.As16()
	return a.Is6() && b[8]&^2 == 0 && b[9] == 0 && b[10] == 0x5e && b[11] == 0xfe
}

// checkHost judges what a host says without being looked up.
func (g *Guard) checkHost(host string) error {
	host = strings.TrimRight(strings.ToLower(host), ".")
	if a, err := netip.ParseAddr(host); err == nil {
		if !g.permits(a) {
			return blocked("the host %s is not a public address; use one, or have the operator of this installation allow its network", host)
		}
		return nil
	}
	last := host[strings.LastIndexByte(host, '.')+1:]
	switch {
	case numeric(last):
		return blocked("the host %s is a number; write IPv4 addresses as four decimal numbers with dots, without leading zeros", host)
	case g.leadsInside(host, last):
		return blocked("the host %s is a name of internal networks; use a public one, or have the operator of this installation allow its network", host)
	}
	return nil
}

// numeric says whether a host whose last label this is would be taken for an IPv4 address by some resolver: in one
// number, in octal or in hexadecimal (https://url.spec.whatwg.org/#ends-in-a-number-checker).
func numeric(label string) bool {
	if digits, ok := strings.CutPrefix(label, "0x"); ok {
		return strings.Trim(digits, "0123456789abcdef") == ""
	}
	return label != "" && strings.Trim(label, "0123456789") == ""
}

// leadsInside says whether a name certainly leads to no address that deliveries may go to. Where networks are allowed it
// may lead there, except for localhost, of which it is known where it leads.
func (g *Guard) leadsInside(host, last string) bool {
	if last == "localhost" {
		return !slices.ContainsFunc(g.options.Allow, func(p netip.Prefix) bool {
			return p.Overlaps(loopback[0]) || p.Overlaps(loopback[1])
		})
	}
	return len(g.options.Allow) == 0 && (host == last || slices.ContainsFunc(internalNames, func(name string) bool {
		return last == name || strings.HasSuffix(host, "."+name)
	}))
}
