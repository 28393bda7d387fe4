// Package sign makes and checks the signatures of webhook requests, and keeps the secrets they are made with.
//
// # What goes out
//
//   - [AppendHub]: X-Hub-Signature, an HMAC-SHA256 of the body, for webhooks that have a secret.
//   - [AppendStandard]: webhook-signature of Standard Webhooks, over the identifier and the time of an attempt and its
//     body: HMAC-SHA256 (v1) with a shared secret, Ed25519 (v1a) with a private key, several signatures while a
//     secret is changed. [ParseKey] reads both kinds of key, and public ones.
//   - [Connect]: the JWT of a Connect app, for Authorization: JWT. It is bound to one request by the qsh claim, the
//     hash of [Request.Canonical], and valid for [Lifetime]. Every attempt gets a new one.
//   - [Bearer]: the JWT of an OAuth 2.0 app, for Authorization: Bearer. It is bound to no request.
//
// # What comes in
//
// [VerifyHub] checks a hub signature, [VerifyStandard] those of Standard Webhooks and their time. A Connect JWT is
// checked in two steps, because its issuer says whose secret it has to be checked with: [Parse] reads the issuer
// and believes nothing, [Token.Verify] then checks signature, times and request. Only HS256 is accepted, whatever
// the token says of itself. All take several secrets, so that an old and a new one can be valid together while a
// secret is changed; empty ones are passed over and verify nothing. Signatures and hashes are compared in constant
// time.
//
// A token can be used again for the same request until it expires. Who cannot bear that has to make the request
// itself repeatable.
//
// # Secrets at rest
//
// A [Keyring] seals secrets with AES-256-GCM for the record that they belong to. A [Secret] in memory never
// prints its content, and no error of this package repeats a secret or a token.
//
// # Concurrency
//
// Every function and every method is safe for any number of goroutines; Secret, Key, Token and Keyring do not change.
//
// # Sources
//
//   - Header, method prefix and test vector of X-Hub-Signature: Atlassian, "Webhooks" (Jira Cloud platform), section on
//     securing admin webhooks; its form is that of W3C WebSub, section 7.
//   - Standard Webhooks 1.0.0 (standard-webhooks/standard-webhooks, spec/standard-webhooks.md): headers, signed text,
//     bounds and spelling of secrets, the list of signatures during rotation. It leaves open what whsk_ holds;
//     svix-server has seed and public key there. The tolerance of five minutes is that of its libraries.
//   - Claims and the three minutes of a Connect JWT: Atlassian, "Understanding JWT for Connect apps". That
//     context-qsh is for browser contexts only: the same page.
//   - Canonical request: Atlassian, "Creating a query string hash"; where that leaves a choice, what the npm package
//     atlassian-jwt 2.0.3 does, whose answers are in testdata.
//   - JWT of OAuth 2.0 apps: that it is signed by HS256 with the client secret is in "Webhooks"; its claims are not
//     published. Receivers are known to check the signature and exp.
//   - JWT itself: RFC 7519, RFC 7515 and RFC 8725 (one algorithm, chosen by the verifier), by golang-jwt.
//   - AES-GCM with random nonces: NIST SP 800-38D, section 8.3: at most 2^32 seals under one key.
package sign
