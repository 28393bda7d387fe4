package jql

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"
)

// TestExplainScripts runs the scripts: an event, a line of "=", and queries, each followed by what is said about
// it. A query after "?" is answered as text, one after "?json" as JSON. The clock stands at noon.
func TestExplainScripts(t *testing.T) {
	names, err := filepath.Glob("testdata/explain/*.txt")
	if err != nil || len(names) == 0 {
		t.Fatal(names, err)
	}
	for _, name := range names {
		t.Run(filepath.Base(name), func(t *testing.T) {
			script, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			event, cases, ok := strings.Cut(string(script), "====\n")
			if !ok {
				t.Fatal("no line of = after the event")
			}
			doc := decode(t, event)
			var got strings.Builder
			got.WriteString(event + "====\n")
			for line := range strings.Lines(cases) {
				if strings.HasPrefix(line, "?") {
					got.WriteString(line)
					got.WriteString(scripted(t, line, doc, noon))
				}
			}
			if *rewriteFlag {
				if err := os.WriteFile(name, []byte(got.String()), 0o644); err != nil {
					t.Fatal(err)
				}
			} else if got.String() != string(script) {
				t.Errorf("not what the script says (-rewrite takes it over):\n%s", got.String())
			}
		})
	}
}

func scripted(t *testing.T, line string, doc any, now time.Time) string {
	t.Helper()
	form, text, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
	q, err := Parse(text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	e := Explain(q, Env{}, doc, now)
	if want := Evaluate(q, Env{}, doc, now); e.Holds != want {
		t.Errorf("%s evaluates to %v and is explained as %v", text, want, e.Holds)
	}
	if form == "?" {
		return e.Text(false)
	}
	out, err := json.MarshalIndent(e, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(out) + "\n"
}

// TestExplainAgrees: an explanation comes to the verdict of Evaluate, for every condition by itself, and the decisive
// clauses alone bring it about.
func TestExplainAgrees(t *testing.T) {
	m := maker{Rand: rand.New(rand.NewPCG(1, 2)), env: site}
	for range 3000 {
		q, doc := &Query{Where: m.expr(4)}, m.doc()
		if body, _ := doc.(map[string]any); !isObject(body["issue"]) {
			continue
		}
		e := Explain(q, m.env, doc, someDay)
		checkParts(t, q.Where, e, m.env, doc)
		if got := overturned(e, false, false); got != e.Holds {
			t.Fatalf("%s is %v, but with every other clause the other way round %v", q, e.Holds, got)
		}
	}
}

func checkParts(t *testing.T, x Expr, e *Explanation, env Env, doc any) {
	t.Helper()
	if want := Evaluate(&Query{Where: x}, env, doc, someDay); e.Holds != want {
		t.Fatalf("%s is %v, and %s is explained as %v", x, want, e.JQL, e.Holds)
	}
	var operands []Expr
	switch x := x.(type) {
	case *And:
		operands = x.Operands
	case *Or:
		operands = x.Operands
	case *Not:
		operands = []Expr{x.Operand}
	default:
		if e.JQL != x.String() || e.Reason == "" || len(e.Found) > maxFound {
			t.Fatalf("%s: %q, %d found", x, e.Reason, len(e.Found))
		}
	}
	for i, operand := range operands {
		checkParts(t, operand, e.Parts[i], env, doc)
	}
}

// overturned is the verdict if every clause that is not decisive had another.
func overturned(e *Explanation, negate, other bool) bool {
	if !e.Decisive {
		other = true
	}
	if e.Join == "" {
		return e.verdict.of(negate) != other
	}
	if e.Join == "NOT" {
		negate = !negate
	}
	all, some := true, false
	for _, part := range e.Parts {
		holds := overturned(part, negate, other)
		all, some = all && holds, some || holds
	}
	if e.Join == "NOT" || (e.Join == "AND") != negate {
		return all
	}
	return some
}

// TestExplainColour: the escapes say nothing that the text does not.
func TestExplainColour(t *testing.T) {
	doc := decode(t, `{"issue": {"key": "EX-1", "fields": {"status": {"name": "Done"}}}}`)
	q, err := Parse("key = EX-1 AND (status = Done OR NOT assignee = x)")
	if err != nil {
		t.Fatal(err)
	}
	e := Explain(q, Env{}, doc, noon)
	plain, coloured := e.Text(false), e.Text(true)
	want := "\x1b[1;32mmatches\x1b[0m\n> \x1b[32m✓ \x1b[0m\x1b[1mkey = EX-1\x1b[0m"
	if !strings.HasPrefix(coloured, want) {
		t.Errorf("%q", coloured)
	}
	for {
		before, rest, ok := strings.Cut(coloured, "\x1b[")
		if !ok {
			break
		}
		_, after, _ := strings.Cut(rest, "m")
		coloured = before + after
	}
	if coloured != plain {
		t.Errorf("%s\nwithout its colours is\n%s", plain, coloured)
	}
}

// TestExplainForeignText: what an event or a query holds does not drive the terminal, and does not make long lines.
func TestExplainForeignText(t *testing.T) {
	foul := "\x1b[2J\x07\r\n\u202e\u0085\u2028" + strings.Repeat("x", 1000)
	text, err := json.Marshal(foul)
	if err != nil {
		t.Fatal(err)
	}
	doc := decode(t, `{"issue": {"fields": {"status": {"name": `+string(text)+`}, "summary": `+string(text)+`},
		"properties": {`+string(text)+`: {`+string(text)+`: `+string(text)+`}}},
		"changelog": {"items": [{"field": "status", "fromString": `+string(text)+`}]}}`)
	property := FieldRef{Name: "issue.property", Properties: []Property{{Key: foul, Path: foul}}}
	q := &Query{Where: and(
		&Clause{Field: FieldRef{Name: "status"}, Op: Eq, Operand: Value{Text: foul}},
		&Clause{Field: property, Op: Greater, Operand: Value{Text: foul}},
		&Clause{Field: FieldRef{Name: "summary"}, Op: Like, Operand: Value{Text: foul + " y"}},
		&Clause{Field: FieldRef{Name: "status"}, Op: Changed},
		&Clause{Field: FieldRef{Name: foul}, Op: Eq, Operand: Value{Text: foul}},
	)}
	e := Explain(q, Env{}, doc, noon)
	lines := strings.Split(e.Text(false), "\n")
	if len(lines) != 1+5+1 {
		t.Errorf("%d lines: %q", len(lines), lines)
	}
	for _, line := range lines {
		if n := utf8.RuneCountInString(line); n > 300 {
			t.Errorf("%d characters: %s", n, line)
		}
		if i := strings.IndexFunc(line, func(r rune) bool { return !unicode.IsPrint(r) }); i >= 0 {
			t.Errorf("%q is not printable", line[i:])
		}
	}
	if e.Parts[0].Found[0].Path != "$.issue.fields.status.name" || utf8.RuneCountInString(e.Parts[0].Found[0].Value.(string)) != maxText {
		t.Errorf("found %v", e.Parts[0].Found)
	}
}

// TestExplainSize: neither an event's size nor its product with that of the query makes an explanation large.
func TestExplainSize(t *testing.T) {
	values := make([]any, 200_000)
	for i := range values {
		values[i] = fmt.Sprint("label", i)
	}
	many := map[string]any{}
	for i := range 1000 {
		many[fmt.Sprint(i)] = values
	}
	deep := any("x")
	for range 9000 {
		deep = []any{deep, deep}[:1]
	}
	doc := map[string]any{"issue": map[string]any{"fields": map[string]any{
		"labels": values, "status": many, "customfield_5": deep, "summary": strings.Repeat("word ", 1_000_000),
		"customfield_8": json.Number(strings.Repeat("1", 1_000_000)),
	}}}
	var clauses []Expr
	for i := range 2000 {
		for _, text := range []string{"labels = label%d", "status != s%d", "cf[5] = x%d", "summary ~ word%d", `cf[8] > %d`} {
			q, err := Parse(fmt.Sprintf(text, i))
			if err != nil {
				t.Fatal(err)
			}
			clauses = append(clauses, q.Where)
		}
	}
	e := Explain(&Query{Where: &Or{Operands: clauses}}, demoSite, doc, noon)
	out, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	if len(out) > 2500*len(clauses) || len(e.Text(true)) > 400*len(clauses) {
		t.Errorf("%d bytes of JSON and %d of text for %d clauses", len(out), len(e.Text(true)), len(clauses))
	}
	if first := e.Parts[0]; first.Omitted != len(values)-maxFound {
		t.Errorf("%d omitted", first.Omitted)
	}
}

// TestExplainDeep: what stands deep inside is told once, and not on every level.
func TestExplainDeep(t *testing.T) {
	q, err := Parse(strings.Repeat("NOT ", 200) + "(project = " + strings.Repeat("x", 50_000) + ")")
	if err != nil {
		t.Fatal(err)
	}
	out, err := json.Marshal(Explain(q, Env{}, map[string]any{"issue": map[string]any{}}, noon))
	if err != nil {
		t.Fatal(err)
	}
	if len(out) > 200_000 {
		t.Errorf("%d bytes", len(out))
	}
}

func TestPlace(t *testing.T) {
	var root *place
	tests := []struct {
		place *place
		want  string
	}{
		{root, "$"},
		{root.member("issue").member("fields").member("labels").element(3), "$.issue.fields.labels[3]"},
		{root.member("_a1").element(0).element(12), "$._a1[0][12]"},
		{root.member("1a").member("a-b").member("").member("é"), "$['1a']['a-b']['']['é']"},
		{root.member("it's \\ \n\x00"), `$['it\'s \\ \u000a\u0000']`},
	}
	for _, test := range tests {
		if got := test.place.String(); got != test.want {
			t.Errorf("%s, not %s", got, test.want)
		}
	}
}

func TestMomentDescribed(t *testing.T) {
	for text, want := range map[string]string{
		"now()": "now", "-7d": "7 days before now", `"4w 1d"`: "4 weeks 1 day after now", "startOfDay()": "the start of the day",
		"endOfMonth(-1)": "the end of the month, 1 month earlier", `startOfYear("14d 2h")`: "the start of the year, 14 days 2 hours later",
		`"-1y 2m"`: "1 year 2 minutes before now",
	} {
		if got := clock(t, text, Env{}).describe(); got != want {
			t.Errorf("%s is %s, not %s", text, got, want)
		}
	}
}
