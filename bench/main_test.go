package bench

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"testing"
)

// childVariable makes the test binary be a measured process, of the kind that it names.
const childVariable = "HOOKLINE_BENCH_CHILD"

var children = map[string]func(io.Reader, io.Writer) error{"scale": ScaleChild, "queue": QueueChild}

func TestMain(m *testing.M) {
	if child := children[os.Getenv(childVariable)]; child != nil {
		if err := child(os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

func testChild(kind string) func(context.Context) (*exec.Cmd, error) {
	return func(ctx context.Context) (*exec.Cmd, error) {
		self, err := os.Executable()
		if err != nil {
			return nil, err
		}
		command := exec.CommandContext(ctx, self)
		command.Env = append(os.Environ(), childVariable+"="+kind)
		return command, nil
	}
}
