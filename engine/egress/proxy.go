package egress

import (
	"bufio"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"time"

	"github.com/valyala/fasthttp"
)

// proxy opens connections through an HTTP proxy.
//
// Package fasthttpproxy does so too, with one timeout for all connections, where an attempt's depends on its policy and
// on the time it has left, and without proxies that speak TLS.
type proxy struct {
	dialer        fasthttp.TCPDialer // not guarded: the operator chose the proxy, which commonly is inside
	address       string
	authorization string      // of the Proxy-Authorization header; may be empty
	tls           *tls.Config // nil for a proxy that is spoken to in the clear
}

// newProxy returns nil where there is no URL. Errors do not repeat it, as it may hold a password.
func newProxy(raw string, config *tls.Config) (*proxy, error) {
	if raw == "" {
		return nil, nil
	}
	u, err := url.Parse(raw)
	if err != nil || u.Hostname() == "" || u.Path != "" && u.Path != "/" || u.RawQuery != "" {
		return nil, errors.New("egress.proxy is no URL such as http://proxy.example:3128")
	}
	p := &proxy{}
	port := "80"
	switch u.Scheme {
	case "http":
	case "https":
		port = "443"
		if p.tls = config.Clone(); p.tls == nil {
			p.tls = new(tls.Config)
		}
		p.tls.ServerName = u.Hostname()
	default:
		return nil, fmt.Errorf("egress.proxy has the scheme %q; use http or https", u.Scheme)
	}
	if u.Port() != "" {
		port = u.Port()
	}
	p.address = net.JoinHostPort(u.Hostname(), port)
	if u.User != nil {
		password, _ := u.User.Password()
		p.authorization = "Basic " + base64.StdEncoding.EncodeToString([]byte(u.User.Username()+":"+password))
	}
	return p, nil
}

// ProxyError means that the proxy could not be reached, so that nothing was learned of the address to be dialled.
type ProxyError struct{ Err error }

func (e *ProxyError) Error() string { return "the proxy cannot be reached: " + e.Err.Error() }

// Unwrap returns what went wrong.
func (e *ProxyError) Unwrap() error { return e.Err }

// TunnelError means that the proxy was reached and did not connect to the address.
type TunnelError struct{ Err error }

func (e *TunnelError) Error() string { return e.Err.Error() }

// Unwrap returns what went wrong.
func (e *TunnelError) Unwrap() error { return e.Err }

// leastReach is the time that reaching the proxy has to be given before its end says anything of the proxy: what looking up
// the receiver's name took, which its owner can make as long as they like, is taken from the same time.
const leastReach = time.Second

// dial opens a connection to an address by way of the proxy. The error is a *ProxyError where that has to do with the proxy
// alone. What comes after it was asked does not: proxies differ in how they fail where the address cannot be connected to.
func (p *proxy) dial(address string, deadline time.Time) (net.Conn, error) {
	given := time.Until(deadline)
	conn, err := p.reach(deadline)
	if err != nil {
		if given < leastReach && isTimeout(err) {
			return nil, fmt.Errorf("no time was left to reach the proxy: %w", err)
		}
		return nil, &ProxyError{err}
	}
	err = p.tunnel(conn, address)
	if err == nil {
		err = conn.SetDeadline(time.Time{})
	}
	if err != nil {
		_ = conn.Close()
		return nil, &TunnelError{err}
	}
	return conn, nil
}

func isTimeout(err error) bool {
	var timeout interface{ Timeout() bool }
	return errors.Is(err, fasthttp.ErrDialTimeout) || errors.As(err, &timeout) && timeout.Timeout() // the former has no method
}

// reach connects to the proxy. The connection has the deadline.
func (p *proxy) reach(deadline time.Time) (net.Conn, error) {
	conn, err := p.dialer.DialDualStackTimeout(p.address, time.Until(deadline))
	if err != nil {
		return nil, err
	}
	err = conn.SetDeadline(deadline)
	if err == nil && p.tls != nil {
		secure := tls.Client(conn, p.tls)
		conn, err = secure, secure.Handshake()
	}
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	return conn, nil
}

// tunnel has the proxy connect conn to an address (RFC 9110, section 9.3.6).
func (p *proxy) tunnel(conn net.Conn, address string) error {
	request := "CONNECT " + address + " HTTP/1.1\r\nHost: " + address + "\r\n"
	if p.authorization != "" {
		request += "Proxy-Authorization: " + p.authorization + "\r\n"
	}
	if _, err := io.WriteString(conn, request+"\r\n"); err != nil {
		return fmt.Errorf("the proxy was not asked: %w", err)
	}
	br := bufio.NewReader(conn)
	resp := fasthttp.AcquireResponse()
	defer fasthttp.ReleaseResponse(resp)
	if err := resp.Header.Read(br); err != nil {
		return fmt.Errorf("the proxy did not answer: %w", err)
	}
	if status := resp.StatusCode(); status < 200 || status > 299 {
		return fmt.Errorf("the proxy refuses the connection: status %d", status)
	}
	if br.Buffered() > 0 { // by neither TLS nor HTTP does the receiver speak first
		return errors.New("the proxy sent bytes after its answer")
	}
	return nil
}
