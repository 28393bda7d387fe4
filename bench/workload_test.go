package bench

import (
	"bytes"
	"encoding/json"
	"slices"
	"testing"
	"time"

	"hookline/jql"
)

func TestBodies(t *testing.T) {
	for _, size := range []int{minBody, 2048, 20_000} {
		w, err := NewWorkload(WorkloadOptions{Seed: 3, Size: size, Projects: 3})
		if err != nil {
			t.Fatal(err)
		}
		for _, sequence := range []int64{0, 1, 191, 192, 123_456_789_012} {
			body := w.Body([]byte("before"), sequence)[len("before"):]
			if len(body) != size {
				t.Errorf("body %d has %d bytes, want %d", sequence, len(body), size)
			}
			if got, ok := Sequence(body); !ok || got != sequence {
				t.Errorf("body %d says %d", sequence, got)
			}
			var event struct {
				WebhookEvent string
				Issue        struct {
					Fields struct{ Project struct{ Key string } }
				}
			}
			if err := json.Unmarshal(body, &event); err != nil {
				t.Fatalf("body %d: %v\n%s", sequence, err, body)
			}
			if key := event.Issue.Fields.Project.Key; event.WebhookEvent != "jira:issue_updated" || key != ProjectKey(w.Project(sequence)) {
				t.Errorf("body %d is a %s of project %s", sequence, event.WebhookEvent, key)
			}
		}
	}
}

func TestEveryTemplateFits(t *testing.T) {
	for seed := range uint64(20) {
		if _, err := NewWorkload(WorkloadOptions{Seed: seed, Size: minBody, Projects: 10}); err != nil {
			t.Error(err)
		}
	}
	if _, err := NewWorkload(WorkloadOptions{Size: 100}); err == nil {
		t.Error("a size without room for the fields was accepted")
	}
}

func TestSeedDecides(t *testing.T) {
	body := func(seed uint64) []byte {
		w, err := NewWorkload(WorkloadOptions{Seed: seed})
		if err != nil {
			t.Fatal(err)
		}
		return append(w.Body(nil, 5), []byte(w.Filters(1, 20)[19])...)
	}
	if !bytes.Equal(body(1), body(1)) {
		t.Error("one seed gives two workloads")
	}
	if bytes.Equal(body(1), body(2)) {
		t.Error("two seeds give one workload")
	}
}

func TestFiltersFitTheEvents(t *testing.T) {
	if testing.Short() {
		t.Skip("has one goroutine, and takes long under the race detector")
	}
	w, err := NewWorkload(WorkloadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	const perProject = 100
	matched, checked := 0, 0
	for project := range 4 {
		filters := slices.Concat(w.Filters(project, perProject), w.mixed(uint64(project), perProject))
		for i, filter := range filters {
			q, err := jql.Parse(filter)
			if err != nil {
				t.Fatalf("%s: %v", filter, err)
			}
			if err := jql.Dynamic(jql.Env{}).Check(q); err != nil {
				t.Errorf("%s: %v", filter, err)
			}
			for sequence := range int64(64) {
				doc, err := decode(w.Body(nil, sequence))
				if err != nil {
					t.Fatal(err)
				}
				holds := jql.Evaluate(q, jql.Env{}, doc, time.Time{})
				if i == 0 && holds != (w.Project(sequence) == project) {
					t.Errorf("%s on an event of project %d: %t", filter, w.Project(sequence), holds)
				}
				checked++
				if holds {
					matched++
				}
			}
		}
	}
	if share := float64(matched) / float64(checked); share < 0.02 || share > 0.5 {
		t.Errorf("%.3f of the pairs match; the workload says little", share)
	}
}

func TestSequenceOfOtherBodies(t *testing.T) {
	for _, body := range []string{"", "{}", `{"changelog":{"id":"12"}}`, `{"changelog":{"id":"12345678901x"}}`} {
		if n, ok := Sequence([]byte(body)); ok {
			t.Errorf("%s says %d", body, n)
		}
	}
}
