package dispatch

import (
	"crypto/tls"
	"errors"
	"net"
	"syscall"

	"github.com/valyala/fasthttp"

	"hookline/engine/egress"
	"hookline/engine/webhook"
)

// classOf names how an attempt ended: by the status of the answer or, without an answer, by the error.
func classOf(status int, err error) webhook.Class {
	switch {
	case err != nil:
		return classOfError(err)
	case status == fasthttp.StatusTooManyRequests:
		return webhook.Class429
	}
	switch status / 100 {
	case 2:
		return webhook.Class2xx
	case 3:
		return webhook.Class3xx
	case 4:
		return webhook.Class4xx
	case 5:
		return webhook.Class5xx
	}
	return webhook.ClassProtocol
}

func classOfError(err error) webhook.Class {
	var dial dialError
	switch result := connectResultOf(err); {
	case result == connectBlocked:
		return webhook.ClassBlocked
	case result == connectDNS:
		return webhook.ClassDNS
	case result == connectTLS || isAlert(err):
		return webhook.ClassTLS
	case errors.As(err, &dial):
		return webhook.ClassConnect
	case result == connectTimeout:
		return webhook.ClassTimeout
	}
	return webhook.ClassProtocol
}

// isAlert reports an alert of TLS after the handshake: by TLS 1.3 a client learns only then that its certificate is refused.
func isAlert(err error) bool {
	var alert tls.AlertError
	var op *net.OpError
	return errors.As(err, &alert) || errors.As(err, &op) && op.Op == "remote error"
}

// connectResult is what came of opening a connection.
type connectResult uint8

const (
	connectOK connectResult = iota
	connectDNS
	connectRefused
	connectTimeout
	connectTLS
	connectBlocked
	connectFailed // otherwise

	connectResults = 7
)

func (r connectResult) String() string {
	return [connectResults]string{"ok", "dns", "refused", "timeout", "tls", "blocked", "failed"}[r]
}

func connectResultOf(err error) connectResult {
	var blocked *egress.BlockedError
	var name *net.DNSError
	var handshake handshakeError
	switch {
	case err == nil:
		return connectOK
	case errors.As(err, &blocked):
		return connectBlocked
	case errors.As(err, &name):
		return connectDNS
	case errors.As(err, &handshake):
		return connectTLS
	case isTimeout(err):
		return connectTimeout
	case errors.Is(err, syscall.ECONNREFUSED):
		return connectRefused
	}
	return connectFailed
}
