package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"runtime"
	"strings"
	"testing"

	"hookline/bench"
)

// skipMeasurements ends a test that does the same as those of package bench, which are run with the race detector too.
func skipMeasurements(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("measures, as the tests of package bench do, and takes long under the race detector")
	}
}

// runBench runs a bench command line.
func runBench(t *testing.T, args ...string) (code int, out, errOut string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code = run(append([]string{"bench"}, args...), strings.NewReader(""), &stdout, &stderr)
	return code, stdout.String(), stderr.String()
}

// objects reads standard output of a bench command line, which must be objects, one a line, and nothing else.
func objects(t *testing.T, args ...string) []map[string]any {
	t.Helper()
	code, out, errOut := runBench(t, append(args, "--dir", t.TempDir(), "--json")...)
	if code != exitFine {
		t.Fatalf("bench %v: exit %d\n%s", args, code, errOut)
	}
	if errOut == "" {
		t.Errorf("bench %v: no progress on standard error", args)
	}
	var list []map[string]any
	for line := range strings.Lines(out) {
		var result map[string]any
		if err := json.Unmarshal([]byte(line), &result); err != nil {
			t.Fatalf("bench %v: %v in %q", args, err, line)
		}
		list = append(list, result)
	}
	return list
}

func TestBenchPrintsObjects(t *testing.T) {
	skipMeasurements(t)
	for _, c := range []struct {
		args   []string
		kinds  []any
		fields []string
	}{
		{
			[]string{"dispatch", "--for", "200ms", "--fanout", "10", "--inflight", "8", "--publishers", "4", "--hosts", "2", "--webhooks", "2"},
			[]any{"dispatch"},
			[]string{"fanout", "rate", "ceiling_rate", "ratio", "rate_volatile", "cpu_s_per_10k", "p50_ms", "p99_ms", "p999_ms", "lost", "duplicates"},
		},
		{
			[]string{"isolation", "--for", "300ms", "--quick", "--publishers", "4", "--hosts", "2", "--rate", "50", "--kinds", "reset,500"},
			[]any{"reset", "500"},
			[]string{"bad_share", "rate_ratio", "p99_ratio", "p99_ratio_alone", "lost", "rss_mb"},
		},
		{
			[]string{"hosts", "--for", "300ms", "--publishers", "4", "--hosts", "10", "--endpoints", "20", "--rate", "50", "--bad-share", "0.1"},
			[]any{"hosts"},
			[]string{"endpoints", "hosts", "bad_share", "p99_ratio", "lost", "rss_warm_mb", "rss_mb", "rss_growth_mb_per_min", "heap_growth_mb_per_min"},
		},
		{
			[]string{"breaker", "--for", "200ms", "--waiting", "1000", "--publishers", "4", "--fanout", "2", "--max-open", "100ms"},
			[]any{"breaker"},
			[]string{"waiting", "cpu", "written_bytes", "probes", "first_request_s", "drain_s", "drain_rate", "lost", "in_flight"},
		},
		{
			[]string{"restart", "--for", "2s", "--rate", "20", "--down", "100ms", "--delay", "1ms", "--publishers", "4", "--webhooks", "2"},
			[]any{"restart"},
			[]string{"lost", "duplicates", "first_request_s", "full_rate_s", "caught_up_s", "in_flight", "host_limit"},
		},
	} {
		if c.args[0] == "hosts" && runtime.GOOS != "linux" {
			continue
		}
		t.Run(c.args[0], func(t *testing.T) {
			t.Parallel() // they mostly wait
			list := objects(t, c.args...)
			if len(list) != len(c.kinds) {
				t.Fatalf("bench %v: %d objects", c.args, len(list))
			}
			for i, result := range list {
				if result["kind"] != c.kinds[i] {
					t.Errorf("bench %v: object %d is of kind %v", c.args, i, result["kind"])
				}
				for _, name := range c.fields {
					if _, ok := result[name].(float64); !ok {
						t.Errorf("bench %v: %s is missing in %v", c.args, name, result)
					}
				}
			}
		})
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

func TestBenchMatch(t *testing.T) {
	skipMeasurements(t)
	chart := t.TempDir() + "/match.svg"
	for _, c := range []struct {
		args, fields []string
	}{
		{[]string{"--plot", chart}, []string{"ns_per_event", "matches_per_event", "naive_over_index", "index_over_floor", "bytes_per_filter", "build_us_per_filter"}},
		{[]string{"--updates"}, []string{"visible_p50_us", "visible_p99_us", "visible_max_us", "before_ns", "during_ns", "after_ns", "during_over_before"}},
		{[]string{"--body", "9KiB"}, []string{"p50_us", "p99_us", "matches"}},
	} {
		args := append([]string{"match", "--filters", "100,400", "--events", "20", "--for", "100ms", "--json"}, c.args...)
		code, out, errOut := runBench(t, args...)
		if code != exitFine {
			t.Fatalf("%v: exit %d\n%s", c.args, code, errOut)
		}
		if strings.Count(out, "\n") != 2 {
			t.Errorf("%v: standard output has not two objects:\n%s", c.args, out)
		}
		for line := range strings.Lines(out) {
			var result map[string]any
			if err := json.Unmarshal([]byte(line), &result); err != nil {
				t.Fatal(err)
			}
			for _, name := range c.fields {
				// While so few filters are built, tests beside this one may let go of more memory than that.
				if figure, ok := result[name].(float64); !ok || figure <= 0 && name != "bytes_per_filter" {
					t.Errorf("%s is missing in %s", name, line)
				}
			}
			if wrong, ok := result["mismatches"].(float64); !ok || wrong != 0 {
				t.Errorf("mismatches: %s", line)
			}
		}
	}
	if svg, err := os.ReadFile(chart); err != nil || !bytes.HasPrefix(svg, []byte("<svg ")) {
		t.Errorf("the chart is %.40q, %v", svg, err)
	}
}

func TestBenchCrash(t *testing.T) {
	skipMeasurements(t)
	code, out, errOut := runBench(t, "crash", "--rounds", "2", "--mutants", "accept without sync", "--json")
	if code != exitFine {
		t.Fatalf("exit %d\n%s", code, errOut)
	}
	var result map[string]any
	if strings.Count(out, "\n") != 1 || json.Unmarshal([]byte(out), &result) != nil {
		t.Fatalf("standard output has more or less than one object:\n%s", out)
	}
	for _, name := range []string{"rounds", "acknowledged", "lost", "missing_payload", "resurrected", "duplicates", "mutants_caught", "mutants"} {
		if _, ok := result[name].(float64); !ok {
			t.Errorf("%s is missing in %s", name, out)
		}
	}
}

func TestBenchPrintsATable(t *testing.T) {
	skipMeasurements(t)
	code, out, errOut := runBench(t, "isolation", "--for", "300ms", "--quick", "--kinds", "refused", "--publishers", "4", "--hosts", "2", "--rate", "50", "--dir", t.TempDir())
	if code != exitFine {
		t.Fatalf("exit %d\n%s", code, errOut)
	}
	for _, name := range []string{"rate ratio", "p99 ratio", "lost", "bad in flight"} {
		if !strings.Contains(out, name) {
			t.Errorf("%s is missing in\n%s", name, out)
		}
	}
}

func TestBenchUsage(t *testing.T) {
	for _, args := range [][]string{
		{}, {"nothing"}, {"dispatch", "more"}, {"dispatch", "--unknown"}, {"dispatch", "--body", "10"}, {"dispatch", "--fanout", "-1"},
		{"e2e", "--inflight", "1"}, {"isolation", "--hosts", "1"}, {"isolation", "--kinds", "sleepy"}, {"isolation", "--shares", "1"},
		{"hosts", "--hosts", "10", "--endpoints", "15"}, {"breaker", "--waiting", "1"}, {"restart", "--rate", "-1"},
		{"scale", "--webhooks", "10", "--tenants", "3"},
		{"queue", "--case", "sleepy"}, {"queue", "--waiting", "1"},
		{"match", "--filters", "-1"}, {"match", "--updates", "--update-rate", "-1"}, {"match", "--updates", "--body", "x"},
		{"parse", "--filters", "-1"}, {"crash", "--rounds", "-1"}, {"crash", "--mutants", "none"},
	} {
		if code, out, errOut := runBench(t, args...); code != exitUsage || out != "" || errOut == "" {
			t.Errorf("bench %v: exit %d, output %q, errors %q", args, code, out, errOut)
		}
	}
}

func TestBenchFails(t *testing.T) {
	code, _, errOut := runBench(t, "dispatch", "--cpuprofile", t.TempDir()+"/missing/profile")
	if code != exitFailed || errOut == "" {
		t.Errorf("exit %d, errors %q", code, errOut)
	}
}

// A result that shows a defect is printed like any other, and is a failure.
func TestBenchVerdict(t *testing.T) {
	for want, results := range map[string][]any{
		"": {bench.DispatchResult{}, bench.IsolationResult{}, bench.HostsResult{}, bench.ScaleResult{}},
		"2 deliveries were accepted": {
			bench.DispatchResult{Lost: 2}, bench.IsolationResult{Lost: 2}, bench.HostsResult{Lost: 2}, bench.BreakerResult{Lost: 2}, bench.RestartResult{Lost: 2},
			bench.QueueResult{Lost: 2},
		},
		"5 answers":           {bench.MatchResult{Mismatches: 5}, bench.MatchUpdatesResult{Mismatches: 5}, bench.MatchBodyResult{Mismatches: 5}},
		"3 tenants":           {bench.ScaleResult{Mismatches: 3}},
		"4 promises":          {bench.CrashResult{Lost: 1, MissingPayload: 1, Resurrected: 1, Broken: 1}},
		"1 of 2 mutants were": {bench.CrashResult{Mutants: 2, MutantsCaught: 1}},
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

// A result has the figures of its case in the table, as in JSON, and not those of others.
func TestBenchPrintsParts(t *testing.T) {
	var out bytes.Buffer
	result := bench.QueueResult{Case: "drain", QueueDrain: &bench.QueueDrain{LastOverFirst: 0.97}}
	if err := report(streams{out: &out}, false, result); err != nil {
		t.Fatal(err)
	}
	if table := out.String(); !strings.Contains(table, "last over first") || !strings.Contains(table, "0.97") {
		t.Errorf("the drain's figures are missing in\n%s", table)
	}
	for _, name := range []string{"many rate", "peak mb", "first delivery"} {
		if strings.Contains(out.String(), name) {
			t.Errorf("%s is in the table of a drain of one endpoint:\n%s", name, &out)
		}
	}
}
