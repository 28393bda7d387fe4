package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"hookline/jql"
)

// output is what a command wrote and how it ended.
type output struct {
	code     int
	out, err string
}

// hookline runs a command line on an input.
func hookline(in string, args ...string) output {
	var out, errOut bytes.Buffer
	code := run(args, strings.NewReader(in), &out, &errOut)
	return output{code, out.String(), errOut.String()}
}

// wants compares the whole output of a command, and its error output by a part of it.
func (o output) wants(t *testing.T, code int, out, errPart string) {
	t.Helper()
	if o.code != code || o.out != out || !strings.Contains(o.err, errPart) || (errPart == "") != (o.err == "") {
		t.Errorf("exit code %d, output\n%s\nerror output\n%s\nwant %d,\n%s\nand %q", o.code, o.out, o.err, code, out, errPart)
	}
}

const fixtures = "testdata/jql/"

func TestJQLCheck(t *testing.T) {
	const filters = "project = EX\n\nproject =\r\nstatus > Done AND universe = 1\nproject = ex"
	hookline(filters, "jql", "check", "--json").wants(t, exitFailed, `{"jql":"project = EX","ok":true,"canonical":"project IN (\"ex\")","identity":"0e8aec79022f877ec1fb33c859b9b1aa"}
{"jql":"","ok":true,"canonical":"ALWAYS","identity":"5b07e351d08024834b99afd4bedaea16"}
{"jql":"project =","ok":false,"errors":[{"message":"Error in the JQL Query: Expecting either a value, list or function before the end of the query.","line":1,"column":10,"offset":9}]}
{"jql":"status > Done AND universe = 1","ok":false,"errors":[{"message":"The operator '>' is not supported by the 'status' field.","line":1,"column":1,"offset":0},{"message":"Field 'universe' does not exist or you do not have permission to view it.","line":1,"column":19,"offset":18}]}
{"jql":"project = ex","ok":true,"canonical":"project IN (\"ex\")","identity":"0e8aec79022f877ec1fb33c859b9b1aa"}
`, "2 of 5 filters are refused")
	hookline(filters, "jql", "check").wants(t, exitFailed, `1: ok: project IN ("ex")
2: ok: ALWAYS
3:10: refused: Error in the JQL Query: Expecting either a value, list or function before the end of the query.
4:1: refused: The operator '>' is not supported by the 'status' field.
4:19: refused: Field 'universe' does not exist or you do not have permission to view it.
5: ok: project IN ("ex")
`, "2 of 5 filters are refused")
	hookline("project = EX\n\nlabels = a\n", "jql", "check", "--dialect", "dynamic").wants(t, exitFailed, `1: ok: project IN ("ex")
2:1: refused: The JQL query is empty; a query is required.
3:1: refused: The clause labels is unsupported
`, "2 of 3 filters are refused")
	hookline("", "jql", "check").wants(t, exitFine, "", "")
	hookline("event = comment_created", "jql", "check", "--dialect", "extended", "--site", fixtures+"site.json").
		wants(t, exitFine, "1: ok: event IN (\"comment_created\")\n", "")
	hookline("event = comment_created", "jql", "check").
		wants(t, exitFailed, "1:1: refused: Field 'event' does not exist or you do not have permission to view it.\n", "1 of 1")
}

func TestJQLCheckJSONLines(t *testing.T) {
	hookline("\"project = EX\\nAND status = Done\"\n\"\"\n", "jql", "check", "--json-lines").
		wants(t, exitFine, "1: ok: (project IN (\"ex\") AND status IN (\"done\"))\n2: ok: ALWAYS\n", "")
	for _, line := range []string{"project = EX", "", "12", `"a" "b"`} {
		hookline("\"\"\n"+line+"\n\"\"\n", "jql", "check", "--json-lines").wants(t, exitFailed, "1: ok: ALWAYS\n", "line 2: it is not a JSON string")
	}
}

func TestJQLCheckSite(t *testing.T) {
	const filter = `"Story points" > 3 AND priority >= medium`
	hookline(filter, "jql", "check", "--site", fixtures+"site.json").
		wants(t, exitFine, "1: ok: (customfield_10016 > \"n\"+\"a13\" AND priority IN (\"high\", \"medium\"))\n", "")
	hookline(filter, "jql", "check").wants(t, exitFailed, `1:1: refused: Field 'Story points' does not exist or you do not have permission to view it.
1:24: refused: The operator '>=' is not supported by the 'priority' field.
`, "1 of 1 filters are refused")
}

// A filter is answered as soon as it was read, so that a program can ask one by one.
func TestJQLCheckAnswersAtOnce(t *testing.T) {
	in, ask := io.Pipe()
	answers, out := io.Pipe()
	ended := make(chan int, 1)
	go func() {
		ended <- run([]string{"jql", "check"}, in, out, io.Discard)
	}()
	lines := bufio.NewReader(answers)
	for n := range 3 {
		if _, err := io.WriteString(ask, "project = EX\n"); err != nil {
			t.Fatal(err)
		}
		if line, err := lines.ReadString('\n'); err != nil || line != fmt.Sprintf("%d: ok: project IN (\"ex\")\n", n+1) {
			t.Fatalf("%q, %v", line, err)
		}
	}
	if err := ask.Close(); err != nil {
		t.Fatal(err)
	}
	if code := <-ended; code != exitFine {
		t.Errorf("exit code %d", code)
	}
}

func TestJQLMatch(t *testing.T) {
	const updated = `{"event":"testdata/jql/updated.json","matched":[9,10,11,15,"b","tension"]}` + "\n"
	const merged = `{"event":"testdata/jql/merged.json","matched":[13,"b"]}` + "\n"
	for _, mode := range []string{"--plain=false", "--plain"} {
		match := func(events ...string) output {
			args := []string{"jql", "match", "--json", mode, "--filters", fixtures + "filters.jsonl", "--now", "2026-09-14T12:00:00Z"}
			return hookline("", append(args, events...)...)
		}
		match(fixtures+"updated.json", fixtures+"comment.json", fixtures+"merged.json").wants(t, exitFine,
			updated+`{"event":"testdata/jql/comment.json","matched":[12,14,"b"]}`+"\n"+merged, "")
		// One that cannot be read does not keep the others from being answered.
		o := match(fixtures+"updated.json", fixtures+"untyped.json", "nowhere.json", fixtures+"merged.json")
		o.wants(t, exitFailed, updated+merged, fixtures+"untyped.json: event: no event type")
		if !strings.Contains(o.err, "nowhere.json") {
			t.Errorf("the missing file is not named: %s", o.err)
		}
	}
}

// For people, from standard input, and 16 days later, when filter 15 does not hold any more.
func TestJQLMatchText(t *testing.T) {
	body, err := os.ReadFile(fixtures + "updated.json")
	if err != nil {
		t.Fatal(err)
	}
	hookline(string(body), "jql", "match", "--filters", fixtures+"filters.jsonl", "--now", "2026-09-30T12:00:00Z", "-", fixtures+"merged.json").
		wants(t, exitFine, "-: 9, 10, 11, b, tension\ntestdata/jql/merged.json: 13, b\n", "")
	none := filepath.Join(t.TempDir(), "none.jsonl")
	if err := os.WriteFile(none, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	hookline("", "jql", "match", "--filters", none, fixtures+"merged.json").wants(t, exitFine, "testdata/jql/merged.json: no filter\n", "")
	hookline("", "jql", "match", "--filters", none, "--json", fixtures+"merged.json").
		wants(t, exitFine, `{"event":"testdata/jql/merged.json","matched":[]}`+"\n", "")
}

func TestJQLMatchRefusesFilters(t *testing.T) {
	o := hookline("", "jql", "match", "--filters", fixtures+"bad.jsonl", fixtures+"updated.json")
	o.wants(t, exitFailed, "", "bad.jsonl:2: Error in the JQL Query: Expecting either a value")
	for _, part := range []string{
		"bad.jsonl:3: the id 1 is that of line 1 already", "bad.jsonl:4: id is missing", "bad.jsonl:5: jql is missing",
		`bad.jsonl:6: json: unknown field "event"`, "bad.jsonl:7: id is neither", "bad.jsonl:8: events is empty",
		"bad.jsonl:9: Field 'universe' does not exist", "bad.jsonl:10: the JSON is incomplete",
	} {
		if !strings.Contains(o.err, part) {
			t.Errorf("%q is not named in\n%s", part, o.err)
		}
	}
}

func explain(filter string, more ...string) output {
	return hookline("", append([]string{"jql", "explain", "--filter", filter, fixtures + "updated.json"}, more...)...)
}

func TestJQLExplain(t *testing.T) {
	for _, tt := range []struct {
		filter  string
		flags   []string
		verdict string   // the first word or words
		parts   []string // of what follows
	}{
		{`project = LOOM AND NOT status = Done`, nil, "matches", []string{"In Review", "$.issue.fields.status.name"}},
		{`project = LOOM AND status = Done`, nil, "does not match", []string{"In Review", "$.issue.fields.status.name"}},
		{`status CHANGED FROM "In Progress"`, nil, "matches", []string{"$.changelog.items[0].fromString"}},
		{`"Story points" >= 5 AND assignee = "inês duarte"`, []string{"--site", fixtures + "site.json"}, "matches", []string{"5.0", "$.issue.fields.customfield_10016"}},
		{`created > startOfDay(-3)`, []string{"--now", "2026-09-14T12:00:00+02:00"}, "matches", []string{"2026-09-11"}},
		{`created > startOfDay(-2)`, []string{"--now", "2026-09-14T12:00:00+02:00"}, "does not match", []string{"2026-09-12"}},
		{``, nil, "matches", nil},
		{`event = "jira:issue_updated"`, nil, "matches", []string{"$.webhookEvent"}},
	} {
		o := explain(tt.filter, tt.flags...)
		if o.code != exitFine || o.err != "" || !strings.HasPrefix(o.out, tt.verdict) || strings.HasSuffix(o.out, "\n\n") {
			t.Errorf("%s: %+v", tt.filter, o)
		}
		for _, part := range tt.parts {
			if !strings.Contains(o.out, part) {
				t.Errorf("%s: %q is not in\n%s", tt.filter, part, o.out)
			}
		}
		if strings.Contains(o.out, "\x1b") {
			t.Errorf("%s: colours in what is no terminal: %q", tt.filter, o.out)
		}
	}
}

func TestJQLExplainJSON(t *testing.T) {
	o := explain(`project = LOOM AND status = Done`, "--json")
	var e struct {
		Matches     *bool
		Canonical   string
		Explanation jql.Explanation
	}
	if err := json.Unmarshal([]byte(o.out), &e); err != nil || o.code != exitFine || o.err != "" {
		t.Fatalf("%v in %+v", err, o)
	}
	parts := e.Explanation.Parts
	if e.Matches == nil || *e.Matches || e.Canonical != `(project IN ("loom") AND status IN ("done"))` || e.Explanation.Holds ||
		e.Explanation.Join != "AND" || len(parts) != 2 || !parts[0].Holds || parts[1].Holds || parts[1].Found[0].Path != "$.issue.fields.status.name" {
		t.Errorf("%+v", e)
	}
}

func TestJQLExplainRefuses(t *testing.T) {
	explain(`project`).wants(t, exitFailed, "", "Expecting operator before the end of the query")
	explain(`universe = 1`).wants(t, exitFailed, "", "Field 'universe' does not exist")
	hookline(`{"issue":{}}`, "jql", "explain", "--filter", "", "-").wants(t, exitFailed, "", "-: event: no event type")
	hookline("", "jql", "explain", "--filter", "", "nowhere.json").wants(t, exitFailed, "", "nowhere.json")
}

func TestJQLFields(t *testing.T) {
	hookline("", "jql", "fields", "--site", fixtures+"site.json").wants(t, exitFine, golden(t, "fields.txt"), "")
	o := hookline("", "jql", "fields", "--json")
	for _, row := range []string{
		`{"name":"status","aliases":[],"type":"named","operators":["=","!=","IN","NOT IN","IS","IS NOT","CHANGED"],"paths":["$.issue.fields.status"],"dynamic":true,"full":true,"extended":true}`,
		`{"name":"priority","aliases":[],"type":"named","operators":["=","!=","IN","NOT IN","IS","IS NOT","CHANGED"],"paths":["$.issue.fields.priority"],"dynamic":true,"full":true,"extended":true}`,
		`{"name":"actor","aliases":[],"type":"user","operators":["=","!=","IN","NOT IN","IS","IS NOT"],"paths":["$.user"],"dynamic":false,"full":false,"extended":true}`,
	} {
		if !slices.Contains(strings.Split(o.out, "\n"), row) {
			t.Errorf("there is no line\n%s\nin\n%s", row, o.out)
		}
	}
	if o.code != exitFine || o.err != "" {
		t.Errorf("exit code %d, %s", o.code, o.err)
	}
}

// golden is the text of a fixture.
func golden(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(fixtures + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestJQLUsage(t *testing.T) {
	for _, args := range [][]string{
		{}, {"check", "--dialect", "klingon"}, {"check", "a file"}, {"match", "event.json"}, {"match", "--filters", "f"},
		{"explain", "event.json"}, {"explain", "--filter", ""}, {"explain", "--filter", "", "a", "b"},
		{"explain", "--filter", "", "--now", "today", "event.json"}, {"fields", "status"},
	} {
		o := hookline("", append([]string{"jql"}, args...)...)
		if o.code != exitUsage || o.out != "" || !strings.Contains(o.err, "--help") && !strings.Contains(o.err, "RFC 3339") {
			t.Errorf("%v: %+v", args, o)
		}
	}
}

func TestJQLSiteFile(t *testing.T) {
	for text, part := range map[string]string{
		`{"timeZone":"Mars/Olympus"}`: `timeZone "Mars/Olympus"`,
		`{"timezones":[]}`:            `unknown field "timezones"`,
		`{`:                           "the JSON is incomplete",
		`{} {}`:                       "there is more after",
	} {
		file := filepath.Join(t.TempDir(), "site.json")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, command := range []string{"check", "fields"} {
			o := hookline("project = EX", "jql", command, "--site", file)
			o.wants(t, exitFailed, "", part)
			if !strings.Contains(o.err, file) {
				t.Errorf("the file is not named: %s", o.err)
			}
		}
	}
	hookline("", "jql", "check", "--site", "nowhere.json").wants(t, exitFailed, "", "nowhere.json")
}
