package engine_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// mayImport holds the arrows of the house: which packages of the module a package may import, each with the reason
// for the edge. A package that is not listed may import none.
var mayImport = map[string]map[string]string{
	"jql":     {},
	"matcher": {"jql": "it indexes filters"},
	"queue":   {"queue/internal/lab": "the mistakes that its crash test has to notice"},

	"queue/internal/lab": {},
	"queue/crashtest":    {"queue": "what it crashes", "queue/internal/lab": "mistakes, and a stand between two steps"},

	"engine/webhook": {"jql": "the site that a tenant's filters speak of"},
	"engine/sign":    {},
	"engine/egress":  {},
	"engine/event": {
		"jql":     "the catalogue says where a field is in the body and what terms it has",
		"matcher": "terms go straight into the matcher's event",
	},
	"engine/store": {
		"engine/webhook": "the rows are its nouns",
		"queue":          "the queue says what options of the database it wants",
	},
	"engine/registry": {
		"engine/webhook": "nouns", "engine/store": "the changes it makes durable",
		"engine/event": "it extracts what its filters ask for",
		"jql":          "filters are checked and compiled here", "matcher": "one index a tenant",
	},
	"engine/dispatch": {
		"engine/webhook": "policy, attempt and outcome", "queue": "deliveries and their settlement",
		"engine/egress": "the error about addresses that nothing is sent to",
	},
	"engine/flavor/connect": {"engine/webhook": "what is kept of a descriptor, and what a URL is"},
	"engine/flavor": {
		"engine/flavor/connect": "what a flavour finds its webhooks in", "engine/webhook": "nouns", "engine/registry": "rules, and what an API handler works on",
		"engine/sign": "secrets that a flavour signs with",
	},
	"engine/flavor/jira": {
		"engine/flavor": "the interface it implements", "engine/registry": "its API registers there",
		"engine/flavor/connect": "descriptors that declare its webhooks",
		"engine/webhook":        "nouns", "engine/event": "the event types, and what is added to bodies",
		"engine/sign": "secrets, signatures and tokens of requests",
		"jql":         "dialects, and the errors to put into Jira's words",
	},
	"engine/flavor/migration": {
		"engine/flavor": "the interface it implements", "engine/registry": "its API registers there",
		"engine/flavor/connect": "descriptors that declare its webhooks",
		"engine/webhook":        "nouns", "engine/sign": "tokens of its API and of what it sends",
	},
	"engine/flavor/arcxp": {
		"engine/flavor": "the interface it implements", "engine/registry": "its API registers there",
		"engine/webhook": "nouns", "engine/event": "errors of bodies", "engine/sign": "tokens of webhooks",
	},
	"engine/flavor/flavortest": {
		"engine/egress": "its receivers are on this machine",
		"engine":        "the house it tests flavours in", "engine/server": "the same", "engine/flavor": "what it tests",
		"engine/webhook": "nouns", "engine/sign": "secrets of apps",
	},
	"engine": {
		"engine/webhook": "nouns", "engine/event": "errors of bodies", "engine/store": "opens it",
		"engine/sign": "seals secrets", "engine/registry": "matches", "engine/dispatch": "sends",
		"engine/egress": "connects", "engine/flavor": "renders", "queue": "keeps",
		"engine/flavor/connect": "reads descriptors",
	},
	"engine/inspect": {
		"engine/registry": "reads filters as registrations are read", "engine/event": "reads bodies as published ones are read",
		"engine/webhook": "the site", "jql": "what is asked about", "matcher": "matches a list of filters",
	},
	"engine/server": {
		"engine": "what it serves", "engine/flavor": "their routes", "engine/registry": "tenants and apps",
		"engine/webhook": "nouns", "engine/event": "errors of bodies", "queue": "errors of accepting", "engine/store": "the room on the disk",
		"engine/sign": "secrets of apps", "engine/inspect": "answers about filters", "jql": "the site that filters speak of",
	},
	"engine/config": {
		"engine": "makes its options", "engine/flavor": "chooses flavours", "engine/flavor/jira": "one of them",
		"engine/flavor/migration": "one of them", "engine/flavor/arcxp": "one of them",
		"engine/webhook": "tenants and apps of the file", "engine/sign": "the keys of secrets",
		"engine/egress": "where deliveries may go", "jql": "the limits of filters",
	},
	"bench": {
		"engine": "measures it", "engine/event": "measures what matching is fed with", "engine/store": "the queue that it measures by itself is on one", "engine/egress": "it sends to this machine", "engine/flavor": "options", "engine/flavor/jira": "the flavour it measures with",
		"engine/registry": "registrations", "engine/webhook": "nouns", "jql": "expected matches",
		"matcher": "measures it", "queue": "measures it", "queue/crashtest": "crashes it",
	},
	"bench/clients": {},
	"bench/process": {}, // what it runs is built and started as a user's is
	"cmd/hookline": {
		"bench": "the bench command", "engine": "runs it", "engine/config": "settings", "engine/server": "listeners",
		"engine/registry": "errors with exit codes of their own", "engine/store": "the same, and backups", "engine/webhook": "nouns", "queue": "the same",
		"engine/inspect": "what the jql command shows", "engine/egress": "the demo sends to this machine", "jql": "the site, and what the demo expects to match",
	},
}

// mayUse names, for packages that are worth using alone, the only modules they may draw in; and for heavy modules
// the only packages that may.
var (
	onlyModules = map[string][]string{
		"jql":            {"github.com/alecthomas/participle"},
		"matcher":        {},
		"queue":          {"github.com/cockroachdb/pebble", "github.com/cespare/xxhash"},
		"engine/webhook": {},
		"engine/sign":    {"github.com/golang-jwt/jwt"}, // receivers may want to verify with it and nothing else
	}
	onlyPackages = map[string][]string{
		"github.com/spf13/cobra":           {"cmd/hookline"},
		"github.com/cockroachdb/pebble":    {"queue", "queue/crashtest", "engine/store", "engine", "engine/flavor/flavortest", "bench"},
		"go.yaml.in/yaml":                  {"engine/config"},
		"github.com/fasthttp/router":       {"engine/server"},
		"github.com/alecthomas/participle": {"jql", "bench"},
		"github.com/golang-jwt/jwt":        {"engine/sign"},
		"code.dny.dev/ssrf":                {"engine/egress"},
	}
)

const module = "hookline/"

func TestImportArrows(t *testing.T) {
	seen := map[string]bool{}
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		pkg := filepath.ToSlash(filepath.Dir(strings.TrimPrefix(path, "../")))
		seen[pkg] = true
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, spec := range file.Imports {
			imported, _ := strconv.Unquote(spec.Path.Value)
			checkImport(t, path, pkg, imported)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for pkg := range mayImport {
		if !seen[pkg] {
			t.Errorf("the rules name %s, which is not there", pkg)
		}
	}
}

func checkImport(t *testing.T, path, pkg, imported string) {
	t.Helper()
	if inside, ok := strings.CutPrefix(imported, module); ok {
		if mayImport[pkg][inside] == "" {
			t.Errorf("%s: %s may not import %s: see the arrows in this test", path, pkg, inside)
		}
		return
	}
	if !strings.Contains(imported, ".") {
		return // the standard library
	}
	under := func(m string) bool { return imported == m || strings.HasPrefix(imported, m+"/") }
	if allowed, ok := onlyModules[pkg]; ok && !slices.ContainsFunc(allowed, under) {
		t.Errorf("%s: %s may not import %s", path, pkg, imported)
	}
	for m, packages := range onlyPackages {
		if under(m) && !slices.Contains(packages, pkg) {
			t.Errorf("%s: only %v may import %s", path, packages, m)
		}
	}
}
