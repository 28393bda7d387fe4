package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestVersion(t *testing.T) {
	var out, errOut bytes.Buffer
	if code := run([]string{"--version"}, strings.NewReader(""), &out, &errOut); code != exitFine {
		t.Fatalf("exit code %d: %s", code, &errOut)
	}
	if got := out.String(); got != "hookline version "+version()+"\n" || version() == "" {
		t.Errorf("got %q", got)
	}
}

func TestUsageErrors(t *testing.T) {
	for _, args := range [][]string{{"sevre"}, {"--quick"}, {"serve", "--quick"}, {"serve", "now"}} {
		var out, errOut bytes.Buffer
		if code := run(args, strings.NewReader(""), &out, &errOut); code != exitUsage {
			t.Errorf("%v: exit code %d", args, code)
		}
		if out.Len() > 0 || !strings.HasPrefix(errOut.String(), "hookline: ") {
			t.Errorf("%v: out %q, err %q", args, &out, &errOut)
		}
	}
}

func TestHelp(t *testing.T) {
	for _, args := range [][]string{{"--help"}, {"serve", "--help"}, {"demo", "--help"}, {"jql", "--help"}, {"jql", "match", "--help"}, {"bench", "--help"}, {"store", "--help"}, {"store", "backup", "--help"}} {
		var out, errOut bytes.Buffer
		if code := run(args, strings.NewReader(""), &out, &errOut); code != exitFine {
			t.Errorf("%v: exit code %d", args, code)
		}
		if !strings.Contains(out.String(), "Usage:") || errOut.Len() > 0 {
			t.Errorf("%v: out %q, err %q", args, &out, &errOut)
		}
	}
}

// Colours are for terminals alone; a file and a pipe are none.
func TestShowsColours(t *testing.T) {
	file, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if showsColours(file) || showsColours(new(bytes.Buffer)) {
		t.Error("colours in what is no terminal")
	}
	device, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer device.Close()
	t.Setenv("NO_COLOR", "1")
	if showsColours(device) {
		t.Error("colours in spite of NO_COLOR")
	}
}
