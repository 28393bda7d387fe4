package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"hookline/bench"
)

// runBench runs a bench command line.
func runBench(t *testing.T, args ...string) (code int, out, errOut string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code = run(append([]string{"bench"}, args...), strings.NewReader(""), &stdout, &stderr)
	return code, stdout.String(), stderr.String()
}

func TestBenchPrintsOneObject(t *testing.T) {
	code, out, errOut := runBench(t, "e2e", "--for", "200ms", "--publishers", "4", "--hosts", "1", "--dir", t.TempDir(), "--json")
	if code != exitFine {
		t.Fatalf("exit %d\n%s", code, errOut)
	}
	var result map[string]any
	if strings.Count(out, "\n") != 1 || json.Unmarshal([]byte(out), &result) != nil {
		t.Fatalf("standard output has more or less than one object:\n%s", out)
	}
	for _, name := range []string{"rate", "ceiling_rate", "ratio", "p50_ms", "p99_ms", "lost", "duplicates"} {
		if _, ok := result[name].(float64); !ok {
			t.Errorf("%s is missing in %s", name, out)
		}
	}
	if !strings.Contains(errOut, "slice") {
		t.Errorf("no progress on standard error: %q", errOut)
	}
}

func TestBenchParse(t *testing.T) {
	code, out, errOut := runBench(t, "parse", "--filters", "20", "--for", "1ms", "--json")
	if code != exitFine {
		t.Fatalf("exit %d\n%s", code, errOut)
	}
	var result map[string]any
	if strings.Count(out, "\n") != 1 || json.Unmarshal([]byte(out), &result) != nil {
		t.Fatalf("standard output has more or less than one object:\n%s", out)
	}
	for _, name := range []string{"ns_per_filter", "textbook_over_ours", "allocs_per_filter"} {
		if figure, _ := result[name].(float64); figure <= 0 {
			t.Errorf("%s is missing in %s", name, out)
		}
	}
}

func TestBenchPrintsATable(t *testing.T) {
	code, out, errOut := runBench(t, "isolation", "--for", "300ms", "--publishers", "4", "--hosts", "2", "--rate", "50", "--dir", t.TempDir())
	if code != exitFine {
		t.Fatalf("exit %d\n%s", code, errOut)
	}
	for _, name := range []string{"rate ratio", "p99 ratio", "lost", "silent in flight"} {
		if !strings.Contains(out, name) {
			t.Errorf("%s is missing in\n%s", name, out)
		}
	}
}

func TestBenchUsage(t *testing.T) {
	for _, args := range [][]string{
		{}, {"nothing"}, {"e2e", "more"}, {"e2e", "--unknown"}, {"e2e", "--body", "10"}, {"isolation", "--hosts", "1"},
		{"scale", "--webhooks", "10", "--tenants", "3"},
		{"parse", "--filters", "-1"},
	} {
		if code, out, errOut := runBench(t, args...); code != exitUsage || out != "" || errOut == "" {
			t.Errorf("bench %v: exit %d, output %q, errors %q", args, code, out, errOut)
		}
	}
}

func TestBenchFails(t *testing.T) {
	code, _, errOut := runBench(t, "e2e", "--cpuprofile", t.TempDir()+"/missing/profile")
	if code != exitFailed || errOut == "" {
		t.Errorf("exit %d, errors %q", code, errOut)
	}
}

// A result that shows a defect is printed like any other, and is a failure.
func TestBenchVerdict(t *testing.T) {
	for want, results := range map[string][]any{
		"":                           {bench.Result{}, bench.IsolationResult{}, bench.ScaleResult{}},
		"2 deliveries were accepted": {bench.Result{Lost: 2}, bench.IsolationResult{Lost: 2}},
		"3 tenants":                  {bench.ScaleResult{Mismatches: 3}},
	} {
		for _, result := range results {
			var out bytes.Buffer
			err := report(streams{out: &out}, true, result)
			var coded *codedError
			switch {
			case want == "" && err != nil:
				t.Errorf("%T: %v", result, err)
			case want != "" && (!errors.As(err, &coded) || coded.code != exitFailed || !strings.Contains(err.Error(), want)):
				t.Errorf("%T: %v; want %q", result, err, want)
			}
			if !json.Valid(out.Bytes()) {
				t.Errorf("%T is printed as %q", result, &out)
			}
		}
	}
}
