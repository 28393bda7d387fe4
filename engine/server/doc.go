// Package server is Hookline as a process: the public listener with the native API and the APIs of the
// flavours, and the operations listener with metrics and health.
//
// # Addressing a tenant
//
// Every path of a tenant's APIs is reached in two ways: below /t/{tenant}, or at a host name that the
// tenant is known by. A client of one of the compatible systems is given
// https://hooks.example/t/acme as its base URL and works from there.
//
// # Credentials
//
// The admin token opens the installation's API (/v1/...) and every tenant's native API; a tenant's tokens
// open the native API of that tenant; apps' tokens open the flavours' APIs for that app. All are sent
// as Authorization: Bearer. Without an admin token the installation's API is open to whoever can
// connect, so New then insists on a loopback address.
//
// # Stop
//
// Run turns /readyz to 503 when its context ends, waits for requests in progress, and returns; the engine is the
// caller's to close after that.
package server
