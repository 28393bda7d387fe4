package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hookline/engine/config"
	"hookline/engine/store"
)

// stored reads what a command prints with --json.
func stored[T any](t *testing.T, code int, args ...string) (v T) {
	t.Helper()
	o := hookline("", append(args, "--json")...)
	if o.code != code {
		t.Fatalf("%v: exit code %d: %s%s", args, o.code, o.out, o.err)
	}
	if err := json.Unmarshal([]byte(o.out), &v); err != nil || strings.Count(o.out, "\n") != 1 {
		t.Fatalf("%v: %v: %s", args, err, o.out)
	}
	return v
}

// TestStoreCommands backs a server up that has something waiting, restores the backup, and looks at both.
func TestStoreCommands(t *testing.T) {
	dir := t.TempDir()
	backups, restored := filepath.Join(dir, "backups"), filepath.Join(dir, "restored")
	s := newSite(t, func(c *config.Config) { c.BackupDir = backups })
	s.run(`{}`, "tenants put acme")

	if got, want := s.run("", "store backup --name one"), filepath.Join(backups, "one")+"\n"; got != want {
		t.Errorf("it says %q, not %q", got, want)
	}
	one := filepath.Join(backups, "one")
	if o := hookline("", "store", "backup", "--name", "one"); o.code != exitFailed || !strings.Contains(o.err, "already") {
		t.Errorf("the same again: exit code %d: %s", o.code, o.err)
	}
	if o := hookline("", "store", "backup", "--name", "../one"); o.code != exitFailed {
		t.Errorf("elsewhere: exit code %d: %s", o.code, o.err)
	}
	if b := stored[backupView](t, exitFine, "store", "backup"); b.Name == "" || b.Files == 0 || b.Path != filepath.Join(backups, b.Name) {
		t.Errorf("%+v", b)
	}
	if got := s.run("", "store stats"); !strings.Contains(got, "dead letters") || !strings.Contains(got, "to be compacted") {
		t.Errorf("stats of the server:\n%s", got)
	}

	if got := s.run("", "store verify --dir "+one); !strings.HasSuffix(got, "nothing is wrong\n") || !strings.Contains(got, "backup of") || !strings.Contains(got, "KIND") {
		t.Errorf("verify:\n%s", got)
	}
	s.run("", "store restore --from "+one+" --to "+restored)
	report := stored[store.Report](t, exitFine, "store", "stats", "--dir", restored)
	tenants := int64(0)
	for _, k := range report.Kinds {
		if k.Kind == "tenants" {
			tenants = k.Keys
		}
	}
	if tenants != 1 || report.Backup != nil {
		t.Errorf("stats of what was restored: %+v", report)
	}
	if o := hookline("", "store", "restore", "--from", one, "--to", restored); o.code != exitFailed || !strings.Contains(o.err, "not empty") {
		t.Errorf("over another: exit code %d: %s", o.code, o.err)
	}

	again := filepath.Join(dir, "again")
	if b := stored[backupView](t, exitFine, "store", "backup", "--dir", restored, "--to", again); b.Path != again {
		t.Errorf("%+v", b)
	}
	if err := os.Remove(filepath.Join(again, "data", "marker.format-version.000001."+formatMarker(t, again))); err != nil {
		t.Fatal(err)
	}
	if r := stored[store.Report](t, exitFailed, "store", "verify", "--dir", again); len(r.Problems) == 0 {
		t.Error("a file is missing and nothing is wrong")
	}
	if o := hookline("", "store", "verify", "--dir", again); o.code != exitFailed || !strings.Contains(o.out, "is missing") || !strings.Contains(o.err, "problems") {
		t.Errorf("exit code %d: %s%s", o.code, o.out, o.err)
	}
}

// formatMarker is the end of the name of the file that has the database's format.
func formatMarker(t *testing.T, backup string) string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(backup, "data", "marker.format-version.*"))
	if err != nil || len(names) != 1 {
		t.Fatal(names, err)
	}
	return names[0][strings.LastIndexByte(names[0], '.')+1:]
}

func TestStoreUsage(t *testing.T) {
	unconfigured(t)
	for args, want := range map[string]string{
		"store":                                 "needs the name of a command",
		"store backup --dir x":                  "go together",
		"store backup --to x":                   "go together",
		"store backup --dir x --to y --name z":  "for a running server",
		"store restore --from x":                "--from and --to",
		"store verify":                          "--dir is missing",
		"store stats --dir x --server http://h": "exclude",
	} {
		if o := hookline("", strings.Fields(args)...); o.code != exitUsage || !strings.Contains(o.err, want) {
			t.Errorf("%s: exit code %d: %s", args, o.code, o.err)
		}
	}
	empty := t.TempDir()
	for _, args := range []string{"store verify --dir ", "store stats --dir ", "store restore --to x --from ", "store backup --to x --dir "} {
		if o := hookline("", strings.Fields(args+empty)...); o.code != exitFailed {
			t.Errorf("%s of nothing: exit code %d: %s", args, o.code, o.err)
		}
	}
}
