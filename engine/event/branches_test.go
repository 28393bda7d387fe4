package event

import (
	"fmt"
	"testing"
)

// TestBranches fills tables with names that are alike, among them many of one key, and asks for all and for others.
func TestBranches(t *testing.T) {
	for form, other := range map[string]string{
		"customfield_%d": "customfield_%d_", "%d": "%d_", "12345678_%05d_12345678": "12345678_%05d_12345679",
	} {
		for _, size := range []int{1, 2, 7, 8, 9, 500} {
			var b branches
			nodes := make([]node, size)
			for i := range nodes {
				b.add(fmt.Sprintf(form, i), &nodes[i])
			}
			for i := range nodes {
				if b.named(fmt.Sprintf(form, i)) != &nodes[i] {
					t.Errorf("%s of %d: %d is not there", form, size, i)
				}
				if b.named(fmt.Sprintf(other, i)) != nil || b.named(fmt.Sprintf(form, size+i)) != nil {
					t.Errorf("%s of %d: something is found for %d that was not added", form, size, i)
				}
			}
		}
	}
	var b branches
	if b.named("a") != nil {
		t.Error("something is found in nothing")
	}
}
