package arcxp_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"hookline/engine/flavor/arcxp"
)

// spellings are what the documents of a bulk come with; the first eleven notify.
var spellings = []string{
	"Success", "Circulated", "Published", "Scheduled", "FailVideo", "FailImage", "FailStory", "FallStory", "FailGallery", "FailAuthor", "FailTag",
	"Processing", "success", "Failed",
}

// A bulk of 1,000 documents with mixed subscribers and statuses notifies exactly the right webhooks of the right
// documents, as an array and as lines, and each document is answered for itself.
func TestBulk(t *testing.T) {
	t.Parallel()
	for name, bulk := range map[string]struct {
		contentType string
		write       func([]string) string
	}{
		"array": {"application/json", func(docs []string) string { return " [" + strings.Join(docs, " ,\n") + "]\n" }},
		"lines": {"application/x-ndjson", func(docs []string) string { return strings.Join(docs, "\n") }},
	} {
		for _, untagged := range []arcxp.Untagged{arcxp.Single, arcxp.All} {
			t.Run(fmt.Sprint(name, " ", untagged), func(t *testing.T) {
				t.Parallel()
				o := quick(0)
				o.Untagged = untagged
				playBulk(t, newHouse(t, o), untagged, bulk.contentType, bulk.write)
			})
		}
	}
}

func playBulk(t *testing.T, h *house, untagged arcxp.Untagged, contentType string, write func([]string) string) {
	url, got := receiver(t)
	enabled := []string{"one", "two", "three", "four"}
	for _, name := range enabled {
		h.register(url+"/"+name, name)
	}
	h.register(url+"/off", "off", `"isEnabled":false`)

	random := rand.New(rand.NewPCG(1, 2))
	subscribers := append(slices.Clone(enabled), "off", "unknown", "")
	want := map[string]int{} // "subscriber id status" -> requests
	var docs []string
	owed := make([]int, 1000)
	for id := range owed {
		subscriber, at := subscribers[random.IntN(len(subscribers))], random.IntN(len(spellings))
		if id%97 == 13 {
			docs = append(docs, `{"record":{"id":1,"id":2,"status":"Success"}}`)
			owed[id] = -1
			continue
		}
		docs = append(docs, document(id, subscriber, spellings[at]))
		notified := []string{subscriber}
		if subscriber == "" && untagged == arcxp.All {
			notified = enabled
		}
		for _, name := range notified {
			if at < 11 && slices.Contains(enabled, name) {
				want[fmt.Sprint(name, " ", id, " ", strings.Replace(spellings[at], "Fall", "Fail", 1))]++
				owed[id]++
			}
		}
	}

	a := h.as(tokenAcme, "POST", events, contentType, write(docs))
	if a.Status != 202 || a.Header.Get("Content-Type") != "application/x-ndjson" {
		t.Fatalf("the answer is %d %.300s", a.Status, a.Body)
	}
	lines := strings.Split(a.Body, "\n")
	if len(lines) != len(docs) {
		t.Fatalf("%d answers for %d documents", len(lines), len(docs))
	}
	for i, text := range lines {
		var r receipt
		if err := json.Unmarshal([]byte(text), &r); err != nil || r.Line != i+1 {
			t.Fatalf("%v in %s", err, text)
		}
		if refused := owed[i] < 0; refused != (r.Status == 400) || refused != (r.Error != nil) || r.Matched != max(owed[i], 0) || r.Deliveries != r.Matched {
			t.Errorf("document %s is answered %s; want %d notifications", docs[i], text, owed[i])
		}
	}

	total := 0
	for _, n := range want {
		total += n
	}
	seen := map[string]int{}
	for range total {
		r := <-got
		var body struct {
			Record struct {
				ID     int
				Status string
			}
		}
		if err := json.Unmarshal([]byte(r.Body), &body); err != nil {
			t.Fatal(err)
		}
		if r.Body != `{"record":`+record(body.Record.ID, body.Record.Status)+`}` {
			t.Errorf("the body is %s", r.Body)
		}
		seen[fmt.Sprint(strings.TrimPrefix(r.Target, "/"), " ", body.Record.ID, " ", body.Record.Status)]++
	}
	if !maps.Equal(seen, want) {
		t.Errorf("the receivers got %d different notifications of %d; want %d", len(seen), total, len(want))
	}
	select {
	case r := <-got:
		t.Errorf("one more notification: %s %s", r.Target, r.Body)
	default:
	}
}
