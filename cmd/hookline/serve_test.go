package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"hookline/engine"
	"hookline/engine/config"
	"hookline/engine/registry"
	"hookline/engine/store"
	"hookline/engine/webhook"
)

// unconfigured removes what the environment of the tests may say to the server.
func unconfigured(t *testing.T) {
	t.Helper()
	for _, pair := range os.Environ() {
		if name, value, _ := strings.Cut(pair, "="); strings.HasPrefix(name, "HOOKLINE_") {
			t.Setenv(name, value) // restores it in the end
			if err := os.Unsetenv(name); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func configFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "hookline.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestServeRefuses(t *testing.T) {
	unconfigured(t)
	for name, test := range map[string]struct {
		args []string
		file string
		want string
	}{
		"public without admin token": {args: []string{"--listen", "0.0.0.0:0"}, want: "without an admin token"},
		"all addresses":              {args: []string{"--listen", ":0"}, want: "without an admin token"},
		"public in the file":         {file: "listen: 0.0.0.0:0\n", want: "without an admin token"},
		"unknown key":                {file: "lisen: 127.0.0.1:0\n", want: "lisen"},
		"unknown key of a tenant":    {file: "tenants:\n  - id: acme\n    tokns: []\n", want: "tokns"},
		"wrong type":                 {file: "host_limit: many\n", want: "line 1"},
		"bad value":                  {file: "host_limit: -1\n", want: "host_limit"},
		"short token":                {file: "tenants:\n  - id: acme\n    tokens: [short]\n", want: "acme"},
		"shared token": {
			file: "tenants:\n  - id: acme\n    apps:\n      - {key: a, tokens: [{token: one token for both}]}\n      - {key: b, tokens: [{token: one token for both}]}\n",
			want: "the apps a and b have the same token",
		},
		"no such file": {args: []string{"--config", "nowhere.yaml"}, want: "nowhere.yaml"},
	} {
		t.Run(name, func(t *testing.T) {
			data := filepath.Join(t.TempDir(), "data")
			args := append([]string{"serve", "--operations", "127.0.0.1:0", "--data", data}, test.args...)
			if test.file != "" {
				args = append(args, "--config", configFile(t, test.file))
			}
			for _, args := range [][]string{args, append(args, "--check")} {
				var out, errOut bytes.Buffer
				if code := run(args, strings.NewReader(""), &out, &errOut); code != exitConfig || out.Len() > 0 {
					t.Errorf("exit code %d, output %q", code, &out)
				}
				if !strings.Contains(errOut.String(), test.want) {
					t.Errorf("the error does not say %q: %s", test.want, &errOut)
				}
			}
			if _, err := os.Stat(data); !os.IsNotExist(err) {
				t.Errorf("the data directory was made (%v)", err)
			}
		})
	}
}

func TestServeCheck(t *testing.T) {
	unconfigured(t)
	data := filepath.Join(t.TempDir(), "data")
	file := configFile(t, "log_level: debug\njira:\n  waits: [1s, 2s]\n")
	var out, errOut bytes.Buffer
	if code := run([]string{"serve", "--check", "--config", file, "--data", data}, strings.NewReader(""), &out, &errOut); code != exitFine {
		t.Fatalf("exit code %d: %s", code, &errOut)
	}
	if _, err := os.Stat(data); !os.IsNotExist(err) {
		t.Errorf("the data directory was made (%v)", err)
	}
}

// What another file would mend is told apart from what a restart may.
func TestApplyFailed(t *testing.T) {
	for want, errs := range map[int][]error{
		exitConfig: {&webhook.InvalidError{}, &registry.HostTakenError{}, &registry.TokenTakenError{}},
		exitFailed: {errors.New("the disk is full"), context.Canceled},
	} {
		for _, err := range errs {
			var coded *codedError
			if !errors.As(applyFailed(fmt.Errorf("config: %w", err)), &coded) || coded.code != want {
				t.Errorf("%T: exit code %d, want %d", err, coded.code, want)
			}
		}
	}
}

// A host that a tenant in the data directory has cannot be given to another by the file.
func TestServeHostTaken(t *testing.T) {
	unconfigured(t)
	conf := config.Default()
	conf.Data = t.TempDir()
	conf.Tenants = []config.Tenant{{ID: "other", Hosts: []string{"taken.example"}}}
	e, err := engine.Open(conf.Engine())
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(conf.Apply(t.Context(), e), e.Close(t.Context())); err != nil {
		t.Fatal(err)
	}
	file := configFile(t, "tenants: [{id: acme, hosts: [taken.example]}]\n")
	var out, errOut bytes.Buffer
	args := []string{"serve", "--listen", "127.0.0.1:0", "--operations", "127.0.0.1:0", "--data", conf.Data, "--config", file}
	if code := run(args, strings.NewReader(""), &out, &errOut); code != exitConfig || !strings.Contains(errOut.String(), "tenant other") {
		t.Errorf("exit code %d: %s", code, &errOut)
	}
}

// A data directory that a newer program has written, in the store's own rows or the queue's, is left alone.
func TestServeRefusesNewerData(t *testing.T) {
	unconfigured(t)
	for key, version := range map[string][]byte{"s/format": {0, 0, 0, 9}, "mf": {0, 0, 0, 0, 0, 0, 0, 9}} {
		dir := t.TempDir()
		s, err := store.Open(dir, store.Options{CacheSize: 1 << 20, Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(s.DB().Set([]byte(key), version, nil), s.Close()); err != nil {
			t.Fatal(err)
		}
		o := hookline("", "serve", "--listen", "127.0.0.1:0", "--operations", "127.0.0.1:0", "--data", dir)
		if o.code != exitConfig || !strings.Contains(o.err, "version 9") || !strings.Contains(o.err, "start the program that wrote it") {
			t.Errorf("%s: exit code %d: %s", key, o.code, o.err)
		}
	}
}

// TestServeStops starts a server as an operator would, and stops it as a supervisor would.
func TestServeStops(t *testing.T) {
	unconfigured(t)
	errOut, code := background("serve", "--listen", "127.0.0.1:0", "--operations", "127.0.0.1:0", "--data", t.TempDir())
	found := regexp.MustCompile(`listen=(\S+) operations=(\S+)`).FindStringSubmatch(errOut.await(t, "msg=serving"))
	if found == nil {
		t.Fatal("the addresses are not in the log")
	}
	for _, url := range []string{"http://" + found[1] + "/v1", "http://" + found[2] + "/readyz"} {
		(&curl{url: url, headers: http.Header{}}).want(t, 200, "")
	}
	if err := syscall.Kill(os.Getpid(), syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if c := <-code; c != exitFine {
		t.Errorf("exit code %d\n%s", c, errOut.await(t, ""))
	}
}
