package dispatch

import (
	"crypto/tls"
	"net"
	"time"
)

// link is a connection to a receiver. One goroutine uses it at a time.
type link struct {
	net.Conn // with TLS, where the host has that

	// written is the number of bytes written of the last request. Of TLS these are the bytes of whole records; one that is
	// cut off cannot be read by the receiver.
	written int

	// closed reports, of a link that is not in use, whether the other side has closed it, or sent bytes that nobody
	// asked for.
	closed func() bool
}

func (l *link) Write(b []byte) (int, error) {
	n, err := l.Conn.Write(b)
	l.written += n
	return n, err
}

// handshake makes the TLS handshake of a link that has just been opened, if it is to have one.
func (l *link) handshake(connected time.Time, limit time.Duration) error {
	secure, ok := l.Conn.(*tls.Conn)
	if !ok {
		return nil
	}
	err := secure.SetDeadline(within(connected, time.Now(), limit))
	if err == nil {
		err = secure.Handshake()
	}
	if err != nil {
		return dialError{handshakeError{err}}
	}
	return nil
}
