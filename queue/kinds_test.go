package queue

import (
	"regexp"
	"testing"
)

// Every kind of key has a name, and they differ.
func TestKinds(t *testing.T) {
	named := map[byte]bool{}
	names := map[string]bool{}
	for _, k := range Kinds() {
		if named[k.Prefix] || names[k.Name] || !regexp.MustCompile(`^[a-z]+(_[a-z]+)*$`).MatchString(k.Name) {
			t.Errorf("%c %q is there twice, or is no name", k.Prefix, k.Name)
		}
		named[k.Prefix], names[k.Name] = true, true
	}
	for _, p := range []byte(Prefixes()) {
		if !named[p] {
			t.Errorf("rows of %c have no name", p)
		}
	}
	if len(named) != len(Prefixes()) {
		t.Errorf("%d kinds, %d prefixes", len(named), len(Prefixes()))
	}
}
