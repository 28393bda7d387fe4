// Package inspect answers what people ask about filters: whether a text is one, which of a list of filters select an
// event, why one does or does not, and which fields there are. It registers and delivers nothing. The command line
// and the server show the same answers, whose JSON is declared here.
package inspect
