package bench

import (
	"context"
	"errors"
	"runtime"
	"testing"
	"time"
)

func TestHosts(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("the loopback network has one address here")
	}
	result, err := Hosts(context.Background(), HostsConfig{
		Config:    Config{For: time.Second, Publishers: 16, Hosts: 25, Dir: t.TempDir(), Progress: t.Logf},
		Endpoints: 75, BadShare: 0.2, Rate: 100,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%+v", result)
	if result.Lost != 0 || result.Bad != 5 || result.BadRequests == 0 || result.RateWith <= 0 || result.P99Ratio <= 0 {
		t.Errorf("%+v", result)
	}
}

// Every endpoint has its turn before one has its second, at a project of its tenant that is its own.
func TestHostPlaces(t *testing.T) {
	c := HostsConfig{Config: Config{Hosts: 25}, Endpoints: 75, BadShare: 0.2}
	seen, hosts := map[[2]int]int{}, map[int]int{}
	for n := range int64(75) {
		p := c.place(n)
		if p.tenant != p.host/hostsPerTenant || p.project < 0 || p.project >= c.perTenant() {
			t.Errorf("event %d goes to %+v", n, p)
		}
		if host, again := seen[[2]int{p.tenant, p.project}]; again {
			t.Errorf("project %d of tenant %d is that of hosts %d and %d", p.project, p.tenant, host, p.host)
		}
		seen[[2]int{p.tenant, p.project}] = p.host
		if hosts[p.host]++; hosts[p.host] != int(n)/25+1 {
			t.Errorf("event %d is number %d of host %d", n, hosts[p.host], p.host)
		}
	}
	bad := 0
	for host := range 10_000 {
		if (&HostsConfig{BadShare: 0.01}).bad(host) {
			bad++
		}
	}
	if bad != 100 {
		t.Errorf("%d of 10,000 hosts are bad at a share of 0.01", bad)
	}
	for host, want := range map[int]string{0: "127.1.0.0", 255: "127.1.0.255", 256: "127.1.1.0", 1 << 16: "127.2.0.0"} {
		if got := hostAddress(host); got != want {
			t.Errorf("host %d has address %s, want %s", host, got, want)
		}
	}
}

func TestHostsProblems(t *testing.T) {
	for name, c := range map[string]HostsConfig{
		"no multiple": {Config: Config{Hosts: 10}, Endpoints: 15}, "a share": {BadShare: 1}, "a rate": {Rate: -1},
		"too many for a tenant": {Config: Config{Hosts: 10}, Endpoints: 10_000},
	} {
		_, err := Hosts(context.Background(), c)
		var problem *ConfigError
		if !errors.As(err, &problem) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
