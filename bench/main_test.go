package bench

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"testing"

	"hookline/bench/process"
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
	os.Exit(run(m))
}

// scratch is removed when the tests have ended.
var scratch string

func run(m *testing.M) (code int) {
	var err error
	if scratch, err = os.MkdirTemp("", "hookline-bench-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() {
		if err := os.RemoveAll(scratch); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = max(code, 1)
		}
	}()
	return m.Run()
}

// command returns the path of the command, which is built once for all tests.
var command = sync.OnceValues(func() (string, error) { return process.Build(scratch) })

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
