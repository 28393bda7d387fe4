package flavortest

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// Exchange is one request of a conversation and the answer that it gets, without the white space of its JSON.
type Exchange struct {
	Method, Path string // below the tenant
	By           string // whose credentials it has, in words of the test; may be empty
	Body         string
	Status       int
	Answer       string
}

// statusLine separates request from answer: no line of a JSON body is a number alone.
var statusLine = regexp.MustCompile(`(?m)^\d{3}$`)

// Conversations runs a test for each file of a pattern, such as testdata/*.txt. Such a file has an exchange in every paragraph: a line of
// method, path and perhaps whose credentials it has, the body, a line with the status, and the answer's body.
// Paragraphs that begin with # are comments.
func Conversations(t *testing.T, pattern string, play func(t *testing.T, file string, exchanges []Exchange)) {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("no conversations: %v", err)
	}
	for _, file := range files {
		name := filepath.Base(file)
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			play(t, name, readConversation(t, file))
		})
	}
}

func readConversation(t *testing.T, path string) []Exchange {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var list []Exchange
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
		target, by, _ := strings.Cut(target, " ")
		status, _ := strconv.Atoi(part[at[0]:at[1]]) // three digits
		list = append(list, Exchange{method, target, by, body, status, compact(t, part[at[1]:])})
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

// WantAnswer fails the test unless the answer is that of the exchange, with the server's address in it as <server>
// and what volatile matches as the name.
func (h *House) WantAnswer(x Exchange, a Answer, volatile *regexp.Regexp, name string) {
	h.T.Helper()
	got := volatile.ReplaceAllString(strings.ReplaceAll(a.Body, h.URL(), "<server>"), name)
	if a.Status != x.Status || got != x.Answer {
		h.T.Errorf("%s %s: the answer is %d %s\nwant %d %s", x.Method, x.Path, a.Status, got, x.Status, x.Answer)
	}
}
