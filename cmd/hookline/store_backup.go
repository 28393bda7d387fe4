package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"hookline/engine/store"
)

// backupView is a backup as the server shows it, and as the command does that makes one by itself.
type backupView struct {
	Name    string    `json:"name,omitempty"`
	Path    string    `json:"path"`
	Made    time.Time `json:"made"`
	Files   int       `json:"files"`
	Bytes   int64     `json:"bytes"`
	Seconds float64   `json:"seconds"`
}

func newStoreBackupCommand(io streams) *cobra.Command {
	var name, dir, to string
	c := &cobra.Command{
		Use: "backup", Short: "Make a backup of a running server, or of a data directory",
		Long: `Make a backup of a running server, in the directory that its configuration names for backups (backup_dir); events are taken
in and delivered meanwhile. With --dir and --to, of the data directory of a stopped server. It prints where the backup is, which
is not there before it is whole.`,
		Example: `  hookline store backup
  hookline store backup --name before-the-upgrade
  hookline store backup --dir /var/lib/hookline --to /var/backups/hookline/monday`,
		Args: noArgs,
	}
	r := addRemoteFlags(c, io)
	f := c.Flags()
	f.StringVar(&name, "name", "", "name of the backup (default: the time)")
	f.StringVar(&dir, "dir", "", "data directory of a stopped server")
	f.StringVar(&to, "to", "", "with --dir, the directory to be made")
	c.RunE = func(c *cobra.Command, _ []string) error {
		switch {
		case (dir == "") != (to == ""):
			return errors.New("--dir and --to go together")
		case dir == "":
			return backupRemotely(c, r, name)
		case name != "" || f.Changed("server"):
			return errors.New("--name and --server are for a running server, --dir and --to for a stopped one")
		}
		// Which of them is in the other is known of absolute paths alone.
		for _, path := range []*string{&dir, &to} {
			full, err := filepath.Abs(*path)
			if err != nil {
				return failed(err)
			}
			*path = full
		}
		ctx, stop := untilSignal(c.Context())
		defer stop()
		begin := time.Now()
		b, err := store.BackupOffline(ctx, dir, to, storeOptions(io))
		if err != nil {
			return storeFailed(err)
		}
		return printBackup(r, backupView{Path: to, Made: b.Made, Files: len(b.Files), Bytes: b.Size(), Seconds: time.Since(begin).Seconds()})
	}
	return c
}

func backupRemotely(c *cobra.Command, r *remote, name string) error {
	r.http.Timeout = 0 // a backup to another disk copies everything
	asked := map[string]string{}
	if name != "" {
		asked["name"] = name
	}
	body, err := json.Marshal(asked)
	if err != nil {
		return failed(err)
	}
	var made backupView
	printed, err := r.do(c.Context(), request{method: http.MethodPost, path: path("v1", "backups"), body: body}, &made)
	if printed || err != nil {
		return err
	}
	return printBackup(r, made)
}

func printBackup(r *remote, b backupView) error {
	if !r.json {
		_, err := fmt.Fprintln(r.io.out, b.Path)
		return failed(err)
	}
	text, err := json.Marshal(b)
	if err != nil {
		return failed(err)
	}
	return failed(r.printAnswer(text))
}

func newStoreRestoreCommand(io streams) *cobra.Command {
	var from, to string
	c := &cobra.Command{
		Use: "restore", Short: "Make a data directory of a backup",
		Long: `Make a data directory of a backup, which is copied and stays as it is. The directory must not exist, or be empty and no
mount point, and its parent must be writable; it is there when it is whole. A server that starts on it delivers what was waiting when the backup was made: also what was delivered
since, a second time.`,
		Example: "  hookline store restore --from /var/backups/hookline/monday --to /var/lib/hookline",
		Args:    noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if from == "" || to == "" {
				return errors.New("--from and --to are needed: the backup, and the directory to be made of it")
			}
			to, err := filepath.Abs(to) // what is not whole yet is beside it
			if err != nil {
				return failed(err)
			}
			ctx, stop := untilSignal(c.Context())
			defer stop()
			b, err := store.Restore(ctx, nil, from, to)
			if err != nil {
				return storeFailed(err)
			}
			_, err = fmt.Fprintf(io.out, "%s is as of %s\n", to, b.Made.Format(time.RFC3339))
			return failed(err)
		},
	}
	c.Flags().StringVar(&from, "from", "", "the backup")
	c.Flags().StringVar(&to, "to", "", "the data directory to be made")
	return c
}
