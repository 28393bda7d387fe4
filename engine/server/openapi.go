package server

import (
	_ "embed"

	"github.com/valyala/fasthttp"
)

// openAPI describes the native API, as OpenAPI 3.1 has it (https://spec.openapis.org/oas/v3.1.0). It is written by hand;
// the tests check every request and answer of theirs against it.
//
//go:embed openapi.json
var openAPI []byte

func (s *Server) document(ctx *fasthttp.RequestCtx) {
	ctx.SetContentType("application/json")
	ctx.Response.SetBodyRaw(openAPI)
}
