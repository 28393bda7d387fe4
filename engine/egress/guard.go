package egress

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"code.dny.dev/ssrf"
	"github.com/valyala/fasthttp"
)

// Options say where deliveries may go, and by which way. The zero value sends to public addresses, on any port, directly.
type Options struct {
	// Off lets deliveries go anywhere: for installations where all who register webhooks are trusted with
	// the network that the process is in.
	Off bool

	// Allow are networks that deliveries may go to although they are not public. IPv4 networks are written as such.
	Allow []netip.Prefix

	// Ports are the ports that deliveries may go to, in allowed networks too.
	//
	// Defaults to all: on a public address it is up to its owner what is on a port, and receivers on others than 443
	// are common.
	Ports []uint16

	// Proxy is the URL of a proxy (http or https, with user and password if it wants them) by which all connections to
	// receivers are made, with CONNECT, whether they are https or not. A receiver's name is looked up and judged here
	// first, and then again looked up by the proxy, which has to keep to its own rules.
	//
	// Defaults to none: connections are direct.
	Proxy string

	// TLS is for connections to receivers, and to a proxy with https.
	TLS TLS

	// Resolver looks names up. Defaults to Go's.
	Resolver fasthttp.Resolver
}

// Loopback returns the networks of this machine itself, for Options.Allow of trials and tests.
func Loopback() []netip.Prefix {
	return []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}
}

// BlockedError says why nothing is sent to an address. Its text may be shown to whoever chose the address: it repeats
// what they wrote, and never what a name leads to.
type BlockedError struct{ Problem string }

func (e *BlockedError) Error() string { return e.Problem }

func blocked(format string, args ...any) error {
	return &BlockedError{Problem: fmt.Sprintf(format, args...)}
}

// Guard opens connections to addresses that deliveries may go to. Its methods are safe for any number of goroutines.
type Guard struct {
	options Options
	public  *ssrf.Guardian
	dialer  fasthttp.TCPDialer
	tls     *tls.Config
	proxy   *proxy // nil for direct connections
}

// New makes a guard, and reads the files of TLS. The error names everything that is wrong with the options, by the names
// that they have in a configuration, one a line.
func New(o Options) (*Guard, error) {
	g := &Guard{options: o, public: ssrf.New(ssrf.WithAnyPort(), ssrf.WithDeniedV4Prefixes(azureHost))}
	if g.options.Resolver == nil {
		g.options.Resolver = net.DefaultResolver
	}
	g.dialer.Resolver = g
	var problems []error
	for _, network := range o.Allow {
		if !network.IsValid() || network.Addr().Is4In6() {
			problems = append(problems, fmt.Errorf("egress.allow has %v; write networks as 10.0.0.0/8 or fd00::/8", network))
		}
	}
	if slices.Contains(o.Ports, 0) {
		problems = append(problems, errors.New("egress.ports has 0; use 1 to 65535"))
	}
	var errTLS, errProxy error
	g.tls, errTLS = o.TLS.config()
	g.proxy, errProxy = newProxy(o.Proxy, g.tls)
	if err := errors.Join(append(problems, errTLS, errProxy)...); err != nil {
		return nil, err
	}
	return g, nil
}

// TLS returns the configuration of https connections to receivers; nil is Go's own. It is shared and must not be changed.
func (g *Guard) TLS() *tls.Config { return g.tls }

// Check judges an address (host:port, as webhook.HostOf returns it) without looking its name up. The error is a
// [*BlockedError].
func (g *Guard) Check(address string) error {
	if g.options.Off {
		return nil
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return blocked("the address is not host:port")
	}
	if err := g.checkPort(port); err != nil {
		return err
	}
	return g.checkHost(host)
}

func (g *Guard) checkPort(port string) error {
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return blocked("the port %s is not a number up to 65535", port)
	}
	if len(g.options.Ports) > 0 && !slices.Contains(g.options.Ports, uint16(n)) {
		return blocked("the port is %s; this installation sends to the ports %s only", port, strings.Trim(fmt.Sprint(g.options.Ports), "[]"))
	}
	return nil
}

// Dial opens a TCP connection to an address within the timeout, looking its name up and a proxy included. Where the address
// is judged to be none that deliveries may go to, the error is a [*BlockedError] and nothing was connected to; where the
// proxy cannot be reached it is a [*ProxyError].
func (g *Guard) Dial(address string, timeout time.Duration) (net.Conn, error) {
	if err := g.Check(address); err != nil {
		return nil, err
	}
	if g.proxy == nil {
		return g.dialer.DialDualStackTimeout(address, timeout)
	}
	deadline := time.Now().Add(timeout)
	if !g.options.Off {
		if err := g.lookup(address, deadline); err != nil {
			return nil, err
		}
	}
	return g.proxy.dial(address, deadline)
}

// Close ends what runs for the guard, within a second. Connections stay open.
func (g *Guard) Close() {
	g.dialer.FlushDNSCache() // which ends the goroutine that looks after the cache
	if g.proxy != nil {
		g.proxy.dialer.FlushDNSCache()
	}
}
