package config_test

import (
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"hookline/engine/config"
)

// settings are the names of all that can be set below a struct, and by which variables.
func settings(t reflect.Type, name, variable string) (names []string) {
	for f := range t.Fields() {
		tag, env := name+f.Tag.Get("yaml"), variable+f.Tag.Get("env")
		switch {
		case f.Tag.Get("envPrefix") != "":
			names = append(names, settings(f.Type, tag+".", variable+f.Tag.Get("envPrefix"))...)
		case f.Tag.Get("env") == "": // in the file alone
			names = append(names, tag+" ")
		default:
			names = append(names, tag+" "+env)
		}
	}
	return names
}

// The manual's table has every setting and no other, and they are variables of the same name.
func TestSettingsAreDocumented(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/operate.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(text), "## Settings\n")
	table, _, _ = strings.Cut(table, "\n## ")
	var manual []string
	for _, row := range regexp.MustCompile("(?m)^\\| `([\\w.]+)` \\|").FindAllStringSubmatch(table, -1) {
		manual = append(manual, row[1])
	}
	var known []string
	for _, s := range settings(reflect.TypeFor[config.Config](), "", "") {
		name, variable, _ := strings.Cut(s, " ")
		known = append(known, name)
		want := strings.ToUpper(strings.ReplaceAll(name, ".", "_"))
		if name == "policies" || name == "tenants" {
			want = ""
		}
		if variable != want {
			t.Errorf("%s is the variable %s, not %s", name, variable, want)
		}
	}
	slices.Sort(manual)
	slices.Sort(known)
	if !slices.Equal(manual, known) {
		t.Errorf("the manual has %v\nand there are %v", manual, known)
	}
}
