package jql

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"os/exec"
	"testing"
)

var refreshFlag = flag.Bool("refresh", false, "make testdata/corpus anew with Atlassian's parser; needs npm and node")

// randomPart is how many sentences the random part of the corpus has; mutations double it.
const randomPart = 600

// corpusFilters are the filters of the corpus, each once.
func corpusFilters() []string {
	seen := make(map[string]bool)
	var all []string
	for _, part := range [][]string{grammarFilters(), lexicalFilters(), randomFilters(randomPart)} {
		for _, filter := range part {
			if !seen[filter] {
				seen[filter] = true
				all = append(all, filter)
			}
		}
	}
	return all
}

// refreshCorpus asks Atlassian's parser about every filter. Its packages are installed into a folder
// that does not outlive the test.
func refreshCorpus(t *testing.T) {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("testdata/corpus/refresh")); err != nil {
		t.Fatal(err)
	}
	run := func(input []byte, name string, args ...string) []byte {
		cmd := exec.CommandContext(t.Context(), name, args...)
		cmd.Dir, cmd.Stdin, cmd.Stderr = dir, bytes.NewReader(input), os.Stderr
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		return out
	}
	run(nil, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	var filters bytes.Buffer
	out := json.NewEncoder(&filters)
	for _, filter := range corpusFilters() {
		if err := out.Encode(filter); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(corpusFile, run(filters.Bytes(), "node", "atlassian.mjs"), 0o644); err != nil {
		t.Fatal(err)
	}
}
