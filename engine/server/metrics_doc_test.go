package server_test

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"go.yaml.in/yaml/v4"
)

// family is a metric as /metrics shows it, or as the manual has it.
type family struct {
	kind   string
	labels string // in order of their names, with ", " between them
}

var (
	typeLine   = regexp.MustCompile(`(?m)^# TYPE (\S+) (\S+)$`)
	sampleLine = regexp.MustCompile(`(?m)^(\w+?)(?:_bucket|_sum|_count)?(?:\{(.*)\})? \S+$`)
	labelName  = regexp.MustCompile(`(\w+)="`)
	manualLine = regexp.MustCompile("(?m)^\\| `(hookline_\\w+)` \\| (\\w+) \\| ([^|]*)\\|")
)

// shown returns the server's own metrics, after one delivery.
func (h *house) shown() map[string]family {
	h.T.Helper()
	text := h.ops("/metrics").Body
	all := map[string]family{}
	for _, m := range typeLine.FindAllStringSubmatch(text, -1) {
		if strings.HasPrefix(m[1], "hookline_") {
			all[m[1]] = family{kind: m[2]}
		}
	}
	for _, m := range sampleLine.FindAllStringSubmatch(text, -1) {
		name := m[1]
		f, ok := all[name]
		if !ok {
			continue
		}
		var labels []string
		for _, l := range labelName.FindAllStringSubmatch(m[2], -1) {
			if l[1] != "le" {
				labels = append(labels, "`"+l[1]+"`")
			}
		}
		slices.Sort(labels)
		f.labels = strings.Join(labels, ", ")
		all[name] = f
	}
	return all
}

func delivered(t *testing.T) *house {
	h := newHouse(t)
	got := h.subscribe()
	h.publish(event, nil)
	<-got
	return h
}

func TestMetricsAreDocumented(t *testing.T) {
	t.Parallel()
	shown := delivered(t).shown()
	manual := map[string]family{}
	for _, m := range manualLine.FindAllStringSubmatch(manualText(t), -1) {
		labels := strings.Split(strings.TrimSpace(m[3]), ", ")
		slices.Sort(labels)
		manual[m[1]] = family{m[2], strings.Join(labels, ", ")}
	}
	for _, name := range slices.Sorted(maps.Keys(shown)) {
		if manual[name] != shown[name] {
			t.Errorf("%s is %+v, and in the manual %+v", name, shown[name], manual[name])
		}
	}
	for name := range manual {
		if _, ok := shown[name]; !ok {
			t.Errorf("%s is in the manual and not in /metrics", name)
		}
	}
}

func manualText(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../docs/operate.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestMetricsPassTheLinter(t *testing.T) {
	t.Parallel()
	problems, err := promlint.New(strings.NewReader(delivered(t).ops("/metrics").Body + "\n")).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		if strings.HasPrefix(p.Metric, "hookline_") {
			t.Errorf("%s: %s", p.Metric, p.Text)
		}
	}
}

// The example rules are rules, about metrics that there are.
func TestAlertRules(t *testing.T) {
	t.Parallel()
	shown := delivered(t).shown()
	text, err := os.ReadFile("../../docs/alerts.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Groups []struct {
			Name  string
			Rules []struct {
				Alert, Record, Expr, For string
				Labels, Annotations      map[string]string
			}
		}
	}
	decoder, err := yaml.NewLoader(strings.NewReader(string(text)), yaml.WithKnownFields())
	if err == nil {
		err = decoder.Load(&file)
	}
	if err != nil {
		t.Fatal(err)
	}
	recorded, alerts := map[string]bool{}, 0
	metric := regexp.MustCompile(`\bhookline[\w:]+`)
	for _, g := range file.Groups {
		for _, r := range g.Rules {
			if (r.Alert == "") == (r.Record == "") || r.Expr == "" || r.Alert != "" && (r.Annotations["summary"] == "" || r.Labels["severity"] == "") {
				t.Errorf("%s: %+v is no rule", g.Name, r)
			}
			if strings.Count(r.Expr, "(") != strings.Count(r.Expr, ")") {
				t.Errorf("%s%s: parentheses in %s", r.Alert, r.Record, r.Expr)
			}
			names := metric.FindAllString(r.Expr, -1)
			for _, name := range names {
				if f := strings.TrimSuffix(name, "_bucket"); shown[f].kind == "histogram" {
					name = f
				}
				if _, ok := shown[name]; !ok && !recorded[name] {
					t.Errorf("%s%s is about %s, which is not there", r.Alert, r.Record, name)
				}
			}
			if len(names) == 0 {
				t.Errorf("%s%s is about no metric", r.Alert, r.Record)
			}
			if recorded[r.Record] = true; r.Alert != "" {
				alerts++
			}
		}
	}
	if alerts < 4 {
		t.Errorf("%d alerts", alerts)
	}
}
