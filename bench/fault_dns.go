package bench

import (
	"context"
	"fmt"
	"net"
	"strings"
	"sync"
)

// hangingNames are the hosts whose names are looked up without an end: a resolver for egress.Options.
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

// LookupIPAddr implements fasthttp.Resolver. It holds a look-up of one of the names for as long as that may take, as a resolver
// does whose server is silent.
func (h *hangingNames) LookupIPAddr(ctx context.Context, name string) ([]net.IPAddr, error) {
	if !strings.HasSuffix(name, ".invalid") {
		return net.DefaultResolver.LookupIPAddr(ctx, name)
	}
	h.mu.Lock()
	host := h.hosts[name]
	h.mu.Unlock()
	if host != nil {
		host.hang(ctx)
	}
	return nil, &net.DNSError{Err: "i/o timeout", Name: name, IsTimeout: true}
}

func (n *hangingName) hang(ctx context.Context) {
	n.begin()
	defer n.end()
	select {
	case <-ctx.Done():
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
