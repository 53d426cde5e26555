// Package sim starts real NATS deployments on this machine and breaks them on request.
//
// Every server is a process of its own, so that it can be frozen, killed and
// started again like one in the field. No nats-server binary is needed: the
// running program starts itself once per server, and [RunServerIfAsked], called
// first in main and TestMain, turns such a child into a server. Everything
// listens on 127.0.0.1 only and stores below one directory.
//
// Routes, gateways and leaf links run through TCP proxies inside this process,
// so that each [Link] can be cut or black-holed; gossip is told dead addresses,
// so that servers cannot find a way around. Ping intervals, route pooling,
// compression and raft timing are left at the servers' production defaults: a
// black hole goes unnoticed by a leaf link or a client for minutes, as it does
// in production. Who needs it faster says so in [Cluster].Extra.
//
// Nothing outlives the program: [Deployment.Close] kills every server and
// removes every file, and servers die with a parent that could not close.
package sim
