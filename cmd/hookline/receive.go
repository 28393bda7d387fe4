package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"
)

func newReceiveCommand(io streams) *cobra.Command {
	o := receiveOptions{patience: 10 * time.Second}
	c := &cobra.Command{
		Use:   "receive",
		Short: "Print the webhooks that come in",
		Long: `Listen on an address and print every request as one JSON object a line: method, path,
headers and body. For trying out webhooks; it checks nothing.`,
		Example: `  hookline receive                 on 127.0.0.1:9000, until Ctrl-C
  hookline receive --count 1       end after the first request
  hookline receive --status 503    answer so that deliveries are attempted again`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := o.validate(); err != nil {
				return fmt.Errorf("%w; see '%s --help'", err, c.CommandPath())
			}
			ctx, stop := untilSignal(c.Context())
			defer stop()
			return failed(receive(ctx, io, o))
		},
	}
	c.Flags().StringVar(&o.listen, "listen", "127.0.0.1:9000", "address to listen on")
	c.Flags().IntVar(&o.status, "status", 200, "status to answer with")
	c.Flags().IntVar(&o.count, "count", 0, "end after that many requests (0: never)")
	return c
}

// receiveOptions are what the user may choose, and how long a stop waits for requests in progress.
type receiveOptions struct {
	listen        string
	status, count int
	patience      time.Duration
}

func (o *receiveOptions) validate() error {
	switch {
	case o.status < 200 || o.status > 599:
		return fmt.Errorf("--status is %d; use an HTTP status from 200 to 599", o.status)
	case o.count < 0:
		return fmt.Errorf("--count is %d; use 0 for no end, or the number of requests", o.count)
	}
	return nil
}

// received is one request as it is printed.
type received struct {
	Method  string            `json:"method"`
	Path    string            `json:"path"`
	Headers map[string]string `json:"headers"`
	Body    json.RawMessage   `json:"body"`
}

func receive(ctx context.Context, io streams, o receiveOptions) error {
	l, err := net.Listen("tcp", o.listen)
	if err != nil {
		return err
	}
	fmt.Fprintf(io.err, "listening on http://%s\n", l.Addr())
	ctx, done := context.WithCancel(ctx)
	defer done()
	p := &printer{out: io.out, left: o.count, done: done}
	s := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := p.print(r); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		w.WriteHeader(o.status)
	})}
	served := make(chan error, 1)
	go func() { served <- s.Serve(l) }()
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
		return shutDown(s, o.patience)
	}
}

// shutDown ends a server: gracefully, or with an error if requests in progress take too long.
func shutDown(s *http.Server, patience time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := s.Shutdown(ctx); err != nil {
		return errors.Join(fmt.Errorf("waiting for requests in progress: %w", err), s.Close())
	}
	return nil
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
