package bench

import (
	"context"
	"fmt"
	"net"
)

// door is the address of a receiver that comes and goes. While it is shut, connections are refused.
type door struct{ address string }

// newDoor chooses an address, and leaves it shut. On Linux it is one of the loopback network that no connection begins at, so that
// nothing else takes the port meanwhile.
func newDoor() (*door, error) {
	listener, err := net.Listen("tcp4", "127.77.0.1:0")
	if err != nil {
		listener, err = listenLocally()
	}
	if err != nil {
		return nil, err
	}
	d := &door{address: listener.Addr().String()}
	return d, listener.Close()
}

// open starts a receiver at the address, and makes it the rig's only one.
func (d *door) open(r *rig, o ReceiverOptions) (*Receiver, error) {
	var err error
	if o.Listener, err = net.Listen("tcp4", d.address); err != nil {
		return nil, fmt.Errorf("bench: a receiver cannot come back: %w", err)
	}
	receiver, err := NewReceiver(o)
	if err == nil {
		r.receivers = []*Receiver{receiver}
	}
	return receiver, err
}

// subscribe subscribes endpoints behind the door to the rig's project 0, each of an app of its own.
func (d *door) subscribe(ctx context.Context, r *rig, endpoints int) error {
	for endpoint := range endpoints {
		app := fmt.Sprintf("%s-%d", ProjectKey(0), endpoint)
		if err := r.subscribe(ctx, r.engine, app, 0, "http://"+d.address+hookPathOf(endpoint)); err != nil {
			return err
		}
	}
	return nil
}
