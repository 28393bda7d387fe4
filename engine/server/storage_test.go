package server_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hookline/engine/server"
)

// Backups are made where the operator said, and nowhere else.
func TestBackups(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "backups")
	h := newHouse(t, func(o *server.Options) { o.BackupDir = dir })
	var made struct {
		Name, Path   string
		Made         time.Time
		Files, Bytes int
		Seconds      float64
	}
	h.Decode(h.admin("POST", "/v1/backups", `{"name":"one"}`), 201, &made)
	if made.Name != "one" || made.Path != filepath.Join(dir, "one") || made.Files == 0 || made.Bytes == 0 || made.Made.IsZero() {
		t.Errorf("%+v", made)
	}
	h.wantProblem(h.admin("POST", "/v1/backups", `{"name":"one"}`), 409, "exists", `"one"`)
	h.Decode(h.admin("POST", "/v1/backups", `{}`), 201, &made)
	if len(made.Name) != len("20060102T150405Z") || !strings.HasSuffix(made.Name, "Z") {
		t.Errorf("without a name it is called %q", made.Name)
	}
	for _, name := range []string{"", ".", "..", "../x", "/x", `a\b`, "a/b", "a.partial", "-x", " ", "a b", "a\x00", strings.Repeat("x", 101), "ä"} {
		body, err := json.Marshal(map[string]string{"name": name})
		if err != nil {
			t.Fatal(err)
		}
		h.wantProblem(h.admin("POST", "/v1/backups", string(body)), 400, "invalid", "letters, digits")
	}
	h.wantProblem(h.admin("POST", "/v1/backups", `{"path":"/"}`), 400, "invalid_json", `"path"`)
	for _, token := range []string{"", tokenAcme, tokenCI} {
		h.wantProblem(h.Send(request{Method: "POST", Path: "/v1/backups", Token: token, Body: `{"name":"two"}`}), 401, "unauthorized", "admin token")
		h.wantProblem(h.Send(request{Method: "GET", Path: "/v1/store", Token: token}), 401, "unauthorized", "admin token")
	}
}

// Who asks for a backup that cannot be made is told why, as only the operator can do something about it.
func TestBackupThatCannotBeMade(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	h := newHouse(t, func(o *server.Options) { o.BackupDir = filepath.Join(file, "backups") })
	h.wantProblem(h.admin("POST", "/v1/backups", `{"name":"one"}`), 500, "no_backup", "not a directory")
}

// What a process left that was killed during a backup is gone when the next has started.
func TestUnfinishedBackupsAreRemoved(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "20260301T100000Z.partial", "data"), 0o750); err != nil {
		t.Fatal(err)
	}
	newHouse(t, func(o *server.Options) { o.BackupDir = dir })
	if names, err := os.ReadDir(dir); err != nil || len(names) > 0 {
		t.Errorf("%v, %v", names, err)
	}
}

func TestBackupsNeedADirectory(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.wantProblem(h.admin("POST", "/v1/backups", `{"name":"one"}`), 409, "no_backup_dir", "backup_dir")
}

func TestStore(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	var got struct {
		Size, WAL, Memtables, Cache, CompactionDebt int

		Kinds []struct {
			Kind   string
			Tables int
		}
		Levels []struct{ Level, Tables, Bytes int }

		PayloadFiles, PayloadFileBytes int
	}
	h.Decode(h.admin("GET", "/v1/store", ""), 200, &got)
	kinds := map[string]bool{}
	for _, k := range got.Kinds {
		kinds[k.Kind] = true
	}
	if got.WAL == 0 || got.Size < got.WAL || !kinds["payloads"] || !kinds["webhooks"] {
		t.Errorf("%+v", got)
	}
}
