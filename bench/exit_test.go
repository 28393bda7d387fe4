package bench

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"hookline/bench/process"
)

// A server whose log cannot be written ends at once, with an exit code and a message of its own, and what it acknowledged is
// there when the next one starts. The operating system lets no file of it become larger than 1 MiB.
func TestLogFails(t *testing.T) {
	k := newKillRig(t)
	limited := filepath.Join(t.TempDir(), "limited")
	script := fmt.Sprintf("#!/bin/sh\nulimit -f 2048 && exec %s \"$@\"\n", k.binary)
	if err := os.WriteFile(limited, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	server, err := process.Start(limited, k.config)
	if err != nil {
		t.Fatal(err)
	}
	k.server = server
	k.clients.address.Store(&server.API)
	k.subscribe(t)
	k.clients.start(t.Context(), killClients)
	code, err := server.Ended()
	if err != nil || code != 74 {
		t.Fatalf("exit code %d, %v\n%s", code, err, server.Log())
	}
	for _, part := range []string{"the store cannot be written any more", ".log failed: ", "file too large"} {
		if !strings.Contains(server.Log(), part) {
			t.Errorf("the log does not say %q:\n%s", part, server.Log())
		}
	}
	acknowledged := k.clients.accepted.Load()
	k.serve(t)
	k.finish(t)
	a := k.ledger.Account()
	t.Logf("%d events were acknowledged when the log failed, %d in the end; %d lost, %d repeated", acknowledged, k.clients.accepted.Load(), a.Lost, a.Duplicates)
	if a.Lost != 0 || a.Delivered != k.clients.accepted.Load() || a.Strangers != 0 || acknowledged == 0 {
		t.Errorf("%d lost, %d delivered of %d acknowledged, %d requests nobody published", a.Lost, a.Delivered, k.clients.accepted.Load(), a.Strangers)
	}
}

// A second server on a directory ends with a message that says so, and leaves the first alone.
func TestSecondServer(t *testing.T) {
	k := newKillRig(t)
	k.serve(t)
	k.subscribe(t)
	var out bytes.Buffer
	second := exec.Command(k.binary, "serve", "--config", k.config)
	second.Stderr, second.Stdout = &out, &out
	err := second.Run()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 1 {
		t.Errorf("it ended with %v", err)
	}
	if !strings.Contains(out.String(), "the data directory is in use by another process: ") || strings.Count(out.String(), "\n") != 1 {
		t.Errorf("it says:\n%s", &out)
	}
	k.clients.start(t.Context(), 1)
	k.finish(t)
	t.Log(out.String())
}
