package bench

import (
	"net"
	"sync"
)

// serveSilently accepts connections and reads from them, and never writes. It works on bare
// connections because an HTTP server does not notice that a client has given up while a handler holds
// its request, and so could not tell what is in flight.
func (r *Receiver) serveSilently() error {
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

// hold reads until the other side closes the connection or the receiver is closed. As no answer comes,
// a connection carries one request.
func (r *Receiver) hold(conn net.Conn) {
	gone := make(chan struct{})
	defer close(gone)
	go func() {
		select {
		case <-gone:
		case <-r.closing:
		}
		_ = conn.Close()
	}()
	buffer := make([]byte, 4<<10)
	for first := true; ; first = false {
		if _, err := conn.Read(buffer); err != nil {
			return
		}
		if first {
			r.requests.Add(1)
			raise(&r.mostInFlight, r.inFlight.Add(1))
			defer r.inFlight.Add(-1)
		}
	}
}
