package main

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestReceive(t *testing.T) {
	screen, code := background("receive", "--listen", "127.0.0.1:0", "--count", "2", "--status", "503")
	_, address, _ := strings.Cut(screen.await(t, "\n"), "listening on ")
	for _, body := range []string{`{"a":1}`, "no JSON"} {
		resp, err := http.Post(strings.TrimSpace(address)+"/hook?x=1", "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		if err := resp.Body.Close(); err != nil || resp.StatusCode != 503 {
			t.Errorf("the answer is %d (%v)", resp.StatusCode, err)
		}
	}
	if c := <-code; c != exitFine {
		t.Errorf("exit code %d", c)
	}
	text := screen.await(t, "")
	for _, want := range []string{`{"method":"POST","path":"/hook?x=1",`, `"body":{"a":1}}`, `"body":"no JSON"}`, `"Content-Type":"application/json"`} {
		if !strings.Contains(text, want) {
			t.Errorf("%s is missing in\n%s", want, text)
		}
	}
}

func TestReceiveUsage(t *testing.T) {
	for _, args := range [][]string{{"--count", "-1"}, {"--status", "199"}, {"--status", "600"}, {"now"}} {
		var out, errOut bytes.Buffer
		if code := run(append([]string{"receive"}, args...), strings.NewReader(""), &out, &errOut); code != exitUsage || out.Len() > 0 {
			t.Errorf("%v: exit code %d, output %q", args, code, &out)
		}
	}
}

// A request that does not end does not hold the command for ever.
func TestReceiveTimeLimit(t *testing.T) {
	s := newScreen()
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- receive(ctx, streams{out: s, err: s}, receiveOptions{listen: "127.0.0.1:0", status: 200, patience: time.Millisecond})
	}()
	_, address, _ := strings.Cut(s.await(t, "\n"), "listening on http://")
	defer beginRequest(t, strings.TrimSpace(address)).Close()
	stop()
	if err := <-ended; !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("receive returned %v; want that the time was over", err)
	}
}
