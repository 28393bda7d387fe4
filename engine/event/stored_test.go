package event

import (
	"bytes"
	"encoding/json"
	"maps"
	"math"
	"reflect"
	"slices"
	"testing"
	"time"

	"hookline/jql"
)

var noon = time.UnixMilli(1789377600123)

// members decodes an object one level deep and keeps the texts of its members.
func members(t testing.TB, object []byte) map[string]string {
	t.Helper()
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(object, &raw); err != nil {
		t.Fatalf("%s: %v", object, err)
	}
	out := map[string]string{}
	for name, text := range raw {
		out[name] = string(text)
	}
	return out
}

func stored(t testing.TB, body string) []byte {
	t.Helper()
	var s Scanner
	h, err := s.scan([]byte(body), NewPlan(nil, jql.Env{}), newRecord())
	if err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	return h.AppendStored(nil, []byte(body), noon)
}

func TestAppendStored(t *testing.T) {
	const ts = `,"timestamp":1789377600123}`
	for body, want := range map[string]string{
		// Untouched but for the time.
		`{"webhookEvent":"x"}`:                                                       `{"webhookEvent":"x"` + ts,
		`{"webhookEvent":"x","timestamp":1}`:                                         `{"webhookEvent":"x","timestamp":1}`,
		`{"timestamp":null,"webhookEvent":"x"}`:                                      `{"timestamp":null,"webhookEvent":"x"}`,
		`{"timesta\u006dp":"z","webhookEvent":"x"}`:                                  `{"timesta\u006dp":"z","webhookEvent":"x"}`,
		"\r\n { \"webhookEvent\" : \"x\" \n} \t":                                     "{ \"webhookEvent\" : \"x\" \n" + ts,
		" {\"timestamp\":1,\n\"webhookEvent\":\"x\"}\n":                              "{\"timestamp\":1,\n\"webhookEvent\":\"x\"}",
		`{"webhookEvent":"x","a":{"timestamp":1,"matchedWebhookIds":[9]}}`:           `{"webhookEvent":"x","a":{"timestamp":1,"matchedWebhookIds":[9]}` + ts,
		`{"webhookEvent":"x","b":1.000000000000000000010,"a":1E+400,"é":"\u00e9\/"}`: `{"webhookEvent":"x","b":1.000000000000000000010,"a":1E+400,"é":"\u00e9\/"` + ts,

		// The member of the matched ids in every place.
		`{"matchedWebhookIds":[1,2],"webhookEvent":"x"}`:                 `{"webhookEvent":"x"` + ts,
		`{"webhookEvent":"x","matchedWebhookIds":[1,2]}`:                 `{"webhookEvent":"x"` + ts,
		`{"webhookEvent":"x","matchedWebhookIds":null,"timestamp":1}`:    `{"webhookEvent":"x","timestamp":1}`,
		`{"timestamp":1,"webhookEvent":"x","matchedWebhookIds":{"a":1}}`: `{"timestamp":1,"webhookEvent":"x"}`,
		`{"matched\u0057ebhookIds":"z","webhookEvent":"x"}`:              `{"webhookEvent":"x"` + ts,
		`{ "matchedWebhookIds" : [ 1 ] , "webhookEvent" : "x" }`:         `{ "webhookEvent" : "x" ` + ts,
		`{ "webhookEvent" : "x" , "matchedWebhookIds" : [ 1 ] }`:         `{ "webhookEvent" : "x" ` + ts,
		`{ "a" : 1 , "matchedWebhookIds" : 17 , "webhookEvent" : "x" }`:  `{ "a" : 1 , "webhookEvent" : "x" ` + ts,
		`{"a":1,"matchedWebhookIds":17,"webhookEvent":"x","b":","}`:      `{"a":1,"webhookEvent":"x","b":","` + ts,
		`{"a":"}","matchedWebhookIds":"],}","webhookEvent":"x"}`:         `{"a":"}","webhookEvent":"x"` + ts,
	} {
		got := stored(t, body)
		if string(got) != want {
			t.Errorf("%s:\n got %s\nwant %s", body, got, want)
		}
		checkStored(t, []byte(body), got)
	}
}

// checkStored compares a stored body with the one it came from, member by member.
func checkStored(t testing.TB, body, got []byte) {
	t.Helper()
	want := members(t, body)
	delete(want, "matchedWebhookIds")
	if _, ok := want["timestamp"]; !ok {
		want["timestamp"] = "1789377600123"
	}
	if have := members(t, got); !maps.Equal(have, want) {
		t.Errorf("stored %s\n have %v\n want %v", got, have, want)
	}
}

func TestAppendStoredAppends(t *testing.T) {
	body := []byte(`{"webhookEvent":"x","matchedWebhookIds":[1]}`)
	before := bytes.Clone(body)
	var s Scanner
	h, err := s.scan(body, NewPlan(nil, jql.Env{}), newRecord())
	if err != nil {
		t.Fatal(err)
	}
	got := h.AppendStored([]byte("{ "), body, time.UnixMilli(-5))
	if want := `{ {"webhookEvent":"x","timestamp":-5}`; string(got) != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if !bytes.Equal(body, before) {
		t.Errorf("body changed to %s", body)
	}
}

func TestAppendMatched(t *testing.T) {
	for _, c := range []struct {
		stored string
		ids    []int64
		want   string
	}{
		{`{}`, []int64{1}, `{"matchedWebhookIds":[1]}`},
		{`{ }`, []int64{1}, `{ "matchedWebhookIds":[1]}`},
		{`{"a":1}`, []int64{1000, 1001}, `{"a":1,"matchedWebhookIds":[1000,1001]}`},
		{`{"a":{} }`, []int64{7}, `{"a":{} ,"matchedWebhookIds":[7]}`},
		{`{"a":"{"}`, []int64{7}, `{"a":"{","matchedWebhookIds":[7]}`},
		{"{\"a\":1}\n", []int64{7}, `{"a":1,"matchedWebhookIds":[7]}`},
		{`{"a":1}`, nil, `{"a":1,"matchedWebhookIds":[]}`},
		{`{"a":1}`, []int64{math.MinInt64, math.MaxInt64}, `{"a":1,"matchedWebhookIds":[-9223372036854775808,9223372036854775807]}`},
	} {
		from := []byte(c.stored)
		got := AppendMatched([]byte("x{"), from, c.ids)
		if string(got) != "x{"+c.want {
			t.Errorf("%s: got %s, want %s", c.stored, got, c.want)
		}
		if string(from) != c.stored {
			t.Errorf("stored body changed to %s", from)
		}
		if !json.Valid(got[2:]) {
			t.Errorf("%s is not valid", got)
		}
	}
}

// TestStoredFixtures checks whole bodies: equal members, every byte between the braces as it came, and
// ids that read back.
func TestStoredFixtures(t *testing.T) {
	for _, name := range fixtures {
		body := fixture(t, name)
		kept := stored(t, string(body))
		checkStored(t, body, kept)
		if !bytes.Equal(kept, bytes.TrimSpace(body)) {
			t.Errorf("%s: a body with a timestamp was changed", name)
		}
		var sent struct {
			MatchedWebhookIds []int64 `json:"matchedWebhookIds"`
		}
		full := AppendMatched(nil, kept, []int64{3, 5})
		if err := json.Unmarshal(full, &sent); err != nil || !slices.Equal(sent.MatchedWebhookIds, []int64{3, 5}) {
			t.Errorf("%s: %v %v", name, sent, err)
		}
		if again := stored(t, string(full)); !reflect.DeepEqual(again, kept) {
			t.Errorf("%s: storing what was sent does not give what was stored", name)
		}
	}
}

var fixtures = []string{"comment_created.json", "issue_updated.json", "issue_property_set.json"}
