package jira_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"hookline/engine/flavor/jira"
)

// exchange is one request with its answer in a file of testdata: a line with method and path below the tenant, the
// body, a line with the status, and the answer's body. White space in bodies does not matter, and <server> and
// <date> stand for what differs from run to run.
type exchange struct {
	method, path, body string
	status             int
	answer             string
}

// statusLine separates request from answer: no line of a JSON body is a number alone.
var statusLine = regexp.MustCompile(`(?m)^\d{3}$`)

func readConversation(t *testing.T, path string) []exchange {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var list []exchange
	for part := range strings.SplitSeq(string(text), "\n\n") {
		if strings.HasPrefix(part, "#") {
			continue
		}
		at := statusLine.FindStringIndex(part)
		if at == nil {
			t.Fatalf("%s: no status in %q", path, part)
		}
		line, body, _ := strings.Cut(part[:at[0]], "\n")
		method, target, _ := strings.Cut(line, " ")
		status, _ := strconv.Atoi(part[at[0]:at[1]])
		list = append(list, exchange{method, target, body, status, compact(t, part[at[1]:])})
	}
	return list
}

func compact(t *testing.T, text string) string {
	t.Helper()
	var out bytes.Buffer
	if strings.TrimSpace(text) == "" {
		return ""
	}
	if err := json.Compact(&out, []byte(text)); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return out.String()
}

var dates = regexp.MustCompile(`"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+0000"`)

// TestConversations plays the files of testdata, each in a house of its own.
func TestConversations(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no conversations: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			h := newHouse(t, jira.DynamicOptions{})
			for _, x := range readConversation(t, file) {
				a := h.do(x.method, "/t/acme"+x.path, tokenCI, x.body)
				got := strings.ReplaceAll(dates.ReplaceAllString(a.body, `"<date>"`), "http://"+h.server.Address(), "<server>")
				if a.status != x.status || got != x.answer {
					t.Errorf("%s %s: the answer is %d %s\nwant %d %s", x.method, x.path, a.status, got, x.status, x.answer)
				}
			}
		})
	}
}
