package dispatch

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/valyala/fasthttp"

	"hookline/engine/egress"
	"hookline/engine/webhook"
)

func TestClassOf(t *testing.T) {
	for _, test := range []struct {
		status int
		err    error
		want   webhook.Class
	}{
		{status: 200, want: webhook.Class2xx},
		{status: 302, want: webhook.Class3xx},
		{status: 404, want: webhook.Class4xx},
		{status: 429, want: webhook.Class429},
		{status: 503, want: webhook.Class5xx},
		{status: 799, want: webhook.ClassProtocol},
		{err: dialError{&egress.BlockedError{}}, want: webhook.ClassBlocked},
		{err: dialError{&net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host", IsNotFound: true}}}, want: webhook.ClassDNS},
		{err: dialError{&net.DNSError{IsTimeout: true}}, want: webhook.ClassDNS},
		{err: dialError{syscall.ECONNREFUSED}, want: webhook.ClassConnect},
		{err: dialError{fasthttp.ErrDialTimeout}, want: webhook.ClassConnect},
		{err: dialError{handshakeError{os.ErrDeadlineExceeded}}, want: webhook.ClassTLS},
		{err: dialError{handshakeError{&tls.CertificateVerificationError{}}}, want: webhook.ClassTLS},
		{err: &net.OpError{Op: "remote error", Err: tls.AlertError(116)}, want: webhook.ClassTLS},
		{err: unsentError{os.ErrDeadlineExceeded}, want: webhook.ClassTimeout},
		{err: fmt.Errorf("read: %w", os.ErrDeadlineExceeded), want: webhook.ClassTimeout},
		{err: io.EOF, want: webhook.ClassProtocol},
		{err: syscall.ECONNRESET, want: webhook.ClassProtocol},
		{err: errors.New("no HTTP"), want: webhook.ClassProtocol},
	} {
		got := classOf(test.status, test.err)
		if got != test.want {
			t.Errorf("classOf(%d, %v) = %s, want %s", test.status, test.err, got, test.want)
		}
		if !slices.Contains(webhook.Classes, got) {
			t.Errorf("%s is not among the classes", got)
		}
	}
}

func TestConnectResults(t *testing.T) {
	for want, err := range map[string]error{
		"ok": nil, "blocked": &egress.BlockedError{}, "dns": &net.DNSError{}, "tls": dialError{handshakeError{io.EOF}},
		"timeout": fasthttp.ErrDialTimeout, "refused": &net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)},
		"failed": syscall.EHOSTUNREACH,
	} {
		if got := connectResultOf(err).String(); got != want {
			t.Errorf("%v is %s, want %s", err, got, want)
		}
	}
	d := fasthttp.TCPDialer{} // keeps what kind of failure it was
	defer d.FlushDNSCache()
	if _, err := d.DialTimeout("127.0.0.1:1", time.Nanosecond); connectResultOf(err) != connectTimeout {
		t.Errorf("%v is %v", err, connectResultOf(err))
	}
}
