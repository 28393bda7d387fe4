package jql

import (
	"strings"
	"testing"
)

// TestParseAroundBuffer parses texts of one token a byte, just within the buffer and just beyond it.
func TestParseAroundBuffer(t *testing.T) {
	for args := bufferTokens/2 - 5; args < bufferTokens/2+3; args++ {
		query := "a=f(" + strings.Repeat("1,", args-1) + "1)"
		for _, query := range []string{query, query + " "} {
			q, err := Parse(query)
			if err != nil {
				t.Fatalf("%d bytes: %v", len(query), err)
			}
			if f := q.Where.(*Clause).Operand.(Function); len(f.Args) != args {
				t.Errorf("%d bytes: %d arguments, want %d", len(query), len(f.Args), args)
			}
		}
		if _, err := Parse("a=f(1"); err == nil {
			t.Error("what an earlier text left in the buffer was read")
		}
	}
}
