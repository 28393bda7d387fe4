package bench

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestBackupUnderLoad makes a backup while clients publish and nothing is delivered, kills the server, and starts another on what
// is restored: everything that was acknowledged before the backup was asked for arrives.
func TestBackupUnderLoad(t *testing.T) {
	k := newKillRig(t)
	dir := t.TempDir()
	backups := filepath.Join(dir, "backups")
	k.reconfigure(t, "log_format: json\n", "log_format: json\nbackup_dir: "+backups+"\n")
	k.serve(t)
	k.subscribe(t)
	k.command(t, "webhooks", "pause", "1000", "1001")
	k.clients.start(t.Context(), killClients)
	k.awaitAccepted(t, 3000)

	begin := time.Now()
	k.command(t, "store", "backup", "--name", "one")
	end := time.Now()
	k.awaitAccepted(t, k.clients.accepted.Load()+500)
	if err := k.clients.stop(); err != nil {
		t.Fatal(err)
	}
	if err := k.server.Kill(); err != nil {
		t.Fatal(err)
	}
	if a := k.ledger.Account(); a.Delivered != 0 {
		t.Fatalf("%d deliveries of paused webhooks", a.Delivered)
	}
	before := k.acceptedBy(begin)
	t.Logf("backup in %v with %d events waiting; accepts took at most %v meanwhile, %v before and after",
		end.Sub(begin), len(before), k.longestAccept(begin, end, true), k.longestAccept(begin, end, false))

	one, restored := filepath.Join(backups, "one"), filepath.Join(dir, "restored")
	k.command(t, "store", "verify", "--dir", one)
	k.command(t, "store", "restore", "--from", one, "--to", restored)
	k.reconfigure(t, "data: ", "data: "+restored+" # ")
	k.serve(t)
	k.command(t, "webhooks", "resume", "1000", "1001")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for _, event := range before {
		for !k.ledger.complete(event) {
			if wait(ctx, pause); ctx.Err() != nil {
				t.Fatalf("event %d was accepted before the backup and is not delivered after the restore\n%s", event, k.server.Log())
			}
		}
	}
	if err := k.server.Stop(); err != nil {
		t.Errorf("the server did not end well: %v\n%s", err, k.server.Log())
	}
}

// reconfigure changes the file that servers are started with.
func (k *killRig) reconfigure(t *testing.T, old, with string) {
	t.Helper()
	text, err := os.ReadFile(k.config)
	if err != nil || !bytes.Contains(text, []byte(old)) {
		t.Fatalf("%v: %s", err, text)
	}
	if err := os.WriteFile(k.config, bytes.Replace(text, []byte(old), []byte(with), 1), 0o600); err != nil {
		t.Fatal(err)
	}
}

// command runs a command of the binary, as an operator of the server would.
func (k *killRig) command(t *testing.T, args ...string) {
	t.Helper()
	c := exec.CommandContext(t.Context(), k.binary, args...)
	c.Env = append(os.Environ(), "HOOKLINE_SERVER=http://"+k.server.API, "HOOKLINE_TENANT="+killTenant)
	if args[0] == "webhooks" {
		c.Env = append(c.Env, "HOOKLINE_TOKEN="+publishToken)
	}
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("hookline %s: %v\n%s\n%s", strings.Join(args, " "), err, out, k.server.Log())
	}
}

func (k *killRig) awaitAccepted(t *testing.T, n int64) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for k.clients.accepted.Load() < n {
		if wait(ctx, pause); ctx.Err() != nil {
			t.Fatalf("%d of %d events were accepted\n%s", k.clients.accepted.Load(), n, k.server.Log())
		}
	}
}

// acceptedBy returns the events that were acknowledged before a time.
func (k *killRig) acceptedBy(at time.Time) (list []int64) {
	k.ledger.events.each(func(event int64, p *publication) {
		if accepted := p.accepted.Load(); accepted != 0 && accepted < k.ledger.stamp(at) {
			list = append(list, event)
		}
	})
	return list
}

// longestAccept is how long the slowest acknowledgement took that overlapped with a time, or did not.
func (k *killRig) longestAccept(begin, end time.Time, during bool) (longest time.Duration) {
	from, to := k.ledger.stamp(begin), k.ledger.stamp(end)
	k.ledger.events.each(func(_ int64, p *publication) {
		sent, accepted := p.due.Load(), p.accepted.Load()
		if accepted != 0 && (accepted >= from && sent <= to) == during {
			longest = max(longest, time.Duration(accepted-sent))
		}
	})
	return longest
}
