// Package collect builds an epoch from live systems: it finds their servers
// through the system account, asks each of them its questions, and notes what
// became of every one.
//
// It is the impure and tolerant end of rollcall. Two rules shape it. The
// auditor's own blindness is never blamed on a server: a question counts as
// timed out only while the connection that carried it still works, else it is
// asked again over another one, or recorded as unreachable. And the audit must
// not harm what it watches: servers are asked one by one, every answer is
// compressed, and no answer may come through a leaf link that could close it
// (nats-facts 0.3).
package collect
