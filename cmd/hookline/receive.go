package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/signal"
	"strings"
	"sync"
	"syscall"

	"github.com/spf13/cobra"
)

func newReceiveCommand(io streams) *cobra.Command {
	var listen string
	var status, count int
	c := &cobra.Command{
		Use:   "receive",
		Short: "Print the webhooks that come in",
		Long: `Listen on an address and print every request as one JSON object a line: method, path,
headers and body. For trying out webhooks; it checks nothing.`,
		Example: `  hookline receive                 on 127.0.0.1:9000, until Ctrl-C
  hookline receive --count 1       end after the first request
  hookline receive --status 503    answer so that deliveries are attempted again`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if status < 200 || status > 599 {
				return fmt.Errorf("--status is %d; use an HTTP status from 200 to 599", status)
			}
			ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
			defer stop()
			return failed(receive(ctx, io, listen, status, count))
		},
	}
	c.Flags().StringVar(&listen, "listen", "127.0.0.1:9000", "address to listen on")
	c.Flags().IntVar(&status, "status", 200, "status to answer with")
	c.Flags().IntVar(&count, "count", 0, "end after that many requests (0: never)")
	return c
}

// received is one request as it is printed.
type received struct {
	Method  string            `json:"method"`
	Path    string            `json:"path"`
	Headers map[string]string `json:"headers"`
	Body    json.RawMessage   `json:"body"`
}

func receive(ctx context.Context, io streams, listen string, status, count int) error {
	l, err := net.Listen("tcp", listen)
	if err != nil {
		return err
	}
	fmt.Fprintf(io.err, "listening on http://%s\n", l.Addr())
	ctx, done := context.WithCancel(ctx)
	defer done()
	p := &printer{out: io.out, left: count, done: done}
	s := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := p.print(r); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		w.WriteHeader(status)
	})}
	served := make(chan error, 1)
	go func() { served <- s.Serve(l) }()
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
		return s.Shutdown(context.WithoutCancel(ctx))
	}
}

// printer prints requests one at a time and calls done after the last one that is asked for.
type printer struct {
	mu   sync.Mutex
	out  io.Writer
	left int
	done func()
}

func (p *printer) print(r *http.Request) error {
	text, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	line := received{Method: r.Method, Path: r.URL.RequestURI(), Headers: map[string]string{}, Body: text}
	for name, values := range r.Header {
		line.Headers[name] = strings.Join(values, ", ")
	}
	if !json.Valid(text) {
		line.Body, err = json.Marshal(string(text))
	}
	out, marshalErr := json.Marshal(line)
	if err := errors.Join(err, marshalErr); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	fmt.Fprintf(p.out, "%s\n", out)
	if p.left--; p.left == 0 {
		p.done()
	}
	return nil
}
