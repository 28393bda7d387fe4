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
	"time"

	"hookline/engine/flavor/jira"
)

// exchange is one request with its answer in a file of testdata: a line with method and path below the tenant, and
// perhaps the name of a credential, the body, a line with the status, and the answer's body. White space in bodies does not
// matter, and <server> and <date> stand for what differs from run to run.
type exchange struct {
	method, path, by, body string
	status                 int
	answer                 string
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
		target, by, _ := strings.Cut(target, " ")
		status, _ := strconv.Atoi(part[at[0]:at[1]])
		list = append(list, exchange{method, target, by, body, status, compact(t, part[at[1]:])})
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

// settings are those of the house of a file; Jira's own where nothing is named.
var settings = map[string]jira.DynamicOptions{
	"refusals_settings.txt": {Patch: true, SeedEvents: true, FailedConnectOnly: true, ConnectLimit: 1},
}

// credentials write the Authorization of a request by their names in the files; nobody in particular is app ci.
var credentials = map[string]func(method, path string) string{
	"":          func(string, string) string { return "Bearer " + tokenCI },
	"anna":      func(string, string) string { return "Bearer " + tokenAnna },
	"based":     func(string, string) string { return "Bearer " + tokenBased },
	"anonymous": func(string, string) string { return "" },
	"publisher": func(string, string) string { return "Bearer " + tokenAcme },
	"admin":     func(string, string) string { return "Bearer " + tokenAdmin },
	"rival":     func(string, string) string { return "Bearer " + tokenRivalCI },
	"signer":    signed,
	"elsewhere": func(method, path string) string { return signed(method, path+"/other") },
	"late": func(method, path string) string {
		return jwt("signer", secretSigner, method, path, "", time.Now().Add(-time.Hour))
	},
	"early": func(method, path string) string {
		return jwt("signer", secretSigner, method, path, "", time.Now().Add(time.Hour))
	},
	"forger":        func(method, path string) string { return jwt("signer", secretRival, method, path, "", time.Now()) },
	"mobile":        func(method, path string) string { return jwt("mobile", secretMobile, method, path, "", time.Now()) },
	"gibberish":     func(string, string) string { return "JWT gibberish" },
	"unknown-token": func(string, string) string { return "Bearer a token of nobody's" },
}

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
			h := newHouse(t, settings[filepath.Base(file)])
			h.signers()
			for _, x := range readConversation(t, file) {
				path := "/t/acme" + x.path
				a := h.call(x.method, path, credentials[x.by](x.method, path), x.body, "")
				got := strings.ReplaceAll(dates.ReplaceAllString(a.body, `"<date>"`), "http://"+h.server.Address(), "<server>")
				if a.status != x.status || got != x.answer {
					t.Errorf("%s %s: the answer is %d %s\nwant %d %s", x.method, x.path, a.status, got, x.status, x.answer)
				}
			}
		})
	}
}
