package clients

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"hookline/bench/process"
)

//go:embed *.json *.cjs *.mjs
var scripts embed.FS

// scratch is removed when the tests have ended.
var scratch string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) (code int) {
	var err error
	if scratch, err = os.MkdirTemp("", "hookline-clients-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() {
		if err := errors.Join(stopServer(), os.RemoveAll(scratch)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = max(code, 1)
		}
	}()
	return m.Run()
}

// installTimeout bounds the download of the packages.
const installTimeout = 5 * time.Minute

// install installs the packages once for all tests, and returns the folder with them and the scripts.
var install = sync.OnceValues(func() (string, error) {
	dir := filepath.Join(scratch, "node")
	if err := os.CopyFS(dir, scripts); err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(context.Background(), installTimeout)
	defer cancel()
	npm := exec.CommandContext(ctx, "npm", "ci", "--omit=optional", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline")
	npm.Dir = dir
	if out, err := npm.CombinedOutput(); err != nil {
		return "", fmt.Errorf("npm ci: %w\n%s", err, out)
	}
	return dir, nil
})

// installed returns the folder of the scripts, for tests that can be run here.
func installed(t *testing.T) string {
	t.Helper()
	for _, program := range []string{"node", "npm"} {
		if _, err := exec.LookPath(program); err != nil {
			unavailable(t, fmt.Sprintf("%s is missing; the clients need node 18 or newer, and npm", program))
		}
	}
	dir, err := install()
	if err != nil {
		unavailable(t, err.Error())
	}
	return dir
}

// unavailable ends a test on a machine that lacks what it needs: programs, or a way to the registry.
func unavailable(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(what)
	}
	t.Skip(what)
}

// settings are the defaults but for what a test cannot wait for, or not have: the minutes between attempts, and https
// receivers.
const settings = `listen: 127.0.0.1:0
operations: 127.0.0.1:0
data: %s
admin_token: %s
allow_http: true
egress: {allow: [127.0.0.0/8]}
log_format: json
disk: {ballast: 0}
jira:
  waits: [10ms, 10ms, 10ms, 10ms, 10ms]
`

const adminToken = "administrator-of-the-installation"

var running *process.Server

// server returns the server of all tests; each has tenants of its own there.
var server = sync.OnceValues(func() (*process.Server, error) {
	binary, err := process.Build(scratch)
	if err != nil {
		return nil, err
	}
	config := filepath.Join(scratch, "hookline.yaml")
	text := fmt.Sprintf(settings, filepath.Join(scratch, "data"), adminToken)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		return nil, err
	}
	running, err = process.Start(binary, config)
	return running, err
})

func stopServer() error {
	if running == nil {
		return nil
	}
	return running.Stop()
}
