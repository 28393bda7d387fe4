package bench

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"
)

func TestDispatch(t *testing.T) {
	t.Parallel()
	for _, fanout := range []int{1, 3} {
		if testing.Short() && fanout == 1 {
			continue // under the race detector one is as good as the other
		}
		var profile bytes.Buffer
		result, err := Dispatch(context.Background(), DispatchConfig{
			Config: Config{For: 400 * time.Millisecond, Publishers: 8, Hosts: 2, Webhooks: 5, Dir: t.TempDir(), Progress: t.Logf},
			Fanout: fanout, InFlight: 9, Profile: &profile,
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%+v", result)
		if result.Lost != 0 || result.Duplicates != 0 || result.Fanout != fanout {
			t.Errorf("%d lost, %d duplicates at a fan-out of %d", result.Lost, result.Duplicates, result.Fanout)
		}
		if result.Owed == 0 || result.Owed%int64(fanout) != 0 {
			t.Errorf("%d deliveries were owed by events that are owed to %d endpoints each", result.Owed, fanout)
		}
		for name, figure := range map[string]float64{
			"rate": result.Rate, "ceiling": result.CeilingRate, "ratio": result.Ratio, "volatile": result.RateVolatile,
			"p50": result.P50, "p99-p50+1": result.P99 - result.P50 + 1, "p999-p99+1": result.P999 - result.P99 + 1,
			"open": result.OpenRate,
		} {
			if figure <= 0 {
				t.Errorf("%s is %v in %+v", name, figure, result)
			}
		}
		if profile.Len() == 0 {
			t.Error("no profile was written")
		}
	}
}

func TestConfigProblems(t *testing.T) {
	_, err := Dispatch(context.Background(), DispatchConfig{
		Config: Config{For: -1, Body: 10, Dir: t.TempDir() + "/missing"}, Fanout: 600, InFlight: 1, Window: 599,
	})
	var problem *ConfigError
	if !errors.As(err, &problem) {
		t.Fatalf("got %v", err)
	}
	for _, name := range []string{"For", "Body", "Dir", "InFlight", "Window"} {
		if !strings.Contains(err.Error(), name) {
			t.Errorf("%s is not named in %q", name, err)
		}
	}
}

func TestQuickChangesDefaultsOnly(t *testing.T) {
	if c := (DispatchConfig{Config: Config{Quick: true}}).withDefaults(); c.For != 4*time.Second {
		t.Errorf("For is %v", c.For)
	}
	c := IsolationConfig{Config: Config{Quick: true, For: time.Minute}, Shares: []float64{0.9}}.withDefaults()
	if c.For != time.Minute || len(c.Shares) != 1 || c.Shares[0] != 0.9 || len(c.Kinds) >= len(Faults()) {
		t.Errorf("%+v", c)
	}
}
