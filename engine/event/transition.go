package event

// Transition is the step of a workflow that an issue made, as the transition object of its event tells it: what a site
// calls the workflow and the step, by number and by name. What the object does not say is "".
type Transition struct{ WorkflowID, WorkflowName, ID, Name string }

// Fires says whether the body is of a transition at which Jira fires post-functions. At the Create transition, that of
// jira:issue_created, it fires none.
func (h *Header) Fires() bool { return h.HasTransition && h.Type == "jira:issue_updated" }

// TransitionOf reads the transition of a body that was scanned.
func TransitionOf(body []byte) Transition {
	texts := Texts(body, Path{"transition", "workflowId"}, Path{"transition", "workflowName"},
		Path{"transition", "transitionId"}, Path{"transition", "transitionName"})
	return Transition{WorkflowID: texts[0], WorkflowName: texts[1], ID: texts[2], Name: texts[3]}
}
