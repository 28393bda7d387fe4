package bench

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"
)

func TestE2E(t *testing.T) {
	result, err := E2E(context.Background(), Config{For: 400 * time.Millisecond, Publishers: 8, Hosts: 2, Dir: t.TempDir(), Progress: t.Logf})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%+v", result)
	if result.Lost != 0 || result.Duplicates != 0 {
		t.Errorf("%d lost, %d duplicates", result.Lost, result.Duplicates)
	}
	if result.Rate <= 0 || result.CeilingRate <= 0 || result.Ratio <= 0 || result.P50 <= 0 || result.P99 < result.P50 {
		t.Errorf("figures are missing: %+v", result)
	}
}

func TestConfigProblems(t *testing.T) {
	_, err := E2E(context.Background(), Config{For: -1, Body: 10, Dir: t.TempDir() + "/missing"})
	var problem *ConfigError
	if !errors.As(err, &problem) {
		t.Fatalf("got %v", err)
	}
	for _, name := range []string{"For", "Body", "Dir"} {
		if !strings.Contains(err.Error(), name) {
			t.Errorf("%s is not named in %q", name, err)
		}
	}
}
