// Package server is Hookline as a process: the public listener with the native API and the APIs of the
// flavours, and the operations listener with metrics and health.
//
// # Addressing a tenant
//
// Every path of a tenant's APIs is reached in two ways: below /t/{tenant}, or at a host name that the
// tenant is known by. A client of one of the compatible systems is given
// https://hooks.example/t/acme as its base URL and works from there.
//
// Clients of Jira that go through Atlassian's API gateway put /ex/jira/{cloudId} in front of /rest/. The cloud id is the
// tenant's id: it addresses the tenant by itself, and below /t/{tenant} or at a tenant's host name it has to be that
// tenant's.
//
// # Credentials
//
// The admin token opens the installation's API (/v1/...) and every tenant's native API (/v1/... below the tenant), but
// for /v1/openapi.json, which is open to all; a tenant's tokens open the native API of that tenant; apps' tokens open
// the flavours' APIs for that app. All are sent as Authorization: Bearer. Connect apps may sign their requests instead and send Authorization: JWT; see
// flavor.Call.Caller.
//
// Without an admin token New insists on a loopback address. The installation's API, and the events API of tenants
// that have no tokens, are then open to the programs of this machine: to requests without Authorization that
// name a loopback address or a tenant's host, and do not come from a web page (they have no Origin, and no
// Sec-Fetch-Site but none and same-origin). A token that is sent must be right, and a tenant with tokens wants one
// of them in any case.
//
// # Limits
//
// Events with a right token, and filters to explain on an event, may have a body of 32 MiB, or of the largest event and
// 1 MiB where that is more; any other request 1 MiB. The limit is chosen from the headers, before the body is read.
//
// # Failures
//
// What fails before it comes to a handler is answered in the error form of the flavour whose paths were asked for,
// or else in the native one.
//
// # Stop
//
// Run turns /readyz to 503 when its context ends, carries out the requests that clients have begun to send, and
// returns; the engine is the caller's to close after that. Requests that took longer than
// Options.ShutdownTimeout are answered 503.
package server
