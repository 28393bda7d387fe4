package egress

import (
	"net"
	"net/netip"
	"strconv"
	"strings"
	"testing"
)

// aton reads an IPv4 address as inet_aton of the C library does, which some resolvers try first: one to four numbers in
// decimal, octal or hexadecimal, the last of which fills the bytes that are left.
func aton(host string) (netip.Addr, bool) {
	parts := strings.Split(host, ".")
	if len(parts) > 4 {
		return netip.Addr{}, false
	}
	var address uint64
	for i, part := range parts {
		if strings.ContainsAny(part, "_bBoO+-") && !strings.HasPrefix(strings.ToLower(part), "0x") || strings.Contains(part, "_") {
			return netip.Addr{}, false
		}
		n, err := strconv.ParseUint(part, 0, 32)
		room := uint64(8)
		if i == len(parts)-1 {
			room = uint64(8 * (5 - len(parts)))
		}
		if err != nil || n >= 1<<room {
			return netip.Addr{}, false
		}
		address = address<<room | n
	}
	return netip.AddrFrom4([4]byte{byte(address >> 24), byte(address >> 16), byte(address >> 8), byte(address)}), true
}

// FuzzCheck holds that no host is admitted that anything reads as an address which is refused when it is written plainly.
func FuzzCheck(f *testing.F) {
	for _, host := range []string{
		"127.0.0.1", "0177.1", "0x7f.1", "2130706433", "017700000001", "::1", "::ffff:127.0.0.1", "fe80::1%eth0", "localhost.", "a.b",
		"127.0.0.1.", "0X7F000001", "8.8.8.8", "1.1", "08.8.8.8", "0x", "",
	} {
		f.Add(host)
	}
	g, err := New(Options{})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, host string) {
		address := net.JoinHostPort(host, "443")
		if err := g.Check(address); err != nil {
			if !isBlocked(err) {
				t.Errorf("%q: %v", host, err)
			}
			return
		}
		bare, _, _ := net.SplitHostPort(address)
		bare = strings.TrimRight(bare, ".")
		if a, ok := aton(bare); ok && !g.permits(a) {
			t.Errorf("%q is admitted, and may be read as %v", host, a)
		}
		if a, err := netip.ParseAddr(bare); err == nil && (!g.permits(a) || a.Is4In6() || a.Zone() != "") {
			t.Errorf("%q is admitted", host)
		}
	})
}
