package engine

import (
	"context"

	"hookline/engine/store"
)

// Backup describes a backup of a data directory.
type Backup = store.Backup

// Errors of Backup that the one who asked can act on.
var (
	ErrBackupExists = store.ErrExists // there is something where the backup is to be
	ErrBackupBusy   = store.ErrBusy   // another backup is being made
)

// Backup makes a backup in a directory that must not exist, while the engine goes on. It holds everything that was accepted and
// not settled when the call began, and the registrations. The directory is there when the backup is whole and durable, and not
// before. store.Restore, or `hookline store restore`, makes a data directory of it; what was delivered since is
// delivered again then.
//
// On the file system of the data directory it takes as long as a copy of the log, which is of some hundred megabytes at most,
// and no more room than that until what it shares with the data directory is deleted there. On another one everything is
// copied. Options.FS has to reach both. It holds all bodies and secrets, so it should be as hard to get at as the data directory.
//
// Errors: [ErrBackupExists], [ErrBackupBusy], registry.ErrClosed, that of ctx, or one of the disk.
func (e *Engine) Backup(ctx context.Context, dir string) (*Backup, error) {
	if err := e.flush(ctx); err != nil {
		return nil, err
	}
	b, err := e.store.Backup(ctx, dir, e.queue.HoldFiles)
	return b, closed(err)
}

// RemoveUnfinished removes from a directory what is left of backups that were being made when a process ended. No process may
// make one there during the call.
func (e *Engine) RemoveUnfinished(dir string) error { return e.store.RemoveUnfinished(dir) }

// Storage is what the store takes on the disk and in memory.
type Storage struct {
	store.Stats
	Tables []store.Tables      // by kind of row
	Levels []store.LevelReport // of the database, those with tables

	// PayloadFiles are the payloads in files of their own, which are not in Size, and PayloadFileBytes what they have. Shortly
	// after Open they are still being counted.
	PayloadFiles, PayloadFileBytes int64
}

// Storage returns what the store takes. It reads the indexes of some tables: it is for people and metrics, not for hot paths.
// Errors: store.ErrClosed, or one of the database.
func (e *Engine) Storage() (Storage, error) {
	tables, err := e.store.Tables()
	q := e.queue.Stats()
	return Storage{
		Stats: e.store.Stats(), Tables: tables, Levels: e.store.Levels(), PayloadFiles: q.Files, PayloadFileBytes: q.FileBytes,
	}, err
}
