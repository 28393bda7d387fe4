package main

import (
	"bufio"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// asCommand makes the test binary be hookline, so that a test can have it as a process.
const asCommand = "HOOKLINE_TEST_AS_COMMAND"

func TestMain(m *testing.M) {
	if os.Getenv(asCommand) != "" {
		main()
	}
	os.Exit(m.Run())
}

// TestSecondSignal ends a receiver that waits for a request: the first signal lets it wait, the second ends it.
func TestSecondSignal(t *testing.T) {
	command := exec.CommandContext(t.Context(), os.Args[0], "receive", "--listen", "127.0.0.1:0")
	command.Env = append(os.Environ(), asCommand+"=1")
	log, err := command.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(log).ReadString('\n')
	address, found := strings.CutPrefix(strings.TrimSpace(line), "listening on http://")
	if !found {
		t.Fatalf("the command says %q (%v)", line, err)
	}
	defer beginRequest(t, address).Close()
	ended := make(chan error, 1)
	go func() { ended <- command.Wait() }()
	ticks := time.NewTicker(10 * time.Millisecond)
	defer ticks.Stop()
	for signals := 0; ; signals++ {
		select {
		case err := <-ended:
			status, _ := command.ProcessState.Sys().(syscall.WaitStatus)
			if signals < 2 || !status.Signaled() {
				t.Errorf("after %d signals the process ended with %v", signals, err)
			}
			return
		case <-ticks.C:
			_ = command.Process.Signal(syscall.SIGINT) // it may have ended meanwhile
		}
	}
}

// beginRequest sends a part of a request, and returns when it is being read.
func beginRequest(t *testing.T, address string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	// Go's server asks for the body when the handler reads it.
	if _, err := io.WriteString(conn, "POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 10\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(conn).ReadString('\n'); err != nil || !strings.Contains(line, "100 Continue") {
		t.Fatalf("the answer is %q (%v)", line, err)
	}
	return conn
}
