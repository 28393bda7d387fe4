package bench

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/valyala/fasthttp"
)

func TestBreaker(t *testing.T) {
	t.Parallel()
	result, err := Breaker(context.Background(), BreakerConfig{
		Config:  Config{For: time.Second, Publishers: 16, Dir: t.TempDir(), Progress: t.Logf},
		Waiting: 2000, Fanout: 4, HostLimit: 5, MaxOpen: 200 * time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%+v", result)
	if result.Waiting != 2000 || result.Lost != 0 || result.Duplicates != 0 {
		t.Errorf("%d waiting, %d lost, %d duplicates", result.Waiting, result.Lost, result.Duplicates)
	}
	if result.InFlight == 0 || result.InFlight > 5 {
		t.Errorf("%d requests in flight; the limit is 5", result.InFlight)
	}
	if result.Probes == 0 || result.DrainRate <= 0 || result.FirstRequest <= 0 || result.Drain <= 0 || result.FillRate <= 0 {
		t.Errorf("%+v", result)
	}
	// Each delivery would take a key at least, if one were touched.
	if perDelivery := result.Written / result.Waiting; perDelivery > 10 {
		t.Errorf("%d bytes written while nothing could be delivered", result.Written)
	}
}

func TestBreakerProblems(t *testing.T) {
	_, err := Breaker(context.Background(), BreakerConfig{Config: Config{Hosts: 2}, Waiting: 10, Fanout: -1, HostLimit: -1, MaxOpen: -1})
	var problem *ConfigError
	if !errors.As(err, &problem) {
		t.Fatalf("got %v", err)
	}
	for _, name := range []string{"Hosts", "Waiting", "Fanout", "HostLimit", "MaxOpen"} {
		if !strings.Contains(err.Error(), name) {
			t.Errorf("%s is not named in %q", name, err)
		}
	}
}

// A door that is shut refuses connections, and what is behind it can come back.
func TestDoor(t *testing.T) {
	door, err := newDoor()
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{}
	get := func() error {
		client := &fasthttp.Client{MaxIdemponentCallAttempts: 1}
		_, _, err := client.GetTimeout(nil, "http://"+door.address, time.Minute)
		return err
	}
	for range 2 {
		if err := get(); err == nil || !strings.Contains(err.Error(), "refused") {
			t.Errorf("at a shut door: %v", err)
		}
		receiver, err := door.open(r, ReceiverOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(get(), receiver.Close()); err != nil || len(r.receivers) != 1 {
			t.Errorf("at an open door: %v", err)
		}
	}
}
