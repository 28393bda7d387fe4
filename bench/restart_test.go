package bench

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"
)

func TestRestart(t *testing.T) {
	t.Parallel()
	result, err := Restart(context.Background(), RestartConfig{
		Config: Config{For: 3 * time.Second, Publishers: 16, Dir: t.TempDir(), Progress: t.Logf},
		Rate:   50, HostLimit: 5, Down: 200 * time.Millisecond, Delay: 10 * time.Millisecond, SlowStart: 100 * time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%+v", result)
	if result.Lost != 0 {
		t.Errorf("%d lost", result.Lost)
	}
	if result.InFlight == 0 || result.InFlight > 5 || result.InFlightBefore == 0 || result.InFlightBefore > 5 {
		t.Errorf("%d and %d requests in flight; the limit is 5", result.InFlightBefore, result.InFlight)
	}
	if result.FirstRequest <= 0 || result.MostRate <= 0 || result.RateBefore <= 0 {
		t.Errorf("%+v", result)
	}
}

func TestRestartProblems(t *testing.T) {
	_, err := Restart(context.Background(), RestartConfig{
		Config: Config{Hosts: 2}, Rate: -1, HostLimit: -1, Down: -1, Delay: time.Minute, SlowStart: -1,
	})
	var problem *ConfigError
	if !errors.As(err, &problem) {
		t.Fatalf("got %v", err)
	}
	for _, name := range []string{"Hosts", "Rate", "HostLimit", "Down", "Delay", "SlowStart"} {
		if !strings.Contains(err.Error(), name) {
			t.Errorf("%s is not named in %q", name, err)
		}
	}
}

func TestBusiest(t *testing.T) {
	at := func(ms ...int) (times []time.Time) {
		for _, n := range ms {
			times = append(times, time.Time{}.Add(time.Hour+time.Duration(n)*time.Millisecond))
		}
		return times
	}
	for name, c := range map[string]struct {
		times []time.Time
		n     int
		first time.Time
		most  int
	}{
		"none":          {nil, 1, time.Time{}, 0},
		"one":           {at(5), 1, at(5)[0], 1},
		"too few":       {at(0, 1000, 2000), 2, time.Time{}, 1},
		"within":        {at(0, 999), 2, at(999)[0], 2},
		"later is more": {at(0, 900, 1800, 1900, 2000), 3, at(2000)[0], 3},
	} {
		if first, most := busiest(c.times, c.n); !first.Equal(c.first) || most != c.most {
			t.Errorf("%s: %v and %d, want %v and %d", name, first, most, c.first, c.most)
		}
	}
}
