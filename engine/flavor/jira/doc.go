// Package jira speaks Jira Cloud's webhooks: the dynamic registration API (/rest/api/2/webhook and
// /rest/api/3/webhook), that of administrators (/rest/webhooks/1.0/webhook), webhooks of Connect descriptors, the headers and body of the requests it
// sends, and its retry policy.
//
// Facts come from the guide "Webhooks" of the Jira Cloud platform in its versions of 2019 and 2026, and from the REST
// reference, group "Webhooks". Where the two ages differ, the older one is the contract and the newer behaviour
// is named where it is offered.
package jira
