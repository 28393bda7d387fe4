// Package egress decides where deliveries may go, and opens the connections to there.
//
// Whoever registers a webhook chooses an address that this process then sends to, from inside the operator's network:
// server-side request forgery, if nothing keeps it to public addresses. A [Guard] gives its verdict twice. At registration
// it judges what the URL says by itself: an address in place of a name, names that only internal networks have, the port.
// Before every connection it judges the addresses that the name leads to, and connects to those that it judged and no
// others; a name that leads elsewhere a moment later (DNS rebinding) gains nothing.
//
// Names are not looked up at registration. The answer would say nothing about later ones, looking up would
// tell whoever registers which internal names there are, and a slow name server would hold up registrations.
//
// What is not public is as package ssrf has it from IANA's registries of special-purpose addresses: loopback, private,
// link-local, shared (CGNAT), benchmark, documentation, multicast and reserved ones, everything outside 2000::/3, and within it
// 6to4 and Teredo. Added here are ISATAP addresses and the public one by which Azure's machines reach their host.
package egress
