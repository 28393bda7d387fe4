// Package process runs the command as a process of its own, for tests that need one: to kill it, or to stand before it
// as a client does.
package process

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// Build builds the command into a directory and returns its path. The error has the compiler's output.
func Build(dir string) (string, error) {
	binary := filepath.Join(dir, "hookline")
	command := exec.Command("go", "build", "-o", binary, "hookline/cmd/hookline")
	if out, err := command.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building the command: %w\n%s", err, out)
	}
	return binary, nil
}

// Server is a running `hookline serve`.
type Server struct {
	// API and Operations are the host:port of its listeners.
	API, Operations string

	command *exec.Cmd
	log     log
	exited  chan struct{}
	state   error // of the exit, once exited is closed
}

// timeout bounds the waits for a server to be ready and to stop.
const timeout = time.Minute

// Start starts a server and returns when it is ready. Its configuration has `log_format: json`, and may have port 0 for
// its listeners: the server says in its log where it listens.
func Start(binary, config string) (*Server, error) {
	s := &Server{command: exec.Command(binary, "serve", "--config", config), exited: make(chan struct{})}
	s.log.listening = make(chan [2]string, 1)
	s.command.Stderr, s.command.Stdout = &s.log, &s.log
	if err := s.command.Start(); err != nil {
		return nil, err
	}
	go func() {
		s.state = s.command.Wait()
		close(s.exited)
	}()
	select {
	case addresses := <-s.log.listening:
		s.API, s.Operations = addresses[0], addresses[1]
	case <-s.exited:
		return nil, fmt.Errorf("the server ended at its start: %v\n%s", s.state, s.Log())
	case <-time.After(timeout):
		return nil, errors.Join(fmt.Errorf("the server did not say where it listens\n%s", s.Log()), s.Kill())
	}
	if err := s.ready(); err != nil {
		return nil, errors.Join(err, s.Kill())
	}
	return s, nil
}

// ready waits until the server says that it is.
func (s *Server) ready() error {
	status := 0
	for deadline := time.Now().Add(timeout); time.Now().Before(deadline); time.Sleep(2 * time.Millisecond) {
		resp, err := http.Get("http://" + s.Operations + "/readyz")
		if err != nil {
			continue
		}
		_ = resp.Body.Close()
		if status = resp.StatusCode; status == http.StatusOK {
			return nil
		}
	}
	return fmt.Errorf("the server is not ready; /readyz says %d\n%s", status, s.Log())
}

// Kill ends the process as power loss would end it, and waits until it is gone.
func (s *Server) Kill() error {
	err := s.command.Process.Kill()
	<-s.exited
	return err
}

// Stop asks the process to end and returns how it did.
func (s *Server) Stop() error {
	if err := s.command.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	select {
	case <-s.exited:
		return s.state
	case <-time.After(timeout):
		return errors.Join(errors.New("the server did not stop"), s.Kill())
	}
}

// Ended waits until the process has ended by itself, and returns its exit code.
func (s *Server) Ended() (int, error) {
	select {
	case <-s.exited:
		return s.command.ProcessState.ExitCode(), nil
	case <-time.After(timeout):
		return 0, errors.New("the server did not end")
	}
}

// Log returns what the process wrote so far.
func (s *Server) Log() string { return s.log.String() }

// Metric adds up all series of a metric.
func (s *Server) Metric(name string) (float64, error) {
	resp, err := http.Get("http://" + s.Operations + "/metrics")
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, err
	}
	sum, found := 0.0, false
	for line := range strings.Lines(string(text)) {
		series, rest, ok := strings.Cut(strings.TrimSpace(line), " ")
		if series, _, _ = strings.Cut(series, "{"); !ok || series != name {
			continue
		}
		var value float64
		if _, err := fmt.Sscan(rest, &value); err != nil {
			return 0, fmt.Errorf("metric %s: %w", line, err)
		}
		sum, found = sum+value, true
	}
	if !found {
		return 0, fmt.Errorf("the server has no metric %s", name)
	}
	return sum, nil
}
