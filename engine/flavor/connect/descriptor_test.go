package connect_test

import (
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"hookline/engine/flavor/connect"
	"hookline/engine/webhook"
)

func whole(t testing.TB) []byte {
	t.Helper()
	text, err := os.ReadFile("testdata/descriptor.json")
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestParse(t *testing.T) {
	text := whole(t)
	d, problems := connect.Parse(text)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	want := connect.Descriptor{
		Key: "com.example.sync",
		Descriptor: webhook.Descriptor{
			BaseURL: "https://sync.example/app/", Regions: map[string]string{"EU": "https://eu.sync.example", "US": "https://us.sync.example/app"},
			Text: d.Text,
		},
		Webhooks: []connect.Webhook{
			{Index: 0, Event: "jira:issue_updated", URL: "https://sync.example/app/issues/${issue.key}?v=1", Filter: "project = EX AND labels = urgent"},
			{Index: 1, Event: "issue_property_set", URL: "https://sync.example/app/properties", PropertyKeys: []string{"sync.state", "sync.lock"}},
			{Index: 2, Event: "comment_created", URL: "https://sync.example/app/comments", Filter: "project = EX", ExcludeBody: true},
		},
		MigrationPath: "/migration-hook",
	}
	if !reflect.DeepEqual(*d, want) {
		t.Errorf("got %+v\nwant %+v", *d, want)
	}
	var is, was any
	if json.Unmarshal([]byte(d.Text), &is) != nil || json.Unmarshal(text, &was) != nil || !reflect.DeepEqual(is, was) || strings.ContainsAny(d.Text, "\n\t") {
		t.Errorf("kept is %s", d.Text)
	}
	if got := d.Base("EU"); got != "https://eu.sync.example" || d.Base("JP") != d.BaseURL || d.Base("") != d.BaseURL {
		t.Errorf("in the EU it is %s", got)
	}
	kept := fmt.Sprintf("%+v", *d)
	for i := range text {
		text[i] = 'x'
	}
	if fmt.Sprintf("%+v", *d) != kept {
		t.Error("it refers to the text that it came from")
	}
}

// minimal is a descriptor with members added to it.
func minimal(more string) string {
	return `{"key":"k","baseUrl":"https://h.example/b"` + more + `}`
}

func webhooks(list string) string { return minimal(`,"modules":{"webhooks":` + list + `}`) }

func TestSpellings(t *testing.T) {
	for text, want := range map[string]connect.Webhook{
		`{"event":"e","url":"/u","jqlFilter":"a","excludeIssueDetails":true}`:                                       {Filter: "a", ExcludeBody: true},
		`{"event":"e","url":"u","jqlFilter":"a","filter":"b","excludeIssueDetails":true,"excludeBody":false}`:       {Filter: "b"},
		`{"event":"e","url":"/u","filter":null,"jqlFilter":"a","excludeBody":null,"propertyKeys":null,"x":{"y":1}}`: {Filter: "a"},
		`{"Event":"x","event":"e","url":"/u","filter":""}`:                                                          {},
	} {
		want.Event, want.URL = "e", "https://h.example/b/u"
		d, problems := connect.Parse([]byte(webhooks(`[` + text + `]`)))
		if len(problems) > 0 || len(d.Webhooks) != 1 || !reflect.DeepEqual(d.Webhooks[0], want) {
			t.Errorf("%s: %+v, %q", text, d, problems)
		}
	}
	for _, more := range []string{
		"", `,"modules":null`, `,"modules":{}`, `,"modules":{"webhooks":null}`, `,"modules":{"webhooks":[]}`, `,"authentication":{"type":"jwt"}`, `,"authentication":{"type":"JWT"}`,
		`,"regionBaseUrls":{}`, `,"cloudAppMigration":{}`, `,"lifecycle":{"installed":"/i"},"modules":{"webPanels":[{"key":1}]}`,
	} {
		d, problems := connect.Parse([]byte(minimal(more)))
		if len(problems) > 0 || d.Unsigned || len(d.Webhooks)+len(d.Regions)+len(d.MigrationPath) > 0 {
			t.Errorf("%s: %+v, %q", more, d, problems)
		}
	}
	if d, problems := connect.Parse([]byte(minimal(`,"authentication":{"type":"none"}`))); !d.Unsigned || len(problems) > 0 {
		t.Errorf("authentication none: %+v, %q", d, problems)
	}
}

func TestProblems(t *testing.T) {
	for text, want := range map[string][]string{
		`{}`: {"key: it is missing or empty", "baseUrl: it is missing or empty"},
		`{"key":1,"baseUrl":["https://h.example"]}`:                                     {"key: it has to be a string", "baseUrl: it has to be a string"},
		`{"key":"k","baseUrl":"ftp://h.example"}`:                                       {`baseUrl: the URL's scheme is "ftp"; use https`},
		`{"key":"k","baseUrl":"/relative"}`:                                             {"baseUrl: the URL is not an absolute http(s) URL with a host"},
		`{"key":"k","baseUrl":"https://u@h.example"}`:                                   {"baseUrl: the URL holds user information; remove it"},
		`{"key":"k","baseUrl":"https://h.example/?"}`:                                   {"baseUrl: the URL has a query; remove it"},
		`{"key":"k","baseUrl":"https://h.example/{board.id}"}`:                          {"baseUrl: the URL has a variable; variables are replaced in the url of a webhook only"},
		minimal(`,"authentication":"jwt"`):                                              {"authentication: it has to be an object"},
		minimal(`,"authentication":{"type":"oauth"}`):                                   {`authentication.type: "oauth" is unknown; use jwt or none`},
		minimal(`,"modules":[]`):                                                        {"modules: it has to be an object"},
		minimal(`,"modules":{"webhooks":{}}`):                                           {"modules.webhooks: it has to be an array"},
		minimal(`,"regionBaseUrls":{"US":"x","EU":1,"JP":""}`):                          {"regionBaseUrls.EU: it has to be a string", "regionBaseUrls.JP: it is missing or empty", "regionBaseUrls.US: the URL is not an absolute http(s) URL with a host"},
		minimal(`,"cloudAppMigration":true`):                                            {"cloudAppMigration: it has to be an object"},
		minimal(`,"cloudAppMigration":{"migrationWebhookPath":7}`):                      {"cloudAppMigration.migrationWebhookPath: it has to be a string"},
		minimal(`,"cloudAppMigration":{"migrationWebhookPath":"https://evil.example"}`): {`cloudAppMigration.migrationWebhookPath: "https://evil.example" is not relative to baseUrl; send a path that begins with /`},
		webhooks(`[1,null,[],{},{"event":"e","url":"/u"}]`): {
			"modules.webhooks[0]: it has to be an object", "modules.webhooks[1]: it is null; send an object", "modules.webhooks[2]: it has to be an object",
			"modules.webhooks[3].event: it is missing or empty", "modules.webhooks[3].url: it is missing or empty",
		},
		webhooks(`[{"event":"e","url":"//evil.example/x"},{"event":"e","url":"javascript:x"},{"event":"e","url":"/u#f"},{"event":["e"],"url":{}}]`): {
			`modules.webhooks[0].url: "//evil.example/x" is not relative to baseUrl; send a path that begins with /`,
			`modules.webhooks[1].url: "javascript:x" is not relative to baseUrl; send a path that begins with /`,
			`modules.webhooks[2].url: "/u#f" is not relative to baseUrl; send a path that begins with /`,
			"modules.webhooks[3].event: it has to be a string", "modules.webhooks[3].url: it has to be a string",
		},
		webhooks(`[{"event":"e","url":"/u","filter":{"jql":"x"},"jqlFilter":1,"excludeBody":"yes","excludeIssueDetails":1,"propertyKeys":["a",1,""]},{"event":"e","url":"/u","propertyKeys":"a"}]`): {
			"modules.webhooks[0].jqlFilter: it has to be a string", "modules.webhooks[0].excludeIssueDetails: it has to be true or false",
			"modules.webhooks[0].filter: it has to be a string", "modules.webhooks[0].excludeBody: it has to be true or false",
			"modules.webhooks[0].propertyKeys[1]: it has to be a string", "modules.webhooks[0].propertyKeys[2]: it is missing or empty",
			"modules.webhooks[1].propertyKeys: it has to be an array",
		},
	} {
		d, problems := connect.Parse([]byte(text))
		if d == nil || !slices.Equal(problems, want) {
			t.Errorf("%s:\n got %q\nwant %q", text, problems, want)
		}
	}
	for text, want := range map[string]string{
		``:                             "the descriptor is not a JSON object: the text ends too early",
		`{"key":`:                      "the descriptor is not a JSON object: the text ends too early",
		`[]`:                           "the descriptor is not a JSON object: it is a JSON value of another kind",
		`null`:                         "the descriptor is not a JSON object: it is a JSON value of another kind",
		`{} {}`:                        "the descriptor is not a JSON object: ",
		`{"a":{"b":1,"b":2}}`:          "the descriptor is not a JSON object: a name is there twice in one object at byte 12",
		"{\"key\":\"\xff\"}":           "the descriptor is not a JSON object: ",
		strings.Repeat("x", 512<<10+1): "the descriptor has 524289 bytes; at most 524288 are read",
	} {
		d, problems := connect.Parse([]byte(text))
		if d != nil || len(problems) != 1 || !strings.HasPrefix(problems[0], want) {
			t.Errorf("%.50s: %+v, %q; want %q", text, d, problems, want)
		}
	}
	if _, problems := connect.Parse([]byte(webhooks(`[` + strings.Repeat(`{},`, 5000) + `{}]`))); len(problems) != 101 || !strings.Contains(problems[100], "there is more wrong") {
		t.Errorf("%d problems, the last is %q", len(problems), problems[len(problems)-1])
	}
}

func TestJoin(t *testing.T) {
	for _, x := range [][3]string{
		{"https://h", "/p", "https://h/p"}, {"https://h/", "p", "https://h/p"}, {"https://h/b/", "/p/", "https://h/b/p/"}, {"https://h/b", "?x=1", "https://h/b/?x=1"}, {"https://h", "/", "https://h/"},
	} {
		if got := connect.Join(x[0], x[1]); got != x[2] {
			t.Errorf("%s and %s make %s, want %s", x[0], x[1], got, x[2])
		}
	}
}

// FuzzParse reads arbitrary texts. Whatever is read without a problem has what it needs, below its base URLs, and is
// read the same from what is kept of it.
func FuzzParse(f *testing.F) {
	f.Add(whole(f))
	for _, seed := range []string{
		``, `{}`, `null`, minimal(""), webhooks(`[{"event":"e","url":"?x"},{"event":"e","url":"a:b"},{}]`), webhooks(`[[[`),
		minimal(`,"regionBaseUrls":{"":"https://x","EU":"https://y/{z}"},"cloudAppMigration":{"migrationWebhookPath":"\\\\x"}`),
		webhooks(`[{"event":"\u0000","url":"\u00e9","propertyKeys":[{}],"excludeBody":1}]`),
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		before := string(text)
		d, problems := connect.Parse(text)
		if string(text) != before {
			t.Fatal("the text was changed")
		}
		if d == nil || len(problems) > 0 {
			if len(problems) == 0 || len(problems) > 101 || slices.Contains(problems, "") {
				t.Fatalf("refused with %q", problems)
			}
			return
		}
		if d.Key == "" || d.BaseURL == "" || !json.Valid([]byte(d.Text)) {
			t.Fatalf("accepted as %+v", d)
		}
		for _, w := range d.Webhooks {
			if w.Event == "" || !strings.HasPrefix(w.URL, strings.TrimSuffix(d.BaseURL, "/")+"/") || slices.Contains(w.PropertyKeys, "") {
				t.Fatalf("a webhook is %+v below %s", w, d.BaseURL)
			}
		}
		again, problems := connect.Parse([]byte(d.Text))
		if len(problems) > 0 || !reflect.DeepEqual(again, d) {
			t.Fatalf("kept is %s, which reads as %+v, %q", d.Text, again, problems)
		}
	})
}
