package bench

import (
	"context"
	"errors"
	"testing"
)

func TestScale(t *testing.T) {
	result, err := Scale(context.Background(), ScaleConfig{
		Webhooks: 2000, Tenants: 20, Dir: t.TempDir(), Child: testChild("scale"), Progress: t.Logf,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%+v", result)
	if result.Mismatches != 0 {
		t.Errorf("the events of %d tenants were not matched as their filters say", result.Mismatches)
	}
	if result.Matched < result.Tenants {
		t.Errorf("only %d webhooks matched; the filters do not fit the events", result.Matched)
	}
	if result.Checked != 20 || result.Sample != 20 || result.ColdP50MS <= 0 || result.AgainMaxMS <= 0 || result.Loads != 20 {
		t.Errorf("figures are missing: %+v", result)
	}
	if result.OpenMS <= 0 || result.StartMS < result.OpenMS {
		t.Errorf("figures are missing: %+v", result)
	}
}

func TestScaleRefusesUnevenSpread(t *testing.T) {
	_, err := Scale(context.Background(), ScaleConfig{Webhooks: 10, Tenants: 3, Child: testChild("scale")})
	var problem *ConfigError
	if !errors.As(err, &problem) {
		t.Errorf("got %v", err)
	}
}
