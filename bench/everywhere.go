package bench

import (
	"fmt"
	"net"
)

// everywhere listens on one port of every address of the loopback network, which nothing but the wildcard address does. It
// takes no connection from elsewhere.
type everywhere struct{ net.Listener }

func listenEverywhere() (net.Listener, error) {
	listener, err := net.Listen("tcp4", "0.0.0.0:0")
	if err != nil {
		return nil, fmt.Errorf("bench: a receiver cannot listen: %w", err)
	}
	return everywhere{listener}, nil
}

// Accept waits for a connection from this machine to a loopback address.
func (e everywhere) Accept() (net.Conn, error) {
	for {
		conn, err := e.Listener.Accept()
		if err != nil || loopback(conn.LocalAddr()) && loopback(conn.RemoteAddr()) {
			return conn, err
		}
		_ = conn.Close()
	}
}

func loopback(a net.Addr) bool {
	tcp, ok := a.(*net.TCPAddr)
	return ok && tcp.IP.IsLoopback()
}

func port(l net.Listener) int { return l.Addr().(*net.TCPAddr).Port }
