// Package flavortest is for tests: a house, which is an installation in a temporary directory that is spoken to over
// HTTP as clients and receivers do, and the rules that every flavour keeps.
package flavortest
