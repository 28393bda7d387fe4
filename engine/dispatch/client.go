package dispatch

import (
	"bufio"
	"crypto/tls"
	"errors"
	"net"
	"sync"
	"time"

	"github.com/valyala/fasthttp"
)

// Buffers of requests and answers, shared by all hosts: a host with a delivery now and then would find
// a pool of its own empty every time. The headers of an answer have to fit into the read buffer.
const (
	readBuffer  = 8 << 10
	writeBuffer = 4 << 10
)

var (
	readers = sync.Pool{New: func() any { return bufio.NewReaderSize(nil, readBuffer) }}
	writers = sync.Pool{New: func() any { return bufio.NewWriterSize(nil, writeBuffer) }}
)

// maxConnAge is how long a connection is used, however busy it is: a host whose name leads to another
// address now, or may not be connected to any more, is found out by dialling.
const maxConnAge = 5 * time.Minute

// dialError marks the errors of opening a connection.
type dialError struct{ error }

func (e dialError) Unwrap() error { return e.error }

// unansweredError marks a connection that failed before the first byte of an answer.
type unansweredError struct{ error }

func (e unansweredError) Unwrap() error { return e.error }

// connect prepares the host's connection pool and TLS configuration.
func (h *host) connect() {
	h.client = &fasthttp.HostClient{
		Addr:             h.key.Address,
		DialTimeout:      h.dial,
		MaxConns:         h.d.opts.HostLimit + 1,
		ConnPoolStrategy: fasthttp.LIFO, // so that what is not needed grows old
	}
	if h.key.Scheme != "https" {
		return
	}
	h.tls = h.d.opts.TLS.Clone()
	if h.tls == nil {
		h.tls = new(tls.Config)
	}
	if h.tls.ServerName == "" {
		h.tls.ServerName, _, _ = net.SplitHostPort(h.key.Address)
	}
	if h.tls.ClientSessionCache == nil {
		h.tls.ClientSessionCache = tls.NewLRUClientSessionCache(h.d.opts.HostLimit)
	}
}

// dial opens a connection, TLS included, within the timeout. fasthttp would bound the handshake by a
// time limit that is the same for all requests of a host, which here have policies of their own.
func (h *host) dial(_ string, timeout time.Duration) (net.Conn, error) {
	deadline := time.Now().Add(timeout)
	conn, err := h.d.opts.Dial(h.key.Address, timeout)
	if err != nil || h.tls == nil {
		return conn, err
	}
	secure := tls.Client(conn, h.tls)
	err = secure.SetDeadline(deadline)
	if err == nil {
		err = secure.Handshake()
	}
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	return secure, nil
}

// exchange sends the request and reads the answer, on a connection of fasthttp's pool.
//
// A kept connection may have been closed by the receiver just before it was used again. Such a failure
// says nothing about the receiver, so the request is sent once more, at once and on a connection
// opened for it; it counts as the same attempt. The receiver may have handled the first request all
// the same, which at-least-once delivery allows. HostClient.Do can neither tell that a connection was
// used before nor insist on a new one, hence the use of its pool alone.
func (h *host) exchange(req *fasthttp.Request, resp *fasthttp.Response, dialTimeout time.Duration, deadline time.Time) error {
	for again := false; ; again = true {
		// Saying that the connection will be closed keeps the pool from starting a goroutine that closes
		// idle ones; table.sweep does that for all hosts.
		conn, err := h.client.AcquireConn(min(dialTimeout, time.Until(deadline)), true)
		if err != nil {
			if errors.Is(err, fasthttp.ErrNoFreeConns) {
				return err
			}
			return dialError{err}
		}
		used := !conn.LastUseTime().IsZero()
		if used && again {
			h.client.CloseConn(conn)
			continue
		}
		keep, err := roundTrip(conn.Conn(), req, resp, deadline, h.d.opts.MaxResponse)
		if keep && time.Since(conn.CreatedTime()) < maxConnAge {
			h.client.ReleaseConn(conn)
			return nil
		}
		h.client.CloseConn(conn)
		if used && stale(err) {
			continue
		}
		return err
	}
}

// stale reports whether err is how a connection fails that the other side has closed.
func stale(err error) bool {
	var unanswered unansweredError
	return errors.As(err, &unanswered) && !isTimeout(err)
}

// roundTrip writes the request and reads the answer. It reports whether the connection can be used
// again.
func roundTrip(conn net.Conn, req *fasthttp.Request, resp *fasthttp.Response, deadline time.Time, maxBody int) (bool, error) {
	if err := conn.SetDeadline(deadline); err != nil {
		return false, unansweredError{err}
	}
	if err := write(conn, req); err != nil {
		return false, unansweredError{err}
	}
	br := readers.Get().(*bufio.Reader)
	br.Reset(conn)
	defer func() {
		br.Reset(nil)
		readers.Put(br)
	}()
	if _, err := br.Peek(1); err != nil {
		return false, unansweredError{err}
	}
	if err := resp.ReadLimitBody(br, maxBody); err != nil {
		if errors.Is(err, fasthttp.ErrBodyTooLarge) && len(resp.Body()) == 0 {
			// A length that is announced too large is refused before anything of the body is read. What came with the
			// header is enough to show: nobody waits for more of it.
			start, _ := br.Peek(min(br.Buffered(), maxAnswer))
			resp.SetBody(start)
		}
		return false, err
	}
	// Bytes after the answer belong to nothing that was asked for, and would be taken for the next
	// answer.
	keep := br.Buffered() == 0 && !req.ConnectionClose() && !resp.ConnectionClose()
	return keep, nil
}

func write(conn net.Conn, req *fasthttp.Request) error {
	bw := writers.Get().(*bufio.Writer)
	bw.Reset(conn)
	err := req.Write(bw)
	if err == nil {
		err = bw.Flush()
	}
	bw.Reset(nil)
	writers.Put(bw)
	return err
}
