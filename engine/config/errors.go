package config

import (
	"errors"
	"reflect"
	"regexp"
	"strings"

	"github.com/caarlos0/env/v11"
)

// quoted finds the places where the YAML package quotes values: `...` for one of the wrong type, '...' for an alias
// without an anchor, which an unquoted value that begins with * is taken for.
var quoted = regexp.MustCompile("(?s)(cannot construct \\S+) `.{0,10}` into|(unknown anchor) '.*?' referenced")

// withoutValues takes values out of an error's text: any of them may be a secret in the wrong place.
func withoutValues(err error) string {
	return quoted.ReplaceAllStringFunc(err.Error(), func(s string) string {
		if head, ok := strings.CutPrefix(s, "unknown anchor"); ok && head != "" {
			return "unknown anchor referenced; quote a value that begins with *"
		}
		return s[:strings.IndexByte(s, '`')] + "into"
	})
}

// variables names the variables of an error of package env, which names the fields of Config.
func variables(err error) error {
	var all env.AggregateError
	if !errors.As(err, &all) {
		return err
	}
	named := make([]error, len(all.Errors))
	for i, e := range all.Errors {
		named[i] = e
		var bad env.ParseError
		if errors.As(e, &bad) {
			named[i] = &variableError{variable(reflect.TypeFor[Config](), prefix, bad.Name), bad.Err}
		}
	}
	return errors.Join(named...)
}

type variableError struct {
	name string
	err  error
}

func (e *variableError) Error() string { return e.name + ": " + e.err.Error() }
func (e *variableError) Unwrap() error { return e.err }

// variable returns the name of the variable that sets a field of t or of a struct in it, or "".
func variable(t reflect.Type, prefix, field string) string {
	for i := range t.NumField() {
		f := t.Field(i)
		if name := f.Tag.Get("env"); name != "" && f.Name == field {
			return prefix + name
		}
		if inner := f.Tag.Get("envPrefix"); inner != "" {
			if name := variable(f.Type, prefix+inner, field); name != "" {
				return name
			}
		}
	}
	return ""
}
