package arcxp_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"hookline/engine/flavor/arcxp"
)

var (
	// statusLine separates request from answer: no line of a JSON body is a number alone.
	statusLine = regexp.MustCompile(`(?m)^\d{3}$`)
	dates      = regexp.MustCompile(`"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"`)
)

// TestConversations plays the files of testdata, each in a house of its own: a line with method and path below the
// tenant, the body, a line with the status, and the answer's body. White space in bodies does not matter, and <date>
// stands for every time.
func TestConversations(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no conversations: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			h := newHouse(t, arcxp.Options{})
			for part := range strings.SplitSeq(string(text), "\n\n") {
				if !strings.HasPrefix(part, "#") {
					h.play(part)
				}
			}
		})
	}
}

// play sends one request of a conversation and compares its answer.
func (h *house) play(part string) {
	h.t.Helper()
	at := statusLine.FindStringIndex(part)
	if at == nil {
		h.t.Fatalf("no status in %q", part)
	}
	line, body, _ := strings.Cut(part[:at[0]], "\n")
	method, path, _ := strings.Cut(line, " ")
	status, _ := strconv.Atoi(part[at[0]:at[1]])
	var want bytes.Buffer
	if err := json.Compact(&want, []byte(part[at[1]:])); err != nil {
		h.t.Fatalf("%v in %s", err, part)
	}
	a := h.do(method, "/t/acme"+path, body)
	if got := dates.ReplaceAllString(a.body, `"<date>"`); a.status != status || got != want.String() {
		h.t.Errorf("%s: the answer is %d %s\nwant %d %s", line, a.status, got, status, want.String())
	}
}
