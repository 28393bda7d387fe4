package egress

import (
	"context"
	"errors"
	"net"
	"testing"
	"time"
)

// What ends before the proxy was asked is told from what the proxy answers; and time that the receiver's name took is not the
// proxy's.
func TestProxyThatIsNotReached(t *testing.T) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	_, mute := listen(t)
	resolver := names{"receiver.example": {"8.8.8.8"}}
	var unreached *ProxyError
	var refused *TunnelError
	for _, proxy := range []string{"http://" + closed.Addr().String(), "https://" + closed.Addr().String()} {
		g := newGuard(t, Options{Proxy: proxy, Resolver: resolver})
		if _, err := g.Dial("receiver.example:443", time.Minute); !errors.As(err, &unreached) {
			t.Errorf("%s: %v", proxy, err)
		}
	}
	plain := newConnectProxy(t, "", false)
	g := newGuard(t, Options{Proxy: "https://" + plain.Listener.Addr().String(), Resolver: resolver})
	if _, err := g.Dial("receiver.example:443", time.Minute); !errors.As(err, &unreached) {
		t.Errorf("without TLS: %v", err)
	}
	plain.answer = "HTTP/1.1 407 Who are you\r\n\r\n"
	g = newGuard(t, Options{Proxy: plain.URL, Resolver: resolver})
	if _, err := g.Dial("receiver.example:443", time.Minute); !errors.As(err, &refused) || errors.As(err, &unreached) {
		t.Errorf("407: %v", err)
	}
	g = newGuard(t, Options{Proxy: "http://127.0.0.1:" + mute, Resolver: resolver})
	if _, err := g.Dial("receiver.example:443", 20*time.Millisecond); !errors.As(err, &refused) {
		t.Errorf("no answer: %v", err)
	}
	g = newGuard(t, Options{Proxy: "https://127.0.0.1:" + mute, Resolver: slow{}})
	if _, err := g.Dial("receiver.example:443", leastReach+20*time.Millisecond); err == nil || errors.As(err, &unreached) {
		t.Errorf("after a name that took long: %v", err)
	}
	if _, err := g.proxy.dial("receiver.example:443", time.Now()); err == nil || errors.As(err, &unreached) {
		t.Errorf("after a name that took all the time: %v", err)
	}
}

// slow has names lead to a public address, after a while.
type slow struct{}

func (slow) LookupIPAddr(context.Context, string) ([]net.IPAddr, error) {
	time.Sleep(50 * time.Millisecond)
	return []net.IPAddr{{IP: net.IPv4(8, 8, 8, 8)}}, nil
}
