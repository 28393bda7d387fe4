// Package event reads the body of an event once: it checks that the bytes are strict JSON, finds what
// the engine itself needs to know (the type, whether there is an issue), and hands the terms of the
// fields that filters ask for straight to a matcher.Event.
//
// # Strict
//
// A receiver that takes the last of two members of one name while the filter saw the first would
// be a way round the filter, so duplicate names are refused, as are invalid UTF-8, escapes of half a
// surrogate pair, trailing bytes, more than [MaxDepth] levels of nesting, and anything else that RFC 8259
// does not allow. The body is otherwise opaque: it is forwarded byte for byte, and what the engine adds is
// spliced in at the end of the root object, so that number precision and the order of members survive.
//
// A scan reads the bytes itself, in one pass that neither builds a tree nor notes where it is; of a body that it refuses
// package jsontext then says what is wrong and where. Both refuse the same bodies, which FuzzScan checks.
//
// Two other ways were measured against it on real bodies of 9 KiB (peers_test.go; the best of ten runs in turns, on a busy
// machine): the decoder of package jsontext going down the tree of a plan takes 20 to 22 microseconds, package fastjson 8, and
// 25 with a strict reader in front, which it needs as it lets repeated names and bad strings pass. A scan, which makes terms of
// the values besides, takes 11 to 12, and 9 where the others take 35 and 40: where strings are beyond ASCII.
//
// # Terms
//
// A [Plan] knows where in the bodies of a site the values of the wanted fields stand, and jql.Terms how a value
// becomes terms; the result agrees with jql.Evaluate on the same body. To the fields of the language the package
// adds some of its own, such as [ChangedField] and [MergedField], with which the engine asks for a
// webhook's event types and field lists in the same filter.
//
// Members may come in any order. What depends on a member that comes later, such as the value of the
// root property on the type of the event, is noted and used at the end of the object.
//
// # Concurrency
//
// A Plan is immutable and shared; a Scanner belongs to one goroutine at a time.
package event
