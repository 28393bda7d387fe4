// Hookline matches events against standing JQL filters and delivers the matches as webhooks.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	_ "time/tzdata" // tenants name time zones, and not every machine knows them

	"github.com/spf13/cobra"
)

// Exit codes, as documented in the README.
const (
	exitFine   = 0
	exitFailed = 1
	exitUsage  = 2

	// exitUnavailable is EX_UNAVAILABLE of sysexits: the server was not reached, or cannot do it now.
	exitUnavailable = 69

	exitConfig = 78 // EX_CONFIG of sysexits, so that a supervisor can tell a restart is useless
)

// streams are what a command reads and writes, so that tests can stand in for a terminal.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

// showsColours says whether an output is a terminal that shows colours, and the user lets it.
func showsColours(w io.Writer) bool {
	return os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" && isTerminal(w)
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

func main() {
	spareProcessors()
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// run carries out a command line and returns the exit code.
func run(args []string, in io.Reader, out, errOut io.Writer) int {
	io := streams{in: in, out: out, err: errOut}
	root := newRoot(io)
	root.SetArgs(args)
	err := root.Execute()
	if err == nil {
		return exitFine
	}
	fmt.Fprintln(errOut, "hookline:", err)
	var coded *codedError
	if errors.As(err, &coded) {
		return coded.code
	}
	// What cobra itself returns are mistakes in the command line.
	return exitUsage
}

// codedError is an error with the exit code it calls for.
type codedError struct {
	code int
	err  error
}

func (e *codedError) Error() string { return e.err.Error() }
func (e *codedError) Unwrap() error { return e.err }

// failed marks an error as a failure of the command, not of its usage.
func failed(err error) error { return coded(exitFailed, err) }

// misconfigured marks an error as one that only a change of the configuration mends.
func misconfigured(err error) error { return coded(exitConfig, err) }

func coded(code int, err error) error {
	if err == nil {
		return nil
	}
	return &codedError{code: code, err: err}
}

func newRoot(io streams) *cobra.Command {
	root := &cobra.Command{
		Use:           "hookline",
		Short:         "Match events against standing JQL filters and deliver the matches as webhooks, durably",
		Version:       version(),
		SilenceErrors: true,
		SilenceUsage:  true,
		Example: `  hookline demo                          see the main job done, nothing to prepare
  hookline serve --config hookline.yaml  run the server`,
	}
	root.SetIn(io.in)
	root.SetOut(io.out)
	root.SetErr(io.err)
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return fmt.Errorf("%w; see '%s --help'", err, c.CommandPath())
	})
	root.AddCommand(newServeCommand(io), newDemoCommand(io), newReceiveCommand(io), newJQLCommand(io), newBenchCommand(io))
	root.AddCommand(newStatusCommand(io), newTenantsCommand(io), newWebhooksCommand(io), newEventsCommand(io), newDeliveriesCommand(io),
		newDeadCommand(io), newReplayCommand(io), newHostsCommand(io), newIndexCommand(io), newStoreCommand(io))
	return root
}

// version is that of the module when it was installed as one, or the revision it was built from.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			return s.Value
		}
	}
	return "devel"
}
