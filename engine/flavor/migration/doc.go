// Package migration speaks the webhooks of Atlassian's App Migration Platform: the registration API
// (/rest/atlassian-connect/1/migration/webhook), migration events, and their delivery under a Connect JWT until
// they are acknowledged.
//
// Facts come from "Prepare your cloud app for Connect migration" in its version of December 2022, and, where that is
// silent, from later versions of it and from the "Notification API" of the REST reference; the choices that neither
// makes are named where they are made.
package migration
