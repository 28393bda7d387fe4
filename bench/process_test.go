package bench

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// buildHookline builds the command and returns its path.
func buildHookline(t *testing.T) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "hookline")
	command := exec.Command("go", "build", "-o", binary, "hookline/cmd/hookline")
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("building the command: %v\n%s", err, out)
	}
	return binary
}

// serverProcess is a running `hookline serve`. Its listeners are on ports that the operating system
// chose; it says in its log which.
type serverProcess struct {
	command         *exec.Cmd
	log             serverLog
	api, operations string // host:port
	exited          chan struct{}
	state           error // of the exit, once exited is closed
}

// startTimeout bounds the wait for a server to be ready.
const startTimeout = 20 * time.Second

func startServer(binary, config string) (*serverProcess, error) {
	p := &serverProcess{command: exec.Command(binary, "serve", "--config", config), exited: make(chan struct{})}
	p.log.listening = make(chan [2]string, 1)
	p.command.Stderr, p.command.Stdout = &p.log, &p.log
	if err := p.command.Start(); err != nil {
		return nil, err
	}
	go func() {
		p.state = p.command.Wait()
		close(p.exited)
	}()
	select {
	case addresses := <-p.log.listening:
		p.api, p.operations = addresses[0], addresses[1]
	case <-p.exited:
		return nil, fmt.Errorf("the server ended at its start: %v\n%s", p.state, p.log.String())
	case <-time.After(startTimeout):
		return nil, errors.Join(fmt.Errorf("the server did not say where it listens\n%s", p.log.String()), p.kill())
	}
	if err := p.ready(); err != nil {
		return nil, errors.Join(err, p.kill())
	}
	return p, nil
}

// ready waits until the server says that it is.
func (p *serverProcess) ready() error {
	status := 0
	for deadline := time.Now().Add(startTimeout); time.Now().Before(deadline); time.Sleep(2 * time.Millisecond) {
		resp, err := http.Get("http://" + p.operations + "/readyz")
		if err != nil {
			continue
		}
		_ = resp.Body.Close()
		if status = resp.StatusCode; status == http.StatusOK {
			return nil
		}
	}
	return fmt.Errorf("the server is not ready; /readyz says %d\n%s", status, p.log.String())
}

// kill ends the process as power loss would end it, and waits until it is gone.
func (p *serverProcess) kill() error {
	err := p.command.Process.Kill()
	<-p.exited
	return err
}

// stop asks the process to end and returns how it did.
func (p *serverProcess) stop() error {
	if err := p.command.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	select {
	case <-p.exited:
		return p.state
	case <-time.After(startTimeout):
		return errors.Join(errors.New("the server did not stop"), p.kill())
	}
}

// metric adds up all series of a metric.
func (p *serverProcess) metric(name string) (float64, error) {
	resp, err := http.Get("http://" + p.operations + "/metrics")
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

// serverLog keeps what a server writes, and finds in it where the server listens.
type serverLog struct {
	mu        sync.Mutex
	text      bytes.Buffer
	parsed    int
	listening chan [2]string
}

func (l *serverLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text.Write(p)
	for {
		line, _, complete := bytes.Cut(l.text.Bytes()[l.parsed:], []byte{'\n'})
		if !complete {
			return len(p), nil
		}
		l.parsed += len(line) + 1
		var entry struct{ Msg, Listen, Operations string }
		if json.Unmarshal(line, &entry) == nil && entry.Msg == "serving" {
			l.listening <- [2]string{entry.Listen, entry.Operations}
		}
	}
}

func (l *serverLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
