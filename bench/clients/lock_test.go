package clients

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"
)

// TestPinned: a package is of one version, whose content the lock file names, from the public registry.
func TestPinned(t *testing.T) {
	var manifest struct{ Dependencies map[string]string }
	var lock struct {
		Packages map[string]struct{ Version, Resolved, Integrity string }
	}
	read(t, "package.json", &manifest)
	read(t, "package-lock.json", &lock)
	exact := regexp.MustCompile(`^\d+\.\d+\.\d+$`)
	for name, version := range manifest.Dependencies {
		if locked := lock.Packages["node_modules/"+name].Version; !exact.MatchString(version) || locked != version {
			t.Errorf("%s is %s in package.json and %q in the lock file; run npm install as doc.go says", name, version, locked)
		}
	}
	if len(manifest.Dependencies) == 0 || len(lock.Packages) <= len(manifest.Dependencies) {
		t.Errorf("%d packages, %d with all that they need", len(manifest.Dependencies), len(lock.Packages))
	}
	for path, p := range lock.Packages {
		if path != "" && (!strings.HasPrefix(p.Resolved, "https://registry.npmjs.org/") || p.Integrity == "") {
			t.Errorf("%s is of %q with the integrity %q", path, p.Resolved, p.Integrity)
		}
	}
}

func read(t *testing.T, name string, into any) {
	t.Helper()
	text, err := scripts.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, into); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}
