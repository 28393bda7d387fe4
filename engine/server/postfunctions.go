package server

import (
	"github.com/valyala/fasthttp"

	"hookline/engine/webhook"
)

// postFunctions is the body of requests about the post-functions of a tenant, and of the answers.
type postFunctions struct {
	Items *[]webhook.PostFunction `json:"items"`
}

func (s *Server) getPostFunctions(ctx *fasthttp.RequestCtx) {
	if t, ok := s.pathTenant(ctx); ok {
		answerPostFunctions(ctx, t.PostFunctions)
	}
}

// putPostFunctions replaces the post-functions of a tenant.
func (s *Server) putPostFunctions(ctx *fasthttp.RequestCtx) {
	var body postFunctions
	if !decode(ctx, &body) {
		return
	}
	if body.Items == nil {
		problem(ctx, 400, "invalid", "items is missing; send the whole list, [] for none.")
		return
	}
	if err := s.options.Engine.SetPostFunctions(s.work, param(ctx, "tenant"), *body.Items); err != nil {
		refuse(ctx, err)
		return
	}
	answerPostFunctions(ctx, *body.Items)
}

func answerPostFunctions(ctx *fasthttp.RequestCtx, list []webhook.PostFunction) {
	if list == nil {
		list = []webhook.PostFunction{}
	}
	answer(ctx, 200, postFunctions{Items: &list})
}
