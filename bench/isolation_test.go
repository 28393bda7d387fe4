package bench

import (
	"context"
	"testing"
	"time"
)

func TestIsolation(t *testing.T) {
	result, err := Isolation(context.Background(), Config{
		For: 900 * time.Millisecond, Publishers: 16, Hosts: 3, Rate: 100, Dir: t.TempDir(), Progress: t.Logf,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%+v", result)
	if result.Lost != 0 {
		t.Errorf("%d events for healthy receivers were lost", result.Lost)
	}
	if result.SilentInFlight == 0 || result.SilentInFlight > 20 {
		t.Errorf("%d requests in flight at the silent receiver; the limit is 20", result.SilentInFlight)
	}
	// The figures of so short a run say little; that deliveries go on beside the silent receiver is what
	// this holds. The measurement itself is a command.
	if result.RateRatio < 0.5 {
		t.Errorf("the healthy receivers kept %.2f of their rate", result.RateRatio)
	}
}

func TestIsolationNeedsTwoHosts(t *testing.T) {
	if _, err := Isolation(context.Background(), Config{Hosts: 1}); err == nil {
		t.Error("one host was accepted")
	}
}
