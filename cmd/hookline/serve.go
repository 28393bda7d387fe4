package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/spf13/cobra"

	"hookline/engine"
	"hookline/engine/config"
	"hookline/engine/registry"
	"hookline/engine/server"
	"hookline/engine/store"
	"hookline/engine/webhook"
	"hookline/queue"
)

func newServeCommand(io streams) *cobra.Command {
	var file string
	var check bool
	flags := config.Default()
	c := &cobra.Command{
		Use:   "serve",
		Short: "Run the server",
		Long: `Run the server: the APIs on one listener, metrics and health on another.

Settings come from a YAML file, then from HOOKLINE_* variables (HOOKLINE_LISTEN,
HOOKLINE_DATA, HOOKLINE_ADMIN_TOKEN, ...), then from flags; later ones win.`,
		Example: `  hookline serve                          on loopback, data in ./hookline-data
  hookline serve --config hookline.yaml
  HOOKLINE_ADMIN_TOKEN=... hookline serve --listen :8080`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			conf, err := config.Load(file, environment())
			if err != nil {
				return misconfigured(err)
			}
			override(c, &conf, &flags)
			if err := conf.Validate(); err != nil {
				return misconfigured(err)
			}
			if err := server.CheckOpen(conf.Listen, conf.AdminToken); err != nil {
				return misconfigured(err)
			}
			if check {
				fmt.Fprintln(io.out, "the configuration is fine")
				return nil
			}
			return serve(c.Context(), io, &conf)
		},
	}
	f := c.Flags()
	f.StringVarP(&file, "config", "c", "", "YAML file with settings")
	f.BoolVar(&check, "check", false, "check the settings and end")
	f.StringVar(&flags.Listen, "listen", flags.Listen, "address of the APIs [HOOKLINE_LISTEN]")
	f.StringVar(&flags.Operations, "operations", flags.Operations, "address of metrics and health [HOOKLINE_OPERATIONS]")
	f.StringVar(&flags.Data, "data", flags.Data, "data directory [HOOKLINE_DATA]")
	f.BoolVar(&flags.AllowHTTP, "allow-http", false, "admit callback URLs with plain http [HOOKLINE_ALLOW_HTTP]")
	return c
}

// override applies the flags that were given.
func override(c *cobra.Command, conf, flags *config.Config) {
	given := c.Flags().Changed
	if given("listen") {
		conf.Listen = flags.Listen
	}
	if given("operations") {
		conf.Operations = flags.Operations
	}
	if given("data") {
		conf.Data = flags.Data
	}
	if given("allow-http") {
		conf.AllowHTTP = flags.AllowHTTP
	}
}

func environment() map[string]string {
	vars := map[string]string{}
	for _, pair := range os.Environ() {
		name, value, _ := strings.Cut(pair, "=")
		vars[name] = value
	}
	return vars
}

// serve runs until SIGTERM or SIGINT; a second one ends the process at once.
func serve(ctx context.Context, io streams, conf *config.Config) error {
	ctx, stop := untilSignal(ctx)
	defer stop()
	log := conf.Logger(io.err)
	p, err := start(ctx, conf, log)
	if err != nil {
		return err
	}
	log.Info("serving", "listen", p.server.Address(), "operations", p.server.Operations(), "data", conf.Data)
	go func() {
		<-ctx.Done()
		log.Info("stopping: in-flight attempts are finished first; a second signal stops at once")
	}()
	return failed(p.run(ctx))
}

// process is an engine with a server in front of it.
type process struct {
	conf   *config.Config
	engine *engine.Engine
	server *server.Server
}

// start opens engine and listeners. Its errors carry exit codes.
func start(ctx context.Context, conf *config.Config, log *slog.Logger) (*process, error) {
	metrics := prometheus.NewRegistry()
	options := conf.Engine()
	options.Metrics, options.Logger = metrics, log
	// A server that must not listen must not touch the data directory either.
	if err := server.CheckOpen(conf.Listen, conf.AdminToken); err != nil {
		return nil, misconfigured(err)
	}
	e, err := engine.Open(options)
	if errors.Is(err, store.ErrFormat) || errors.Is(err, queue.ErrFormat) || errors.Is(err, store.ErrIsBackup) {
		return nil, misconfigured(err)
	}
	if err != nil {
		return nil, failed(err)
	}
	if err := conf.Apply(ctx, e); err != nil {
		return nil, applyFailed(errors.Join(err, e.Close(ctx)))
	}
	s, err := server.New(server.Options{
		Engine: e, Metrics: metrics, Listen: conf.Listen, Operations: conf.Operations, AdminToken: conf.AdminToken, BackupDir: conf.BackupDir,
		ShutdownTimeout: conf.ShutdownTimeout, Logger: log, Version: version(),
	})
	if err != nil {
		return nil, failed(errors.Join(err, e.Close(ctx)))
	}
	return &process{conf: conf, engine: e, server: s}, nil
}

// applyFailed gives an error of applying the file its exit code: what another file would mend, or what a restart may.
func applyFailed(err error) error {
	var invalid *webhook.InvalidError
	var host *registry.HostTakenError
	var token *registry.TokenTakenError
	if errors.As(err, &invalid) || errors.As(err, &host) || errors.As(err, &token) {
		return misconfigured(err)
	}
	return failed(err)
}

// run serves until ctx ends, then stops: first what comes in, then what goes out.
func (p *process) run(ctx context.Context) error {
	err := p.server.Run(ctx)
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), p.conf.ShutdownTimeout)
	defer cancel()
	return errors.Join(err, p.engine.Close(end))
}
