package server

import (
	"errors"
	"path/filepath"
	"regexp"
	"time"

	"github.com/valyala/fasthttp"

	"hookline/engine"
	"hookline/engine/flavor"
)

// storeView is what the store takes, in bytes but for what says otherwise.
type storeView struct {
	Size           uint64      `json:"size"`
	WAL            uint64      `json:"wal"`
	Memtables      uint64      `json:"memtables"`
	Cache          uint64      `json:"cache"`
	CompactionDebt uint64      `json:"compactionDebt"`
	Kinds          []kindView  `json:"kinds"`
	Levels         []levelView `json:"levels"`

	PayloadFiles     int64 `json:"payloadFiles"` // how many
	PayloadFileBytes int64 `json:"payloadFileBytes"`
}

type kindView struct {
	Kind   string `json:"kind"`
	Tables uint64 `json:"tables"`
}

type levelView struct {
	Level  int    `json:"level"`
	Tables int64  `json:"tables"`
	Bytes  uint64 `json:"bytes"`
}

func (s *Server) getStore(ctx *fasthttp.RequestCtx) {
	st, err := s.options.Engine.Storage()
	if err != nil {
		refuse(ctx, err)
		return
	}
	v := storeView{
		Size: st.Size, WAL: st.WAL, Memtables: st.Memtables, Cache: st.Cache, CompactionDebt: st.CompactionDebt,
		Kinds: []kindView{}, Levels: []levelView{}, PayloadFiles: st.PayloadFiles, PayloadFileBytes: st.PayloadFileBytes,
	}
	for _, t := range st.Tables {
		v.Kinds = append(v.Kinds, kindView{t.Kind.Name, t.Bytes})
	}
	for _, l := range st.Levels {
		v.Levels = append(v.Levels, levelView(l))
	}
	answer(ctx, 200, v)
}

// backupView is a backup that was made.
type backupView struct {
	Name    string    `json:"name"`
	Path    string    `json:"path"`
	Made    time.Time `json:"made"`
	Files   int       `json:"files"`
	Bytes   int64     `json:"bytes"`
	Seconds float64   `json:"seconds"`
}

// backupName are the names that a backup may be given: nothing in them leads elsewhere.
var backupName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$`)

// createBackup makes a backup in the directory that the operator has chosen. Whoever asks chooses no more than its name.
func (s *Server) createBackup(ctx *fasthttp.RequestCtx) {
	var body struct {
		Name *string `json:"name"`
	}
	if !decode(ctx, &body) {
		return
	}
	begin := time.Now()
	name := begin.UTC().Format("20060102T150405Z")
	if body.Name != nil {
		name = *body.Name
	}
	switch {
	case !backupName.MatchString(name):
		problem(ctx, 400, "invalid", "name is %q; use up to 100 letters, digits, hyphens and underscores.", name)
		return
	case s.options.BackupDir == "":
		problem(ctx, 409, "no_backup_dir", "The server's configuration names no directory for backups; set backup_dir.")
		return
	}
	path := filepath.Join(s.options.BackupDir, name)
	b, err := s.options.Engine.Backup(s.work, path)
	switch {
	case errors.Is(err, engine.ErrBackupExists):
		problem(ctx, 409, "exists", "There is a backup %q already; choose another name.", name)
	case errors.Is(err, engine.ErrBackupBusy):
		problem(ctx, 409, "busy", "A backup is being made already.")
	case flavor.Stopped(err):
		refuse(ctx, err)
	case err != nil:
		ctx.SetUserValue(flavor.ErrorKey, err)
		problem(ctx, 500, "no_backup", "No backup was made: %v.", err)
	default:
		answer(ctx, 201, backupView{
			Name: name, Path: path, Made: b.Made, Files: len(b.Files), Bytes: b.Size(), Seconds: time.Since(begin).Seconds(),
		})
	}
}
