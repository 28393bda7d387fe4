package migration_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"hookline/engine/flavor/migration"
)

// statusLine separates a request from its answer: no line of a JSON body is a number alone.
var statusLine = regexp.MustCompile(`(?m)^\d{3}$`)

// TestConversations plays the files of testdata, each in a house of its own: paragraphs of a line with method and path
// below the tenant, the body, a line with the status, and the answer's body. White space in bodies does not matter.
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
			h := newHouse(t, migration.Options{})
			for part := range strings.SplitSeq(string(text), "\n\n") {
				if !strings.HasPrefix(part, "#") {
					h.play(part)
				}
			}
		})
	}
}

// play sends one request, signed by app mover, and compares the answer.
func (h *house) play(part string) {
	h.t.Helper()
	at := statusLine.FindStringIndex(part)
	if at == nil {
		h.t.Fatalf("no status in %q", part)
	}
	line, body, _ := strings.Cut(part[:at[0]], "\n")
	method, path, _ := strings.Cut(line, " ")
	var want bytes.Buffer
	if err := json.Compact(&want, []byte(part[at[1]:])); err != nil {
		h.t.Fatalf("%v in %s", err, part)
	}
	a := h.do(method, "/t/acme"+path, jwt("mover", secretMover, method, path), body)
	if fmt.Sprint(a.status) != part[at[0]:at[1]] || a.body != want.String() {
		h.t.Errorf("%s %s: the answer is %d %s\nwant %s %s", method, path, a.status, a.body, part[at[0]:at[1]], want.String())
	}
}
