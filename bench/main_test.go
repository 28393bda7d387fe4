package bench

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"testing"
)

// childVariable makes the test binary be the measured process of [Scale].
const childVariable = "HOOKLINE_BENCH_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(childVariable) != "" {
		if err := ScaleChild(os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

func testChild(ctx context.Context) (*exec.Cmd, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	command := exec.CommandContext(ctx, self)
	command.Env = append(os.Environ(), childVariable+"=1")
	return command, nil
}
