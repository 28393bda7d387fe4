package server_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

// line is the answer to one line of a batch.
type line struct {
	accepted
	Line   int `json:"line"`
	Status int `json:"status"`
	Error  *struct {
		Code    string `json:"code"`
		Message string `json:"message"`
		Offset  *int64 `json:"offset"`
		Pointer string `json:"pointer"`
	} `json:"error"`
}

func (h *house) batch(body string, header map[string]string) (answer, []line) {
	h.T.Helper()
	all := map[string]string{"Content-Type": "application/x-ndjson"}
	for k, v := range header {
		all[k] = v
	}
	a := h.publish(body, all)
	var lines []line
	if a.Header.Get("Content-Type") != "application/x-ndjson" {
		return a, nil
	}
	for text := range strings.SplitSeq(a.Body, "\n") {
		var l line
		if err := json.Unmarshal([]byte(text), &l); err != nil {
			h.T.Fatalf("%v in line %q", err, text)
		}
		if (l.Status == 202) != (l.Error == nil) || (l.Status == 202) != (l.ID != "") {
			h.T.Errorf("line %q has both or neither of a receipt and an error", text)
		}
		lines = append(lines, l)
	}
	return a, lines
}

// statuses returns number and status of each line.
func statuses(lines []line) [][2]int {
	var list [][2]int
	for _, l := range lines {
		list = append(list, [2]int{l.Line, l.Status})
	}
	return list
}

func TestBatch(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	got := h.subscribe()
	large := `{"webhookEvent":"x","pad":"` + strings.Repeat("a", maxBody) + `"}`
	a, lines := h.batch("\n"+event+"\r\n{}\n \t\n"+large+"\n{\"webhookEvent\":\"y\",\"a\":1,\"a\":2}\nnonsense\n{\"webhookEvent\":\"z\"}", nil)
	want := [][2]int{{2, 202}, {3, 400}, {5, 413}, {6, 400}, {7, 400}, {8, 202}}
	if a.Status != 202 || !slices.Equal(statuses(lines), want) {
		t.Fatalf("the answer is %d %s\nwant lines %v", a.Status, a.Body, want)
	}
	if lines[0].Matched != 1 || lines[0].Deliveries != 1 || lines[0].Type != "jira:issue_updated" || lines[5].Type != "z" {
		t.Errorf("receipts %+v", lines)
	}
	if e := lines[3].Error; e.Code != "invalid_event" || e.Pointer != "/a" || *e.Offset != 29 {
		t.Errorf("the error of line 6 is %+v; offsets count from the line's beginning", e)
	}
	if lines[2].Error.Code != "too_large" {
		t.Errorf("the error of line 5 is %+v", lines[2].Error)
	}
	if body := (<-got).Body; !strings.HasPrefix(body, strings.TrimSuffix(event, "}")) {
		t.Errorf("the receiver got %s", body)
	}
}

// The status of a batch is 202 if anything was accepted, and the first line's otherwise.
func TestBatchStatus(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	large := `{"webhookEvent":"x","pad":"` + strings.Repeat("a", maxBody) + `"}`
	for body, want := range map[string]int{
		event: 202, "{}\n" + event: 202, "{}\n" + large: 400, large + "\n{}": 413,
		strings.Repeat("{}\n", 10_000): 400,
	} {
		if a, lines := h.batch(body, nil); a.Status != want || len(lines) == 0 {
			t.Errorf("%.40q: %d, want %d", body, a.Status, want)
		}
	}
	for _, kind := range []string{"application/ndjson", "application/jsonl", "Application/X-NDJSON; charset=utf-8"} {
		if a := h.publish(event+"\n"+event, map[string]string{"Content-Type": kind}); a.Status != 202 || !strings.Contains(a.Body, `"line":2`) {
			t.Errorf("%s: %d %s", kind, a.Status, a.Body)
		}
	}
	for _, body := range []string{"", "\n", " \r\n\t\n"} {
		a, _ := h.batch(body, nil)
		h.wantProblem(a, 400, "empty", "no line")
	}
	a, _ := h.batch(strings.Repeat("{}\n", 10_001), nil)
	h.wantProblem(a, 413, "too_large", "10000 lines")
	a, _ = h.batch(strings.Repeat("1\n", 1<<20), nil)
	h.wantProblem(a, 413, "too_large", "10000 lines")
}

// Each line has a key of its own, so that a batch can be repeated as a whole, and what is new in it is accepted.
func TestBatchKeys(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	key := map[string]string{"Idempotency-Key": "batch"}
	other := `{"webhookEvent":"other"}`
	_, first := h.batch(event+"\n{}\n\n"+event, key)
	if want := [][2]int{{1, 202}, {2, 400}, {4, 202}}; !slices.Equal(statuses(first), want) || first[0].ID == first[2].ID {
		t.Fatalf("the first time: %+v", first)
	}
	a, again := h.batch(event+"\n"+other+"\n"+other+"\n"+event, key)
	if want := [][2]int{{1, 202}, {2, 202}, {3, 202}, {4, 202}}; a.Status != 202 || !slices.Equal(statuses(again), want) {
		t.Fatalf("the second time: %s", a.Body)
	}
	for i, want := range []bool{true, false, false, true} {
		if again[i].Repeated != want {
			t.Errorf("line %d: repeated is %v", i+1, again[i].Repeated)
		}
	}
	if again[0].ID != first[0].ID || again[3].ID != first[2].ID {
		t.Error("a repeated line has another id")
	}
	a, changed := h.batch(other+"\n"+other+"\n"+event, key)
	if want := [][2]int{{1, 422}, {2, 202}, {3, 422}}; a.Status != 202 || !slices.Equal(statuses(changed), want) {
		t.Fatalf("with lines changed: %s", a.Body)
	}
	if changed[0].Error.Code != "idempotency_key_reused" {
		t.Errorf("the error is %+v", changed[0].Error)
	}
}

// The keys of lines are made of the batch's: they are no event's that is sent alone, and the batch's must leave room
// for them.
func TestBatchKeyOfLines(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	if _, lines := h.batch(event, map[string]string{"Idempotency-Key": "k"}); lines[0].Status != 202 {
		t.Fatalf("%+v", lines)
	}
	for _, key := range []string{"k", "k/1", "k 1", "k1", "k\t1"} {
		if a := h.publish(`{"webhookEvent":"another"}`, map[string]string{"Idempotency-Key": key}); a.Status != 202 {
			t.Errorf("the key %q of an event is answered %d %s", key, a.Status, a.Body)
		}
	}
	long := strings.Repeat("k", 245)
	body := strings.Repeat("\n", 1_000_000) + event
	a, lines := h.batch(body, map[string]string{"Idempotency-Key": long[1:]})
	if a.Status != 202 || len(lines) != 1 || lines[0].Line != 1_000_001 {
		t.Errorf("the longest key: %d %s", a.Status, a.Body)
	}
	a, _ = h.batch(event+"\n"+event, map[string]string{"Idempotency-Key": long})
	h.wantProblem(a, 400, "invalid_header", "245 bytes; at most 244")
}

// An array is a batch too: its elements are answered as lines are.
func TestArray(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	got := h.subscribe()
	large := `{"webhookEvent":"x","pad":"` + strings.Repeat("a", maxBody) + `"}`
	body := " [\n" + event + ", {},\t" + large + `,{"webhookEvent":"y","a":1,"a":2},[` + event + `],7,{"webhookEvent":"z"}]` + "\r\n"
	a, lines := h.batch(body, map[string]string{"Content-Type": "application/json"})
	want := [][2]int{{1, 202}, {2, 400}, {3, 413}, {4, 400}, {5, 400}, {6, 400}, {7, 202}}
	if a.Status != 202 || !slices.Equal(statuses(lines), want) {
		t.Fatalf("the answer is %d %s\nwant elements %v", a.Status, a.Body, want)
	}
	if e := lines[3].Error; e.Code != "invalid_event" || e.Pointer != "/a" || *e.Offset != 29 {
		t.Errorf("the error of element 4 is %+v; offsets count from the element's beginning", e)
	}
	if body := (<-got).Body; !strings.HasPrefix(body, strings.TrimSuffix(event, "}")) {
		t.Errorf("the receiver got %s", body)
	}
}

func TestArrayStatus(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for body, want := range map[string]int{
		"[" + event + "]": 202, "[{}," + event + "]": 202, "[{}]": 400, "[" + strings.Repeat("{},", 9_999) + "{}]": 400,
	} {
		if a, lines := h.batch(body, map[string]string{"Content-Type": "application/json"}); a.Status != want || len(lines) == 0 {
			t.Errorf("%.40q: %d, want %d", body, a.Status, want)
		}
	}
	for body, part := range map[string]string{
		"[" + event: "ends too early", "[" + event + ",]": "syntax", "[" + event + "]x": "text after the end of the root array",
		"[" + event + " " + event + "]": "syntax", "[" + event + "][]": "text after", "[" + strings.Repeat("[", 20_000): "syntax",
	} {
		h.wantProblem(h.publish(body, nil), 400, "invalid_event", part)
	}
	h.wantProblem(h.publish("[ ]", nil), 400, "empty", "no line")
	h.wantProblem(h.publish("["+strings.Repeat("1,", 1<<20)+"1]", nil), 413, "too_large", "10000 lines")
}

// Each element has a key of its own: that of the line with its number.
func TestArrayKeys(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	key := map[string]string{"Idempotency-Key": "batch"}
	_, asLines := h.batch(event+"\n"+event, key)
	key["Content-Type"] = "application/json"
	a, asArray := h.batch("["+event+","+event+","+event+"]", key)
	if len(asLines) != 2 || len(asArray) != 3 || asArray[0].ID != asLines[0].ID || asArray[1].ID != asLines[1].ID || !asArray[1].Repeated || asArray[2].Repeated {
		t.Errorf("lines %+v, then %s", asLines, a.Body)
	}
}
