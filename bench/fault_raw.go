package bench

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"math/big"
	"net"
	"sync"
	"time"
)

// rawReceiver is a bad receiver on bare connections: an HTTP server does not notice that a client has given up while a
// handler holds its request, and so could not tell what is in flight.
type rawReceiver struct {
	load
	scheme   string
	listener net.Listener
	serve    func(*rawReceiver, net.Conn)
	closing  chan struct{}
	once     sync.Once
	served   chan error
}

// newRawReceiver starts a receiver that does one thing with every connection, which is closed afterwards.
func newRawReceiver(scheme string, serve func(*rawReceiver, net.Conn)) (*rawReceiver, error) {
	listener, err := listenLocally()
	if err != nil {
		return nil, err
	}
	return startRawReceiver(listener, scheme, serve), nil
}

func startRawReceiver(listener net.Listener, scheme string, serve func(*rawReceiver, net.Conn)) *rawReceiver {
	r := &rawReceiver{scheme: scheme, listener: listener, serve: serve, closing: make(chan struct{}), served: make(chan error, 1)}
	go func() { r.served <- r.accept() }()
	return r
}

// URL is the address of a path at the receiver.
func (r *rawReceiver) URL(path string) string {
	return r.scheme + "://" + r.listener.Addr().String() + path
}

// Close stops the receiver and closes its connections.
func (r *rawReceiver) Close() error {
	var err error
	r.once.Do(func() {
		close(r.closing)
		err = r.listener.Close()
		if served := <-r.served; err == nil {
			err = served
		}
	})
	return err
}

func (r *rawReceiver) accept() error {
	var group sync.WaitGroup
	defer group.Wait()
	for {
		conn, err := r.listener.Accept()
		if err != nil {
			select {
			case <-r.closing:
				return nil
			default:
				return err
			}
		}
		group.Go(func() { r.hold(conn) })
	}
}

// hold serves a connection until that ends, or the receiver does.
func (r *rawReceiver) hold(conn net.Conn) {
	served := make(chan struct{})
	defer close(served)
	go func() {
		select {
		case <-served:
		case <-r.closing:
		}
		_ = conn.Close()
	}()
	r.serve(r, conn)
}

// await waits for the beginning of a request and reports whether there is one. If so, it is in flight.
func (r *rawReceiver) await(conn net.Conn) bool {
	if _, err := conn.Read(make([]byte, 4<<10)); err != nil {
		return false
	}
	r.begin()
	return true
}

// swallow reads until the other side has had enough.
func (r *rawReceiver) swallow(conn net.Conn) {
	if r.await(conn) {
		defer r.end()
		_, _ = io.Copy(io.Discard, conn)
	}
}

// drip answers one byte a second, for as long as the other side waits.
func (r *rawReceiver) drip(conn net.Conn) {
	if !r.await(conn) {
		return
	}
	defer r.end()
	gone := make(chan struct{})
	defer close(gone)
	go func() {
		second := time.NewTicker(time.Second)
		defer second.Stop()
		for _, c := range []byte("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-Slow: " + slowness + "\r\n\r\n") {
			if _, err := conn.Write([]byte{c}); err != nil {
				return
			}
			select {
			case <-second.C:
			case <-gone:
				return
			}
		}
	}()
	_, _ = io.Copy(io.Discard, conn)
}

// slowness makes the answer longer than anybody waits.
const slowness = "a header whose value takes a minute at least to arrive, so that no timeout of a policy is long enough for it"

// reset ends the connection so that the other side is told of an error.
func (r *rawReceiver) reset(conn net.Conn) {
	if r.await(conn) {
		defer r.end()
		if tcp, ok := conn.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0)
		}
		_ = conn.Close()
	}
}

// newBadTLS makes a receiver whose certificate nobody trusts.
func newBadTLS() (*rawReceiver, error) {
	certificate, err := selfSigned()
	if err != nil {
		return nil, fmt.Errorf("bench: making a certificate: %w", err)
	}
	config := &tls.Config{Certificates: []tls.Certificate{certificate}}
	return newRawReceiver("https", func(r *rawReceiver, conn net.Conn) {
		r.begin()
		defer r.end()
		secure := tls.Server(conn, config)
		if secure.Handshake() == nil {
			_, _ = io.Copy(io.Discard, secure)
		}
	})
}

func selfSigned() (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
	}
	text, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	return tls.Certificate{Certificate: [][]byte{text}, PrivateKey: key}, err
}
