// Package clients holds clients and verifiers that others wrote, and tests that run them against a server as their users
// would: with the base URL set to the server's, and nothing else changed. Verifiers are also given what an embedded engine
// sends.
//
// They are npm packages, pinned in package.json and package-lock.json, that scripts in this folder use; node and npm
// install and run them in a folder that does not outlive the tests. Without node, npm or a way to the registry the tests
// are skipped; under CI=true they fail. To move to other versions change package.json and run
//
//	npm install --package-lock-only --omit-lockfile-registry-resolved=false
package clients
