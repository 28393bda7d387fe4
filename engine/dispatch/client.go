package dispatch

import (
	"bufio"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"sync"
	"time"

	"github.com/valyala/fasthttp"

	"hookline/engine/webhook"
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

// handshakeError marks those that TLS made on a connection that was open.
type handshakeError struct{ error }

func (e handshakeError) Unwrap() error { return e.error }

// unsentError marks a kept connection that failed before anything of a request was written to it.
type unsentError struct{ error }

func (e unsentError) Unwrap() error { return e.error }

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

// dial opens a connection; exchange makes the TLS handshake. fasthttp would bound that by a time limit that is the
// same for all requests of a host, which here have policies of their own.
func (h *host) dial(_ string, timeout time.Duration) (net.Conn, error) {
	start := time.Now()
	conn, err := h.d.opts.Dial(h.key.Address, timeout)
	h.d.dialled(err, start)
	if err != nil {
		return nil, err
	}
	l := &link{Conn: conn, closed: closedBy(conn)}
	if h.tls != nil {
		l.Conn = tls.Client(conn, h.tls)
	}
	return l, nil
}

// exchange sends the request and reads the answer, on a connection of fasthttp's pool.
//
// A kept connection may have been closed by the receiver before it is used again. That says nothing about the receiver,
// so a request of which no byte was written is sent once more, at once and on a connection opened for it; it counts
// as the same attempt. HostClient.Do can neither tell whether anything was written nor insist on a new connection,
// hence the use of its pool alone.
func (h *host) exchange(req *fasthttp.Request, resp *fasthttp.Response, p *webhook.Policy, deadline time.Time) error {
	for again := false; ; {
		now := time.Now()
		connected := within(deadline, now, p.ConnectTimeout)
		// Saying that the connection will be closed keeps the pool from starting a goroutine that closes
		// idle ones; table.sweep does that for all hosts.
		conn, err := h.client.AcquireConn(connected.Sub(now), true)
		if err != nil {
			if errors.Is(err, fasthttp.ErrNoFreeConns) {
				return err
			}
			h.d.connects[connectResultOf(err)].Add(1)
			return dialError{err}
		}
		h.inUse.Add(1)
		link := conn.Conn().(*link)
		used, keep := !conn.LastUseTime().IsZero(), false
		switch {
		case used && again:
			h.client.CloseConn(conn)
			h.inUse.Add(-1)
			continue
		case used && link.closed():
			err = unsentError{io.ErrUnexpectedEOF}
		case !used:
			err = link.handshake(connected, p.HandshakeTimeout)
			h.d.connects[connectResultOf(err)].Add(1)
		}
		if err == nil {
			keep, err = roundTrip(link, req, resp, p.FirstByteTimeout, deadline, h.d.opts.MaxResponse)
		}
		h.inUse.Add(-1)
		if keep && time.Since(conn.CreatedTime()) < maxConnAge {
			h.client.ReleaseConn(conn)
			return nil
		}
		h.client.CloseConn(conn)
		if !used || err == nil || !stale(err) {
			return err
		}
		again = true
	}
}

// stale reports whether err is how a connection fails that the other side has closed before it was used again.
func stale(err error) bool {
	var unsent unsentError
	return errors.As(err, &unsent) && !isTimeout(err)
}

// within is the end of a time limit that begins now, or the deadline if that is sooner. 0 is no limit.
func within(deadline, now time.Time, limit time.Duration) time.Time {
	if end := now.Add(limit); limit > 0 && end.Before(deadline) {
		return end
	}
	return deadline
}

// roundTrip writes the request and reads the answer. It reports whether the connection can be used
// again.
func roundTrip(conn *link, req *fasthttp.Request, resp *fasthttp.Response, firstByte time.Duration, deadline time.Time, maxBody int) (bool, error) {
	if err := conn.SetDeadline(deadline); err != nil {
		return false, unsentError{err}
	}
	if err := write(conn, req); err != nil {
		return false, err
	}
	br := readers.Get().(*bufio.Reader)
	br.Reset(conn)
	defer func() {
		br.Reset(nil)
		readers.Put(br)
	}()
	if err := await(conn, br, firstByte, deadline); err != nil {
		return false, err
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

// await waits for the first byte of the answer.
func await(conn net.Conn, br *bufio.Reader, limit time.Duration, deadline time.Time) error {
	if limit > 0 {
		if err := conn.SetReadDeadline(within(deadline, time.Now(), limit)); err != nil {
			return err
		}
	}
	if _, err := br.Peek(1); err != nil || limit == 0 {
		return err
	}
	return conn.SetReadDeadline(deadline)
}

// write writes the request. The error is an unsentError where nothing of it was.
func write(conn *link, req *fasthttp.Request) error {
	conn.written = 0
	bw := writers.Get().(*bufio.Writer)
	bw.Reset(conn)
	err := req.Write(bw)
	if err == nil {
		err = bw.Flush()
	}
	bw.Reset(nil)
	writers.Put(bw)
	if err != nil && conn.written == 0 {
		return unsentError{err}
	}
	return err
}
