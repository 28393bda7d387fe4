package event

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"hookline/jql"
)

// nested is a body whose innermost array stands at the given level, the root object being level 1.
func nested(levels int) string {
	return `{"webhookEvent":"x","a":` + strings.Repeat("[", levels-1) + strings.Repeat("]", levels-1) + `}`
}

// manyMembers is an object of so many members that a table of names has to grow.
func manyMembers(n int, extra string) string {
	var b strings.Builder
	b.WriteString(`{"webhookEvent":"x","m":{`)
	for i := range n {
		fmt.Fprintf(&b, `"customfield_%d":null,`, i)
	}
	return b.String() + extra + `:1}}`
}

func TestRefusals(t *testing.T) {
	for _, c := range []struct {
		body    string
		reason  Reason
		offset  int64
		pointer string
	}{
		{``, Syntax, 0, ""},
		{` `, Syntax, 1, ""},
		{`{`, Syntax, 1, ""},
		{`{"webhookEvent":"x"`, Syntax, 19, ""},
		{`{"webhookEvent":"x",}`, Syntax, 19, ""},
		{`{"webhookEvent":"x"} {}`, Syntax, 21, ""},
		{`{"webhookEvent":"x"}x`, Syntax, 20, ""},
		{`{"webhookEvent":"x"},`, Syntax, 20, ""},
		{"{\"webhookEvent\":\"x\"}\x00", Syntax, 20, ""},
		{"\xef\xbb\xbf{}", Syntax, 0, ""},
		{`,{"webhookEvent":"x"}`, Syntax, 0, ""},
		{`{,"webhookEvent":"x"}`, Syntax, 1, ""},
		{`{"a":1 "webhookEvent":"x"}`, Syntax, 7, ""},
		{`{"a":1,,"webhookEvent":"x"}`, Syntax, 7, ""},
		{`{"a"::1,"webhookEvent":"x"}`, Syntax, 5, "/a"},
		{`{"webhookEvent","x"}`, Syntax, 15, "/webhookEvent"},
		{`{"webhookEvent":}`, Syntax, 16, "/webhookEvent"},
		{`{"webhookEvent"}`, Syntax, 15, "/webhookEvent"},
		{`{webhookEvent:"x"}`, Syntax, 1, ""},
		{`{'webhookEvent':"x"}`, Syntax, 1, ""},
		{`{1:2}`, Syntax, 1, ""},
		{`{{}:1}`, Syntax, 1, ""},
		{`{"a":[1}`, Syntax, 7, "/a"},
		{`{"a":{"b":1]`, Syntax, 11, ""},
		{`{"issue":{"fields":{"n":01}}}`, Syntax, 25, "/issue/fields"},
		{`{"a":+1}`, Syntax, 5, "/a"},
		{`{"a":NaN}`, Syntax, 5, "/a"},
		{`{"a":"\x41"}`, Syntax, 6, "/a"},
		{"{\"a\":\"\t\"}", Syntax, 6, "/a"},
		{"{\"a\":\"\xff\"}", Syntax, 6, "/a"},
		{"{\"\xc0\xaf\":1}", Syntax, 2, ""},
		{`{"a":"\ud800"}`, Syntax, 6, "/a"},
		{`{"a":1} // c`, Syntax, 8, ""},
		{`{"webhookEvent":"x","webhookEvent":"y"}`, Duplicate, 34, "/webhookEvent"},
		{`{"webhookEvent":"x","\u0077ebhookEvent":"y"}`, Duplicate, 39, "/webhookEvent"},
		{`{"matchedWebhookIds":[1],"matchedWebhookIds":[2]}`, Duplicate, 44, "/matchedWebhookIds"},
		{`{"a":[{"b":{"c":1,"c":2}}]}`, Duplicate, 21, "/a/0/b/c"},
		{`{"a":[{"\u0062":1,"\u0062":2}]}`, Duplicate, 26, "/a/0/b"},
		{`{"a":{"\/":1,"/":2}}`, Duplicate, 16, "/a/~1"},
		{`{"a":{"é":1,"\u00e9":2}}`, Duplicate, 21, "/a/é"},
		{`{"a":{"":1,"":2}}`, Duplicate, 13, "/a/"},
		{`{"issue":{"fields":{"status":1,"status":2}}}`, Duplicate, 39, "/issue/fields/status"},
		{`{"issue":{"fields":{"assignee":{"accountId":"a","accountId":"b"}}}}`, Duplicate, 59, "/issue/fields/assignee/accountId"},
		{`{"property":{"key":"a","key":"b"}}`, Duplicate, 28, "/property/key"},
		{`{"changelog":{"items":[{"field":"a"},{"field":"b","field":"c"}]}}`, Duplicate, 57, "/changelog/items/1/field"},
		{`{"a":{"` + strings.Repeat("x", 198) + `":1,"` + strings.Repeat("x", 198) + `":2}}`, Duplicate, 409, ""},
		{manyMembers(3000, `"customfield_7"`), Duplicate, 70930, "/m/customfield_7"},
		{manyMembers(3000, `"customfield\u005f2999"`), Duplicate, 70938, "/m/customfield_2999"},
		{nested(MaxDepth + 1), TooDeep, 0, ""},
		{nested(100_000), TooDeep, 0, ""},
		{`{"a":` + strings.Repeat(`[`, 1_000_000), TooDeep, 0, ""},
		{`{"issue":{"properties":{"k":` + strings.Repeat(`{"k":`, 1000), TooDeep, 0, ""},
		{`[]`, NotObject, 0, ""},
		{` "webhookEvent"`, NotObject, 0, ""},
		{`null`, NotObject, 0, ""},
		{`17`, NotObject, 0, ""},
		{`{}`, NoType, 0, ""},
		{"\n{\"a\":{\"webhookEvent\":\"x\"}}", NoType, 1, ""},
		{`{"WebhookEvent":"x"}`, NoType, 0, ""},
		{`{"webhookEvent":""}`, NoType, 16, "/webhookEvent"},
		{`{"webhookEvent":null}`, TypeNotText, 16, "/webhookEvent"},
		{`{"webhookEvent":["x"], "a":1}`, TypeNotText, 16, "/webhookEvent"},
		{`{"webhookEvent":{"webhookEvent":"x"}}`, TypeNotText, 16, "/webhookEvent"},
	} {
		var s Scanner
		_, err := s.scan([]byte(c.body), NewPlan(usualFields, jql.Env{}), newRecord())
		var e *Error
		if !errors.As(err, &e) {
			t.Errorf("%.60q: error %v", c.body, err)
			continue
		}
		if e.Reason == TooDeep {
			e.Offset, e.Pointer = 0, ""
		}
		if e.Reason != c.reason || e.Offset != c.offset || e.Pointer != c.pointer {
			t.Errorf("%.60q:\n got %s %d %q\nwant %s %d %q", c.body,
				e.Reason, e.Offset, e.Pointer, c.reason, c.offset, c.pointer)
		}
	}
}

func TestAccepted(t *testing.T) {
	for _, body := range []string{
		nested(MaxDepth),
		manyMembers(3000, `"customfield_3000"`),
		" \t\r\n{ \"webhookEvent\" : \"x\" } \t\r\n",
		`{"webhookEvent":"x","a":{"n":1,"N":2},"b":{"n":1}}`,
		`{"webhookEvent":"x","a":[{"n":1},{"n":1}]}`,
		`{"webhookEvent":"x","a":"😀 \ud83d\ude00 \u0000","b":-0,"c":1E400,"d":123456789012345678901234567890.5}`,
		`{"webhookEvent":"` + strings.Repeat("é", 5000) + `"}`,
	} {
		var s Scanner
		if _, err := s.scan([]byte(body), NewPlan(usualFields, jql.Env{}), newRecord()); err != nil {
			t.Errorf("%.60q: %v", body, err)
		}
	}
}

func TestErrorText(t *testing.T) {
	for body, want := range map[string]string{
		`{"webhookEvent":"x","issue":{"key":"A-1","key":"A-2"}}`: `event: duplicate member at byte 46 (/issue/key): the object has two members of this name; send each name once`,
		`[]`:                               `event: not an object at byte 0: the body is a JSON value of another kind; send an object with a webhookEvent member`,
		`{}`:                               `event: no event type at byte 0: the root object names no event; add "webhookEvent" with the name of the event type`,
		`{"webhookEvent":1}`:               `event: webhookEvent not a string at byte 16 (/webhookEvent): the event type has another JSON kind; send its name as a string`,
		`{"webhookEvent":"x"`:              `event: syntax at byte 19: the body ends too early; send one JSON object in UTF-8, as RFC 8259 defines it, and nothing after it`,
		`{"webhookEvent":"x"}}`:            `event: syntax at byte 20: there is text after the end of the root object; send one JSON object in UTF-8, as RFC 8259 defines it, and nothing after it`,
		`{"a":` + strings.Repeat("[", 100): `event: too deep at byte 104 (/a` + strings.Repeat("/0", 98) + `): objects and arrays are nested more than 100 levels; send a flatter body`,
	} {
		var s Scanner
		_, err := s.scan([]byte(body), NewPlan(nil, jql.Env{}), newRecord())
		if err == nil || err.Error() != want {
			t.Errorf("%s:\n got %v\nwant %s", body, err, want)
		}
	}
}

// TestErrorTextIsBounded checks that a hostile body cannot fill a log through its error.
func TestErrorTextIsBounded(t *testing.T) {
	long := strings.Repeat("é", 100_000)
	var s Scanner
	_, err := s.scan([]byte(`{"`+long+`":{"a":1,"a":2}}`), NewPlan(nil, jql.Env{}), newRecord())
	if err == nil || len(err.Error()) > 500 {
		t.Errorf("error of %d bytes", len(err.Error()))
	}
}

// TestScannerAfterRefusal checks that nothing of a refused body is left for the next one.
func TestScannerAfterRefusal(t *testing.T) {
	var s Scanner
	plan := NewPlan(usualFields, jql.Env{})
	bad := `{"webhookEvent":"x","timestamp":1,"matchedWebhookIds":[],"property":{"key":"k"},"issue":{"a":{"b":`
	for range 3 {
		if _, err := s.scan([]byte(bad), plan, newRecord()); err == nil {
			t.Fatal("accepted")
		}
		r := newRecord()
		h, err := s.scan([]byte(`{"webhookEvent":"y","issue":null}`), plan, r)
		if err != nil {
			t.Fatal(err)
		}
		if (h != Header{Type: "y", end: 33}) || len(r.present) != 1 {
			t.Fatalf("%+v %v", h, r)
		}
	}
}
