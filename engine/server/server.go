package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/fasthttp/router"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/valyala/fasthttp"

	"hookline/engine"
	"hookline/engine/webhook"
)

// Options of a Server. Engine, Metrics, Listen and Operations are required.
type Options struct {
	Engine *engine.Engine

	// Metrics is what /metrics shows and where the server registers its own.
	Metrics *prometheus.Registry

	// Listen is the address (host:port) of the public listener, Operations of the one for metrics and health.
	// Port 0 picks a free one.
	Listen, Operations string

	// AdminToken opens the installation's API. It may be empty only where Listen is a loopback address.
	AdminToken string

	// BackupDir is the directory in which backups are made that are asked for over the API, and in which nobody else makes any.
	// Empty allows none.
	BackupDir string

	// ShutdownTimeout bounds how long requests in progress are waited for. Defaults to 30 seconds.
	ShutdownTimeout time.Duration

	// Logger gets failures and, at debug level, requests. Defaults to slog.Default.
	Logger *slog.Logger

	// Version is shown in /metrics and at /v1.
	Version string
}

// ErrOpen means that a server would be open to the world: it has no admin token and listens on an
// address that is not loopback.
var ErrOpen = errors.New("server: refusing to listen on a public address without an admin token; set one, or listen on a loopback address")

// Server is a process's two listeners.
type Server struct {
	options  Options
	admin    webhook.TokenHash // of the admin token; empty when there is none
	public   net.Listener
	ops      net.Listener
	http     *fasthttp.Server
	opsHTTP  *http.Server
	tenants  *router.Router // below a tenant
	global   *router.Router // the installation's own
	requests *requestMetrics
	draining atomic.Bool
	started  time.Time

	// work is the context of what requests ask for. It ends when Run does not wait for them any longer, while
	// fasthttp's own ends when a stop begins.
	work context.Context
}

// New opens both listeners; requests are answered once Run is called. Errors: [ErrOpen], or why an address
// cannot be listened on.
func New(o Options) (*Server, error) {
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.ShutdownTimeout == 0 {
		o.ShutdownTimeout = 30 * time.Second
	}
	s := &Server{options: o, started: time.Now()}
	if err := CheckOpen(o.Listen, o.AdminToken); err != nil {
		return nil, err
	}
	if o.AdminToken != "" {
		s.admin = webhook.HashToken(o.AdminToken)
	}
	if err := s.listen(); err != nil {
		return nil, err
	}
	if o.BackupDir != "" {
		if dir, err := filepath.Abs(o.BackupDir); err == nil {
			s.options.BackupDir = dir // who is told where a backup is may be in another directory
		}
		if err := o.Engine.RemoveUnfinished(o.BackupDir); err != nil {
			o.Logger.Warn("what is left of a backup that was cut off cannot be removed", "dir", o.BackupDir, "err", err)
		}
	}
	s.requests = newRequestMetrics(o.Metrics, o.Version)
	s.routes()
	s.http = &fasthttp.Server{
		Handler:               s.handle,
		ErrorHandler:          s.badRequest,
		Name:                  "hookline",
		HeaderReceived:        s.limits,
		MaxRequestBodySize:    smallBody,
		Concurrency:           maxConnections,
		ReadTimeout:           time.Minute,
		WriteTimeout:          time.Minute,
		IdleTimeout:           2 * time.Minute,
		CloseOnShutdown:       true,
		NoDefaultContentType:  true,
		SecureErrorLogMessage: true,
		Logger:                quiet{o.Logger},

		// Bodies are JSON; a form must not be read, or spilled to disk, before anyone asks for it.
		DisablePreParseMultipartForm: true,
	}
	s.opsHTTP = &http.Server{Handler: s.operations(), ReadHeaderTimeout: 10 * time.Second}
	return s, nil
}

func (s *Server) listen() (err error) {
	if s.public, err = net.Listen("tcp", s.options.Listen); err != nil {
		return fmt.Errorf("server: %w", err)
	}
	if s.ops, err = net.Listen("tcp", s.options.Operations); err != nil {
		return errors.Join(fmt.Errorf("server: operations: %w", err), s.public.Close())
	}
	return nil
}

// CheckOpen returns [ErrOpen] for an address and admin token that New would refuse.
func CheckOpen(listen, adminToken string) error {
	if adminToken == "" && !loopback(listen) {
		return fmt.Errorf("%w (it is %s)", ErrOpen, listen)
	}
	return nil
}

// loopback says whether an address can be reached from this machine only.
func loopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	return err == nil && loopbackHost(host)
}

func loopbackHost(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// Address is the public listener's host:port, Operations the other's.
func (s *Server) Address() string { return s.public.Addr().String() }

// Operations is the operations listener's host:port.
func (s *Server) Operations() string { return s.ops.Addr().String() }

// Run answers requests until ctx ends, and then waits for those in progress. The error is that of a
// listener that failed, or of requests that did not end in time.
func (s *Server) Run(ctx context.Context) error {
	work, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	s.work = work
	failed := make(chan error, 2)
	go func() { failed <- s.http.Serve(s.public) }()
	go func() { failed <- s.opsHTTP.Serve(s.ops) }()
	var err error
	select {
	case err = <-failed:
	case <-ctx.Done():
	}
	s.draining.Store(true)
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.options.ShutdownTimeout)
	defer cancel()
	// Shutdown passes over a listener that Serve has not taken up yet; closed, it cannot be taken up any more.
	defer func() { _, _ = s.public.Close(), s.ops.Close() }()
	// The operations listener goes last, so that a probe sees the draining.
	return errors.Join(err, s.http.ShutdownWithContext(stop), s.opsHTTP.Shutdown(stop))
}

// quiet passes what fasthttp has to say on to the debug log: it is about clients that hang up.
type quiet struct{ log *slog.Logger }

func (q quiet) Printf(format string, args ...any) { q.log.Debug(fmt.Sprintf(format, args...)) }
