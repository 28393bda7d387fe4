package bench

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// TestFullDisk fills the disk of a server under load, to the point where nothing more can be written, and makes room again:
// what was acknowledged arrives, deliveries go on as long as their outcomes can be written, and accepts are refused with 503
// and never left waiting. Then it kills the server on the full disk.
func TestFullDisk(t *testing.T) {
	k := newKillRig(t)
	dir := smallDisk(t)
	k.config = onDisk(t, k.config, filepath.Join(dir, "data"))
	k.serve(t)
	k.subscribe(t)
	k.clients.start(t.Context(), killClients)
	f := &filler{path: filepath.Join(dir, "filler")}
	defer f.empty(t)

	k.await(t, "load", func() bool { return k.clients.accepted.Load() > 500 })
	f.fill(t, 16<<20)
	k.awaitMetric(t, "hookline_store_read_only", 1)
	k.refuses(t)
	k.delivers(t, "while the disk is low")

	stop := f.keepFull(t)
	k.await(t, "a write that finds the disk full", func() bool {
		_, err := os.Stat(filepath.Join(dir, "data", "ballast"))
		return k.metric(t, "hookline_store_disk_full_total") > 0 && errors.Is(err, os.ErrNotExist)
	})
	k.refuses(t)
	stop()
	accepted := k.clients.accepted.Load()
	f.empty(t)
	k.awaitMetric(t, "hookline_store_read_only", 0)
	k.await(t, "accepts", func() bool { return k.clients.accepted.Load() > accepted+500 })
	k.await(t, "the ballast", func() bool {
		_, err := os.Stat(filepath.Join(dir, "data", "ballast"))
		return err == nil
	})

	full := k.metric(t, "hookline_store_disk_full_total")
	stop = f.keepFull(t)
	k.await(t, "a full disk", func() bool { return k.metric(t, "hookline_store_disk_full_total") > full })
	if err := k.server.Kill(); err != nil {
		t.Fatal(err)
	}
	stop()
	f.empty(t)
	k.serve(t)
	k.finish(t)
	a := k.ledger.Account()
	t.Logf("%d events acknowledged (%d of them already known), %d delivered, %d lost, %d repeated",
		k.clients.accepted.Load(), k.clients.repeated.Load(), a.Delivered, a.Lost, a.Duplicates)
	if a.Lost != 0 || a.Delivered != k.clients.accepted.Load() || a.Strangers != 0 {
		t.Errorf("%d lost, %d delivered of %d acknowledged, %d requests nobody published", a.Lost, a.Delivered, k.clients.accepted.Load(), a.Strangers)
	}
}

// smallDisk is a disk of 64 MiB, for as long as the test lasts.
func smallDisk(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=64m"); err != nil {
		why := "a disk that can be filled has to be mounted, which takes the rights of root: " + err.Error()
		if os.Getenv("CI") == "true" {
			t.Fatal(why)
		}
		t.Skip(why)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// onDisk is a configuration with the data on a small disk. Deliveries are slower than accepts, so that some always wait.
func onDisk(t *testing.T, config, data string) string {
	t.Helper()
	text, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	changed := regexp.MustCompile(`(?m)^data: .*$`).ReplaceAllLiteralString(string(text), "data: "+data)
	disk := "host_limit: 2\ndisk: {read_only_below: 25165824, scarce_below: 4194304, ballast: 2097152}"
	changed = regexp.MustCompile(`(?m)^disk: .*$`).ReplaceAllLiteralString(changed, disk)
	path := filepath.Join(t.TempDir(), "hookline.yaml")
	if err := os.WriteFile(path, []byte(changed), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func (k *killRig) await(t *testing.T, what string, there func() bool) {
	t.Helper()
	began := time.Now()
	defer func() { t.Logf("%s after %v", what, time.Since(began).Round(time.Millisecond)) }()
	for end := began.Add(time.Minute); !there(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s did not come\n%s", what, k.server.Log())
		}
	}
}

func (k *killRig) metric(t *testing.T, name string) float64 {
	t.Helper()
	value, err := k.server.Metric(name)
	if err != nil {
		t.Fatalf("%v\n%s", err, k.server.Log())
	}
	return value
}

func (k *killRig) awaitMetric(t *testing.T, name string, want float64) {
	t.Helper()
	k.await(t, name, func() bool { return k.metric(t, name) == want })
}

// refuses fails the test unless an event and a registration are refused at once, with a time to come back, and the server
// says that it is not ready.
func (k *killRig) refuses(t *testing.T) {
	t.Helper()
	client := &http.Client{Timeout: 30 * time.Second}
	ask := func(method, address, path, token, body string) {
		t.Helper()
		req, err := http.NewRequest(method, "http://"+address+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+token)
		req.Header.Set("Content-Type", "application/json")
		resp, err := client.Do(req)
		if err != nil {
			t.Fatalf("%s %s: %v\n%s", method, path, err, k.server.Log())
		}
		defer resp.Body.Close()
		answer, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode != http.StatusServiceUnavailable || token != "" && resp.Header.Get("Retry-After") != "30" {
			t.Errorf("%s %s is answered %d %s, Retry-After %q (%v)", method, path, resp.StatusCode, answer, resp.Header.Get("Retry-After"), err)
		}
	}
	ask("POST", k.server.API, "/t/"+killTenant+"/v1/events", publishToken, string(k.clients.workload.Body(nil, 1)))
	ask("POST", k.server.API, "/t/"+killTenant+"/rest/api/3/webhook", appToken+"0",
		`{"url":"`+k.receivers[0].URL(hookPath)+`","webhooks":[{"jqlFilter":"project = OTHER","events":["jira:issue_updated"]}]}`)
	ask("GET", k.server.Operations, "/readyz", "", "")
}

// delivers fails the test unless something is delivered that was accepted before, while nothing is accepted.
func (k *killRig) delivers(t *testing.T, when string) {
	t.Helper()
	accepted, delivered := k.clients.accepted.Load(), k.ledger.Account().Delivered
	if delivered == accepted {
		t.Fatal("nothing waits")
	}
	k.await(t, "a delivery "+when, func() bool { return k.ledger.Account().Delivered >= min(delivered+100, accepted) })
	if n := k.clients.accepted.Load(); n != accepted {
		t.Errorf("%d events were accepted %s", n-accepted, when)
	}
}

// filler is a file that takes room.
type filler struct {
	path string
	mu   sync.Mutex
}

// fill takes room until no more than so many bytes are free.
func (f *filler) fill(t *testing.T, leave uint64) {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	file, err := os.OpenFile(f.path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		if !errors.Is(err, syscall.ENOSPC) {
			t.Error(err)
		}
		return
	}
	defer file.Close()
	for block := make([]byte, 4096); ; {
		var disk syscall.Statfs_t
		if err := syscall.Statfs(f.path, &disk); err != nil {
			t.Error(err)
			return
		}
		if disk.Bavail*uint64(disk.Bsize) <= leave {
			return
		}
		if _, err := file.Write(block); err != nil {
			if !errors.Is(err, syscall.ENOSPC) {
				t.Error(err)
			}
			return
		}
	}
}

// keepFull takes all room there is until it is stopped, also what somebody else frees.
func (f *filler) keepFull(t *testing.T) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var ended sync.WaitGroup
	ended.Go(func() {
		for ctx.Err() == nil {
			f.fill(t, 0)
			wait(ctx, time.Millisecond)
		}
	})
	return func() {
		cancel()
		ended.Wait()
	}
}

func (f *filler) empty(t *testing.T) {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := os.Remove(f.path); err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}
