package bench

import (
	"testing"
	"time"
)

func TestMatchBody(t *testing.T) {
	if testing.Short() {
		t.Skip("has one goroutine, and takes long under the race detector")
	}
	var results []MatchBodyResult
	tell := func(r MatchBodyResult) error {
		results = append(results, r)
		return nil
	}
	c := MatchBodyConfig{MatchConfig: MatchConfig{Filters: []int{100, 1000}, For: time.Millisecond, Progress: t.Logf}}
	if err := MatchBody(t.Context(), c, tell); err != nil {
		t.Fatal(err)
	}
	c.Filters = c.Filters[:1]
	c.Body = []byte(`{"webhookEvent":"jira:issue_updated","issue":{"key":"A-1","fields":{"project":{"key":"Äöü \"a\""},"labels":["x",null,"y"]}}}`)
	if err := MatchBody(t.Context(), c, tell); err != nil || len(results) != 3 {
		t.Fatalf("%d results, %v", len(results), err)
	}
	for i, r := range results {
		t.Logf("%+v", r)
		if r.Mismatches != 0 || r.Allocs != 0 || i < 2 && r.Matches == 0 || r.P50 <= 0 || r.P99 < r.P50 || r.ExtractP50 <= 0 {
			t.Errorf("%+v", r)
		}
		if i < 2 && (r.BodyBytes < 9000 || r.BodyBytes > 9400) {
			t.Errorf("a body of %d bytes", r.BodyBytes)
		}
	}
	for _, body := range []string{"", "no JSON", `{"webhookEvent":"x"}`, `{"issue":{}}`} {
		c.Body = []byte(body)
		if err := MatchBody(t.Context(), c, tell); !isConfigError(err) {
			t.Errorf("%q: %v", body, err)
		}
	}
}

// What a body says is what filters are made to ask for.
func TestReadIssue(t *testing.T) {
	texts := newIssueTexts(3, 10, 1)
	want := texts.fullIssue()
	got, err := readIssue(want.body(texts.random, 2048))
	if err != nil {
		t.Fatal(err)
	}
	for a := range attributes {
		if len(got[a]) != len(want[a]) {
			t.Errorf("%s: %q, want %q", attributes[a].jql, got[a], want[a])
			continue
		}
		for i := range got[a] {
			if got[a][i] != want[a][i] {
				t.Errorf("%s: %q, want %q", attributes[a].jql, got[a], want[a])
			}
		}
	}
}
