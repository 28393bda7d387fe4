package bench

import (
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/valyala/fasthttp"
)

// hangingNames are the hosts whose names are looked up without an end. The engine reaches them, and all others, through
// dial.
type hangingNames struct {
	mu    sync.Mutex
	hosts map[string]*hangingName
}

// hangingName is one of them.
type hangingName struct {
	load
	name   string
	closed chan struct{}
	once   sync.Once
}

func newHangingNames() *hangingNames { return &hangingNames{hosts: map[string]*hangingName{}} }

// add makes the n-th name, in the top-level domain of RFC 6761 that does not exist.
func (h *hangingNames) add(n int) *hangingName {
	host := &hangingName{name: fmt.Sprintf("receiver-%d.invalid", n), closed: make(chan struct{})}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.hosts[host.name] = host
	return host
}

// dial is for engine.Options.Dial. It holds a look-up for as long as it may take, as a resolver does whose server is silent.
func (h *hangingNames) dial(address string, timeout time.Duration) (net.Conn, error) {
	name, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	if !strings.HasSuffix(name, ".invalid") {
		return fasthttp.DialDualStackTimeout(address, timeout)
	}
	h.mu.Lock()
	host := h.hosts[name]
	h.mu.Unlock()
	if host != nil {
		host.hang(timeout)
	}
	return nil, &net.DNSError{Err: "i/o timeout", Name: name, IsTimeout: true}
}

func (n *hangingName) hang(timeout time.Duration) {
	n.begin()
	defer n.end()
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-n.closed:
	}
}

// URL is the address of a path at the host.
func (n *hangingName) URL(path string) string { return "http://" + n.name + path }

// Close ends the look-ups.
func (n *hangingName) Close() error {
	n.once.Do(func() { close(n.closed) })
	return nil
}
