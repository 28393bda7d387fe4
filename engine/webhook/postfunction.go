package webhook

import "fmt"

// PostFunction is a step that a workflow of Jira takes after a transition of an issue: it fires a webhook.
type PostFunction struct {
	// Workflow and Transition are each the number or the name by which events call it.
	Workflow   string `json:"workflow"`
	Transition string `json:"transition"`

	// Webhook is the number of an admin webhook of the tenant.
	Webhook int64 `json:"webhook"`
}

// Bounds of a tenant's post-functions: how many there may be, and the bytes of a name.
const (
	MaxPostFunctions = 1000
	maxWorkflowName  = 255
)

// Problem says what is wrong with a post-function by itself, "" where nothing is.
func (p *PostFunction) Problem() string {
	for _, name := range []struct{ member, text string }{{"workflow", p.Workflow}, {"transition", p.Transition}} {
		switch {
		case name.text == "":
			return name.member + " is missing or empty; give its number or its name"
		case len(name.text) > maxWorkflowName:
			return fmt.Sprintf("%s has %d bytes; at most %d are allowed", name.member, len(name.text), maxWorkflowName)
		}
	}
	if p.Webhook <= 0 {
		return "webhook is missing; give the number of an admin webhook"
	}
	return ""
}
