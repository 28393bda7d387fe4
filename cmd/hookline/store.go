package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"hookline/engine/store"
)

func newStoreCommand(io streams) *cobra.Command {
	return newGroup("store", "Back up, restore, verify and measure the data directory",
		`Back up, restore, verify and measure the data directory. A running server is backed up and measured through its API, the
data directory of a stopped one by --dir. The exit code is 78 where a newer version has written it.`,
		newStoreBackupCommand(io), newStoreRestoreCommand(io), newStoreVerifyCommand(io), newStoreStatsCommand(io))
}

// storeOptions are for a command that opens a data directory.
func storeOptions(io streams) store.Options {
	return store.Options{CacheSize: 64 << 20, Logger: slog.New(slog.NewTextHandler(io.err, &slog.HandlerOptions{Level: slog.LevelWarn}))}
}

// storeFailed gives an error of a data directory its exit code.
func storeFailed(err error) error {
	switch {
	case errors.Is(err, store.ErrFormat):
		return misconfigured(err)
	case errors.Is(err, store.ErrInUse):
		return failed(fmt.Errorf("%w; while its server runs, leave out --dir for backup and stats, and verify a backup of it", err))
	}
	return failed(err)
}

func newStoreVerifyCommand(io streams) *cobra.Command {
	var dir string
	var asJSON bool
	c := &cobra.Command{
		Use: "verify", Short: "Check a backup, or the data directory of a stopped server",
		Long: `Check a backup, or the data directory of a stopped server, without changing it: the checksums of all files, that all
rows can be read, and that no delivery, dead letter or fan-out lacks its payload. It says what there is and what is wrong; the
exit code is 1 if anything is.`,
		Example: "  hookline store verify --dir /var/backups/hookline/20260301T100000Z",
		Args:    noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if dir == "" {
				return errors.New("--dir is missing; name a backup or a data directory")
			}
			ctx, stop := untilSignal(c.Context())
			defer stop()
			report, err := store.Verify(ctx, dir, storeOptions(io))
			if err != nil {
				return storeFailed(err)
			}
			return printReport(io, report, asJSON, "nothing is wrong")
		},
	}
	c.Flags().StringVar(&dir, "dir", "", "the backup or data directory")
	c.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	return c
}

func newStoreStatsCommand(io streams) *cobra.Command {
	var dir string
	c := &cobra.Command{
		Use: "stats", Short: "Say how much there is of everything, and what it takes",
		Long: `Say what the store of a server takes on the disk, by kind and by level. With --dir, of a backup or the data directory of
a stopped server: that reads everything, and says how many there are of each kind and of what times.`,
		Example: `  hookline store stats
  hookline store stats --dir /var/lib/hookline`,
		Args: noArgs,
	}
	r := addRemoteFlags(c, io)
	c.Flags().StringVar(&dir, "dir", "", "a backup, or the data directory of a stopped server")
	c.RunE = func(c *cobra.Command, _ []string) error {
		if dir == "" {
			return printStorage(c, r)
		}
		if c.Flags().Changed("server") {
			return errors.New("--server and --dir exclude each other")
		}
		ctx, stop := untilSignal(c.Context())
		defer stop()
		report, err := store.Inspect(ctx, dir, storeOptions(io))
		if err != nil {
			return storeFailed(err)
		}
		return printReport(io, report, r.json, "")
	}
	return c
}

// storageView is what a server says of its store.
type storageView struct {
	Size, WAL, Memtables, Cache, CompactionDebt uint64
	PayloadFiles, PayloadFileBytes              uint64
	Kinds                                       []struct {
		Kind   string
		Tables uint64
	}
	Levels []store.LevelReport
}

func printStorage(c *cobra.Command, r *remote) error {
	var v storageView
	printed, err := r.do(c.Context(), request{method: http.MethodGet, path: path("v1", "store")}, &v)
	if printed || err != nil {
		return err
	}
	table := tabwriter.NewWriter(r.io.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "KIND\tBYTES IN TABLES")
	for _, k := range v.Kinds {
		writeRow(table, []any{spaced(k.Kind), k.Tables})
	}
	printLevels(table, v.Levels)
	fmt.Fprintf(table, "\ndatabase on disk\t%d\nlog\t%d\nto be compacted\t%d\nmemtables\t%d\ncache\t%d\n", v.Size, v.WAL, v.CompactionDebt, v.Memtables, v.Cache)
	fmt.Fprintf(table, "payload files\t%d\nbytes in payload files\t%d\n", v.PayloadFiles, v.PayloadFileBytes)
	return failed(table.Flush())
}

// printReport prints what was found. The error says that there are problems.
func printReport(io streams, report *store.Report, asJSON bool, fine string) error {
	show := printReportText
	if asJSON {
		show = printReportJSON
	}
	if err := show(io, report); err != nil {
		return failed(err)
	}
	if n := len(report.Problems); n > 0 {
		return failed(fmt.Errorf("problems: %d; restore a backup that has none to have back what is damaged", n))
	}
	if fine != "" && !asJSON {
		fmt.Fprintln(io.out, fine)
	}
	return nil
}

func printReportJSON(io streams, report *store.Report) error {
	text, err := json.Marshal(report)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(io.out, "%s\n", escaped(text))
	return err
}

func printReportText(io streams, report *store.Report) error {
	table := tabwriter.NewWriter(io.out, 0, 0, 2, ' ', 0)
	if b := report.Backup; b != nil {
		fmt.Fprintf(table, "backup of\t%s\t%d files\t%d bytes\n\n", cellText(b.Made), len(b.Files), b.Size())
	}
	fmt.Fprintln(table, "KIND\tROWS\tBYTES\tBYTES IN TABLES\tOLDEST\tNEWEST")
	for _, k := range report.Kinds {
		writeRow(table, []any{spaced(k.Kind), k.Keys, k.Bytes, k.Tables, k.Oldest, k.Newest})
	}
	printLevels(table, report.Levels)
	fmt.Fprintf(table, "\ndatabase on disk\t%d\npayload files\t%d\nbytes in payload files\t%d\nlayout of the store\t%d\nlayout of the queue\t%d\n", report.Size, report.PayloadFiles, report.PayloadFileBytes, report.Store, report.Queue)
	if len(report.Problems) > 0 {
		fmt.Fprintln(table)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	for _, p := range report.Problems {
		fmt.Fprintln(io.out, cellText(p))
	}
	return nil
}

func printLevels(table *tabwriter.Writer, levels []store.LevelReport) {
	if len(levels) == 0 {
		return
	}
	fmt.Fprintln(table, "\nLEVEL\tTABLES\tBYTES")
	for _, l := range levels {
		writeRow(table, []any{l.Level, l.Tables, l.Bytes})
	}
}

func spaced(name string) string { return strings.ReplaceAll(name, "_", " ") }
