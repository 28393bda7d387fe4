package main

import (
	"bytes"
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
	for _, args := range [][]string{{"--help"}, {"serve", "--help"}, {"demo", "--help"}, {"bench", "--help"}} {
		var out, errOut bytes.Buffer
		if code := run(args, strings.NewReader(""), &out, &errOut); code != exitFine {
			t.Errorf("%v: exit code %d", args, code)
		}
		if !strings.Contains(out.String(), "Usage:") || errOut.Len() > 0 {
			t.Errorf("%v: out %q, err %q", args, &out, &errOut)
		}
	}
}
