package server

import (
	"strings"

	"github.com/valyala/fasthttp"

	"hookline/engine"
)

const (
	// smallBody is the largest request body, in bytes, of whoever has no right to publish. fasthttp makes room for
	// a whole body before any handler sees the request, so that this times maxConnections is what anyone who can
	// connect may make the server use.
	smallBody = 1 << 20

	// maxConnections bounds the public listener's connections.
	maxConnections = 4096
)

// largeBody is the largest request body of a publisher. A batch may be larger than any of its events.
func (s *Server) largeBody() int { return max(s.options.Engine.Options().MaxBody+1<<20, 32<<20) }

// limits chooses the largest body of a request when its headers have come in, before its body is read.
func (s *Server) limits(h *fasthttp.RequestHeader) fasthttp.RequestConfig {
	return fasthttp.RequestConfig{MaxRequestBodySize: s.bodyLimit(h)}
}

func (s *Server) bodyLimit(h *fasthttp.RequestHeader) int {
	if n := h.ContentLength(); n >= 0 && n <= smallBody {
		return smallBody // the handler checks the token; there is no need to do it twice
	}
	u := fasthttp.AcquireURI()
	defer fasthttp.ReleaseURI(u)
	if err := u.Parse(h.Host(), h.RequestURI()); err != nil {
		return smallBody
	}
	if a := s.address(u); h.IsPost() && (a.publishes() || a.path == explainPath) && s.maySend(h, &a) {
		return s.largeBody()
	}
	return smallBody
}

// publishes says whether the address is that of a tenant's events, of Jira or of a system that it names.
func (a *address) publishes() bool {
	system, named := strings.CutPrefix(a.path, eventsPath+"/")
	return a.tenant != nil && (a.path == eventsPath || named && system != "")
}

// maySend says whether a request may send events to a tenant, or to the installation where it is addressed to that.
func (s *Server) maySend(h *fasthttp.RequestHeader, a *address) bool {
	if a.tenant != nil {
		return s.mayPublish(h, a.tenant, a.host)
	}
	return a.prefix == "" && (s.isAdmin(h) || s.isOpen(h, a.host))
}

// tooLarge answers a request whose body was over the limit. An event without a right token is answered as one with a
// small body is.
func (s *Server) tooLarge(ctx *fasthttp.RequestCtx, a address) {
	if a.publishes() {
		if !s.mayBring(ctx) {
			return
		}
		s.options.Engine.CountRejected(engine.RejectedTooLarge)
	}
	s.fail(ctx, 413, "too_large", "The request body is larger than is read: %d bytes of events with a token for them, %d bytes of anything else.",
		s.largeBody(), smallBody)
}
