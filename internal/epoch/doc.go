// Package epoch holds the snapshot that everything else judges: the state of a
// whole deployment at one moment, together with its coverage (which question
// was put to which server, and what became of it).
//
// An epoch is made by a Builder and never changes afterwards. A Builder given
// the epoch before carries over what was known and was not seen this time: a
// server that fell silent and the streams on it stay in the epoch, marked as
// remembered, until somebody who has the authority says that they are gone.
package epoch
