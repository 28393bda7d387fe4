package server

import (
	"errors"
	"fmt"
	"io"
	"reflect"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/valyala/fasthttp"
)

// decode reads a request's body: one JSON object whose members are all known and there once, so that a misspelt
// setting is not taken for none. If it is not, the request is answered.
func decode(ctx *fasthttp.RequestCtx, into any, options ...json.Options) bool {
	body := jsontext.Value(ctx.PostBody())
	err := json.Unmarshal(body, into, append(options, json.RejectUnknownMembers(true))...)
	if kind := body.Kind(); err == nil && kind != '{' {
		err = fmt.Errorf("it is %s; send a JSON object", kindName(kind)) // null would be taken for an empty one
	}
	if err == nil {
		return true
	}
	answer(ctx, 400, failure{Error: bodyFailure(err)})
	return false
}

// empty refuses a body with anything in it, where nothing is expected; if it does, the request is answered.
func empty(ctx *fasthttp.RequestCtx) bool {
	return len(ctx.PostBody()) == 0 || decode(ctx, &struct{}{})
}

// nullable is a member that can be left out, be null, or have a value.
type nullable[T any] struct {
	given bool
	value *T // nil for null
}

// UnmarshalJSONFrom is called where the member is there.
func (n *nullable[T]) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	n.given = true
	return json.UnmarshalDecode(d, &n.value)
}

// orZero is nil where the member is left out, and the zero value where it is null.
func (n *nullable[T]) orZero() *T {
	if n.given && n.value == nil {
		return new(T)
	}
	return n.value
}

// bodyFailure says what is wrong with a body, in words that do not speak of Go.
func bodyFailure(err error) failureBody {
	f := failureBody{Code: "invalid_json"}
	text := err.Error()
	var syntactic *jsontext.SyntacticError
	var semantic *json.SemanticError
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		text = "the JSON is incomplete; send {} for no settings"
	case errors.As(err, &syntactic):
		text = syntactic.Err.Error()
		f.Offset, f.Pointer = &syntactic.ByteOffset, string(syntactic.JSONPointer)
	case errors.As(err, &semantic):
		text = misfit(semantic)
		f.Offset, f.Pointer = &semantic.ByteOffset, string(semantic.JSONPointer)
	}
	f.Message = "The request body cannot be read: " + text + "."
	return f
}

// misfit says why a value of the body is not what is expected in its place.
func misfit(e *json.SemanticError) string {
	where := "it"
	if e.JSONPointer != "" {
		where = fmt.Sprintf("%q", e.JSONPointer.LastToken())
	}
	switch {
	case errors.Is(e.Err, json.ErrUnknownName):
		return "there is no member " + where
	case e.Err != nil:
		return where + ": " + e.Err.Error()
	}
	return fmt.Sprintf("%s is %s; send %s", where, kindName(e.JSONKind), expected(e.GoType))
}

func kindName(k jsontext.Kind) string {
	switch k {
	case 'n':
		return "null"
	case 't', 'f':
		return "a truth value"
	case '"':
		return "a string"
	case '0':
		return "a number"
	case '[':
		return "an array"
	}
	return "an object"
}

// expected says what values a Go type is read from.
func expected(t reflect.Type) string {
	for t != nil && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch {
	case t == nil:
		return "something else"
	case t.Kind() == reflect.String:
		return "a string"
	case t.Kind() == reflect.Bool:
		return "true or false"
	case t.Kind() == reflect.Float64:
		return "a number within bounds"
	case t.Kind() == reflect.Slice:
		return "an array"
	case t.Kind() == reflect.Struct:
		return "an object"
	}
	return "a whole number within bounds"
}
