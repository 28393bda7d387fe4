//go:build unix

package dispatch

import (
	"crypto/tls"
	"net"
	"syscall"
)

// closedBy returns what looks whether a connection was closed by the other side, or has bytes to be read, without
// reading any. A connection that is no socket is taken for one that is open.
func closedBy(conn net.Conn) func() bool {
	for secure, ok := conn.(*tls.Conn); ok; secure, ok = conn.(*tls.Conn) { // to a proxy
		conn = secure.NetConn()
	}
	socket, ok := conn.(syscall.Conn)
	if !ok {
		return func() bool { return false }
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return func() bool { return true }
	}
	var quiet bool
	var b [1]byte
	look := func(fd uintptr) {
		_, _, err := syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		quiet = err == syscall.EAGAIN || err == syscall.EINTR
	}
	return func() bool { return raw.Control(look) != nil || !quiet }
}
