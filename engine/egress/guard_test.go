package egress

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"pgregory.net/rapid"
)

func TestMain(m *testing.M) {
	// What looks after a dialer's DNS cache ends within a second.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*TCPDialer).tcpAddrsClean"))
}

// names is a resolver that has one list of answers a name, and gives them one after the other; the last one stays.
type names map[string][]string

func (n names) LookupIPAddr(_ context.Context, host string) ([]net.IPAddr, error) {
	answers := n[host]
	if len(answers) == 0 {
		return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}
	if len(answers) > 1 {
		n[host] = answers[1:]
	}
	var list []net.IPAddr
	for _, text := range strings.Fields(answers[0]) {
		a := netip.MustParseAddr(text)
		list = append(list, net.IPAddr{IP: a.AsSlice(), Zone: a.Zone()})
	}
	return list, nil
}

func newGuard(t *testing.T, o Options) *Guard {
	t.Helper()
	g, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.Close)
	return g
}

func prefixes(list ...string) []netip.Prefix {
	var all []netip.Prefix
	for _, text := range list {
		all = append(all, netip.MustParsePrefix(text))
	}
	return all
}

func isBlocked(err error) bool {
	var blocked *BlockedError
	return errors.As(err, &blocked)
}

// internal are addresses that nothing is sent to, in all spellings that lead to an IPv4 address.
var internal = []string{
	"0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.100.100.200", "100.127.255.255", "127.0.0.1", "127.255.0.1",
	"169.254.0.1", "169.254.169.254", "169.254.170.2", "172.16.0.1", "172.31.255.255", "192.0.0.1", "192.0.0.192", "192.0.2.1",
	"192.88.99.1", "192.168.1.1", "198.18.0.1", "198.19.255.255", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.255",
	"240.0.0.1", "255.255.255.255", "168.63.129.16",

	"::", "::1",
	"::ffff:127.0.0.1", "::ffff:7f00:1", "0:0:0:0:0:ffff:a9fe:a9fe", "::ffff:10.0.0.1", "::ffff:8.8.8.8", // mapped
	"::127.0.0.1", "::7f00:1", "::a9fe:a9fe", "::8.8.8.8", // compatible
	"::ffff:0:127.0.0.1",                                                 // translated (SIIT)
	"64:ff9b::127.0.0.1", "64:ff9b::a9fe:a9fe", "64:ff9b:0:0:0:0:0a00:1", // NAT64, short and expanded
	"64:ff9b:1::127.0.0.1", "64:ff9b:1:fffe::1", // NAT64 for local use
	"2002:7f00:1::", "2002:a9fe:a9fe::1", "2002:808:808::1", // 6to4
	"2001:0:7f00:1::", "2001::80ff:fffe", "2001:0:4136:e378:8000:63bf:80ff:fffe", // Teredo: by its server, by its client
	"2600::5efe:127.0.0.1", "2600::200:5efe:a9fe:a9fe", "fe80::5efe:10.0.0.1", // ISATAP
	"fe80::1", "fe80::1%eth0", "2600::1%eth0", "fc00::1", "fd00:ec2::254", "fec0::1", "ff02::1", "ff0e::1",
	"100::1", "2001:2::1", "2001:db8::1", "3fff::1", "5f00::1", "4000::1",
}

var public = []string{
	"1.1.1.1", "8.8.8.8", "11.0.0.1", "100.63.255.255", "100.128.0.0", "172.15.255.255", "172.32.0.0", "192.167.255.255",
	"198.17.255.255", "198.20.0.0", "223.255.255.255", "2600::1", "2606:4700:4700::1111", "2a00:1450:4001::5eff:1",
}

func TestLiteralsAtRegistration(t *testing.T) {
	g := newGuard(t, Options{})
	for _, a := range internal {
		if err := g.Check(net.JoinHostPort(a, "443")); !isBlocked(err) {
			t.Errorf("%s: %v", a, err)
		}
	}
	for _, a := range public {
		if err := g.Check(net.JoinHostPort(a, "443")); err != nil {
			t.Errorf("%s: %v", a, err)
		}
	}
}

// TestNamesThatLeadInside has names lead to every address. What is mapped from IPv4 is connected to as IPv4.
func TestNamesThatLeadInside(t *testing.T) {
	for _, a := range internal {
		if a == "::ffff:8.8.8.8" {
			continue
		}
		g := newGuard(t, Options{Resolver: names{"receiver.example": {a}}})
		conn, err := g.Dial("receiver.example:443", time.Minute)
		if !isBlocked(err) || conn != nil {
			t.Errorf("%s: %v, %v", a, conn, err)
		}
		if err != nil && strings.Contains(err.Error(), a) {
			t.Errorf("%s is named: %v", a, err)
		}
	}
	for _, a := range public {
		g := newGuard(t, Options{Resolver: names{"receiver.example": {a}}})
		if list, err := g.LookupIPAddr(t.Context(), "receiver.example"); err != nil || len(list) != 1 {
			t.Errorf("%s: %v, %v", a, list, err)
		}
	}
}

func TestSpellingsOfHosts(t *testing.T) {
	nothing := newGuard(t, Options{Resolver: names{}})
	private := newGuard(t, Options{Allow: prefixes("10.0.0.0/8")})
	local := newGuard(t, Options{Allow: Loopback()})
	for _, test := range []struct {
		host                   string
		plain, inside, machine bool // admitted by the guards above
	}{
		{"2130706433", false, false, false},
		{"0x7f000001", false, false, false},
		{"0X7F.0.0.1", false, false, false},
		{"0x", false, false, false},
		{"017700000001", false, false, false},
		{"0177.0.0.1", false, false, false},
		{"127.1", false, false, false},
		{"127.0.0.01", false, false, false},
		{"10.0.0.1.", false, true, false},
		{"127.0.0.1..", false, false, true},
		{"2130706433.", false, false, false},
		{"a.0x1", false, false, false},
		{"256.256.256.256", false, false, false},
		{"localhost", false, false, true},
		{"LOCALHOST.", false, false, true},
		{"a.localhost", false, false, true},
		{"db", false, true, true},
		{"db.", false, true, true},
		{"printer.local", false, true, true},
		{"metadata.google.internal", false, true, true},
		{"metadata.google.internal.", false, true, true},
		{"nas.home.arpa", false, true, true},
		{"jira.corp", false, true, true},
		{"receiver.svc.cluster.local", false, true, true},
		{"receiver.example", true, true, true},
		{"receiver.example.", true, true, true},
		{"local.example", true, true, true},
		{"notlocalhost.example", true, true, true},
		{"a1.b2.c3d", true, true, true},
		{"127.0.0.1.nip.io", true, true, true}, // by its addresses, when it is connected to
		{"0x7f.example", true, true, true},
	} {
		for i, g := range []*Guard{nothing, private, local} {
			want := []bool{test.plain, test.inside, test.machine}[i]
			if err := g.Check(net.JoinHostPort(test.host, "443")); (err == nil) != want || err != nil && !isBlocked(err) {
				t.Errorf("%s by guard %d: %v", test.host, i, err)
			}
		}
		if !test.plain {
			if _, err := nothing.Dial(net.JoinHostPort(test.host, "443"), time.Minute); !isBlocked(err) {
				t.Errorf("%s was dialled: %v", test.host, err)
			}
		}
	}
}

func TestAllowedNetworks(t *testing.T) {
	g := newGuard(t, Options{Allow: prefixes("10.1.0.0/16", "fd00::/8", "64:ff9b::/96", "198.18.0.0/15")})
	for address, want := range map[string]bool{
		"10.1.2.3": true, "10.2.0.1": false, "fd12::1": true, "fe80::1": false, "fd12::1%eth0": false, "::ffff:10.1.2.3": false,
		"64:ff9b::8.8.8.8": true, "64:ff9b::10.1.2.3": true, "64:ff9b::127.0.0.1": false, "64:ff9b::169.254.169.254": false,
		"198.19.0.1": true, "8.8.8.8": true,
	} {
		if err := g.Check(net.JoinHostPort(address, "443")); (err == nil) != want {
			t.Errorf("%s: %v", address, err)
		}
	}
}

func TestPorts(t *testing.T) {
	g := newGuard(t, Options{Ports: []uint16{443, 8443}, Allow: Loopback()})
	for address, want := range map[string]bool{
		"receiver.example:443": true, "receiver.example:8443": true, "receiver.example:80": false, "127.0.0.1:22": false,
		"receiver.example:65979": false, "receiver.example:0": false, "receiver.example": false,
	} {
		if err := g.Check(address); (err == nil) != want {
			t.Errorf("%s: %v", address, err)
		}
	}
	if err := g.Check("receiver.example:25"); err == nil || err.Error() != "the port is 25; this installation sends to the ports 443 8443 only" {
		t.Error(err)
	}
	if err := newGuard(t, Options{}).Check("receiver.example:25"); err != nil {
		t.Error(err)
	}
}

func TestOff(t *testing.T) {
	g := newGuard(t, Options{Off: true, Ports: []uint16{443}, Resolver: names{"db": {"127.0.0.1"}}})
	for _, host := range append(internal, "db", "2130706433") {
		if err := g.Check(net.JoinHostPort(host, "80")); err != nil {
			t.Errorf("%s: %v", host, err)
		}
	}
	_, port := listen(t)
	conn, err := g.Dial("db:"+port, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
}

// listen opens a listener on this machine, which counts connections.
func listen(t *testing.T) (accepted chan net.Conn, port string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	accepted = make(chan net.Conn, 16)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			accepted <- conn
		}
	}()
	t.Cleanup(func() {
		l.Close()
		<-ended
		close(accepted)
		for conn := range accepted {
			conn.Close()
		}
	})
	_, port, _ = net.SplitHostPort(l.Addr().String())
	return accepted, port
}

// TestRebinding has a name lead to a permitted address when it is looked up, and to this machine from the next time on. 127.9.9.9 stands
// for a public address, which a test cannot connect to.
func TestRebinding(t *testing.T) {
	accepted, port := listen(t)
	resolver := names{"receiver.example": {"127.9.9.9", "127.0.0.1"}}
	g := newGuard(t, Options{Allow: prefixes("127.9.9.9/32"), Resolver: resolver})
	for i := range 3 {
		conn, err := g.Dial("receiver.example:"+port, time.Minute)
		if err == nil {
			t.Fatalf("dial %d came through to %v", i+1, conn.RemoteAddr())
		}
		if isBlocked(err) {
			t.Errorf("dial %d did not use the address that was judged: %v", i+1, err)
		}
	}
	if len(resolver["receiver.example"]) != 1 {
		t.Error("the name was not looked up")
	}
	g.dialer.FlushDNSCache()
	if _, err := g.Dial("receiver.example:"+port, time.Minute); !isBlocked(err) {
		t.Errorf("the name leads to this machine: %v", err)
	}
	if len(accepted) != 0 {
		t.Error("this machine was connected to")
	}
}

// TestRebindingToAnything has a name lead to a permitted address when it is looked up first, and to each address that nothing is
// sent to from then on.
func TestRebindingToAnything(t *testing.T) {
	accepted, port := listen(t)
	for _, a := range internal {
		if a == "::ffff:8.8.8.8" {
			continue
		}
		resolver := names{"receiver.example": {"127.9.9.9", a}}
		g := newGuard(t, Options{Allow: prefixes("127.9.9.9/32"), Resolver: resolver})
		for range 2 {
			if conn, err := g.Dial("receiver.example:"+port, time.Minute); err == nil || isBlocked(err) {
				t.Errorf("%s: %v, %v in place of a connection to what was judged", a, conn, err)
			}
		}
		g.dialer.FlushDNSCache()
		if conn, err := g.Dial("receiver.example:"+port, time.Minute); !isBlocked(err) || conn != nil {
			t.Errorf("%s: %v, %v", a, conn, err)
		}
	}
	if len(accepted) != 0 {
		t.Error("this machine was connected to")
	}
}

func TestMixedAnswers(t *testing.T) {
	accepted, port := listen(t)
	resolver := names{"receiver.example": {"169.254.169.254 10.0.0.1 127.0.0.1 ::1 8.8.8.8"}}
	g := newGuard(t, Options{Allow: prefixes("127.0.0.1/32"), Resolver: resolver})
	list, err := g.LookupIPAddr(t.Context(), "receiver.example")
	if err != nil || len(list) != 2 || list[0].String() != "127.0.0.1" || list[1].String() != "8.8.8.8" {
		t.Fatal(list, err)
	}
	resolver["inside.example"] = []string{"10.0.0.1 127.0.0.1"}
	for range 4 {
		conn, err := g.Dial("inside.example:"+port, time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		(<-accepted).Close()
		conn.Close()
	}
}

func TestUnknownName(t *testing.T) {
	g := newGuard(t, Options{Resolver: names{}})
	var unknown *net.DNSError
	if _, err := g.Dial("nowhere.example:443", time.Minute); !errors.As(err, &unknown) {
		t.Error(err)
	}
}

// TestVerdictByPrefix compares with a plain statement of the rules, over all addresses.
func TestVerdictByPrefix(t *testing.T) {
	g := newGuard(t, Options{})
	rapid.Check(t, func(t *rapid.T) {
		b := rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "address")
		v6 := netip.AddrFrom16([16]byte(b))
		v4 := netip.AddrFrom4([4]byte(b[12:]))
		if g.permits(v4) && (v4.IsPrivate() || v4.IsLoopback() || v4.IsMulticast() || v4.IsLinkLocalUnicast() || v4.IsUnspecified() || v4.As4()[0] >= 224) {
			t.Errorf("%v is permitted", v4)
		}
		if g.permits(v6) && b[0]&0xe0 != 0x20 {
			t.Errorf("%v is permitted", v6)
		}
		for _, spelled := range []netip.Addr{
			netip.AddrFrom16(v4.As16()), with(v4, "::"), with(v4, "64:ff9b::"), with(v4, "64:ff9b:1::"), with(v4, "2600::5efe:0:0"),
		} {
			if g.permits(spelled) {
				t.Errorf("%v is permitted", spelled)
			}
		}
	})
}

// with is an IPv6 address with an IPv4 address in its last four bytes.
func with(v4 netip.Addr, prefix string) netip.Addr {
	b, last := netip.MustParseAddr(prefix).As16(), v4.As4()
	copy(b[12:], last[:])
	return netip.AddrFrom16(b)
}

func TestNewNamesAllProblems(t *testing.T) {
	_, err := New(Options{
		Allow: prefixes("::ffff:10.0.0.0/104"), Ports: []uint16{0}, Proxy: "socks5://me:hidden@proxy:1080",
		TLS: TLS{CA: "nowhere.pem", Cert: "a.pem", MinVersion: "1.1"},
	})
	for _, part := range []string{"allow has ::ffff:10.0.0.0/104", "ports has 0", `scheme "socks5"`, "nowhere.pem", "needed together", `"1.1"`} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("%v does not say %s", err, part)
		}
	}
	for _, url := range []string{"proxy.example:3128", "http://me:hidden@", "http://me:hidden@proxy:port", "http://proxy/path", "//proxy"} {
		if _, err := New(Options{Proxy: url}); err == nil || strings.Contains(err.Error(), "hidden") {
			t.Errorf("%s: %v", url, err)
		}
	}
}
