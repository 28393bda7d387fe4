package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// untilSignal returns a context that ends with the first SIGTERM, SIGINT or signal of more. A second one ends the
// process at once, as signals have their usual effect from then on. A nil ctx is that of a command run alone.
func untilSignal(ctx context.Context, more ...os.Signal) (context.Context, context.CancelFunc) {
	if ctx == nil {
		ctx = context.Background()
	}
	ctx, stop := signal.NotifyContext(ctx, append(more, syscall.SIGTERM, syscall.SIGINT)...)
	context.AfterFunc(ctx, stop)
	return ctx, stop
}
