package server

import (
	"fmt"
	"strings"
	"time"

	"rollcall/internal/check"
	"rollcall/internal/entity"
	"rollcall/internal/epoch"
	"rollcall/internal/quantity"
	"rollcall/internal/quorum"
)

type silent struct {
	SilentFor time.Duration `name:"silent_for" default:"15s" min:"1s" max:"1d" doc:"How long nobody, neither the audit nor another server, must have heard from the server."`
}

// Silent is SERVER_021.
var Silent = check.Define(&Family, check.Spec[silent]{
	Code:     "SERVER_021",
	Title:    "Server Silent",
	Severity: check.Critical, Mildest: check.Warning,
	Category: check.Health,
	Entity:   entity.Server,
	Since:    "0.1",
	Uses:     epoch.Questions,
	Doc: check.Doc{
		Means: "A server that is known, because it answered earlier or because the meta group, a route or a stream's peers name it, answers no question and sends no heartbeat. Its last sign of life, to the audit or to another server, is longer ago than `silent_for`.",
		Matters: "Every replica on the server is out. Streams with three replicas are one failure from refusing writes; streams whose only replica is here cannot be read or written at all. " +
			"It also catches what health endpoints and pings miss: a process that hangs while its host and its open connections look alive.",
		Causes: []string{
			"The process crashed, was killed (out of memory) or evicted.",
			"The process hangs: stopped, deadlocked, blocked in I/O on a stalled disk. Its connections stay open and its host answers pings.",
			"The host or its network is down, or cut off from the servers that the audit can reach.",
			"It was stopped on purpose. A graceful stop or lame duck announces itself; then this is a warning.",
		},
		Diagnose: []check.Step{
			{Say: "See whether the others still list it, and who answers.", Run: "nats server list", Risk: check.Safe},
			{Say: "See the members of the JetStream meta group and when each was last seen.", Run: "nats server report jetstream", Risk: check.Safe},
			{Say: "On its host: is the process there, in what state (T stopped, D blocked in I/O), and what did it log last?", Run: "ps -o pid,stat,wchan:32,etime,args -C nats-server; journalctl -u nats-server -n 100", Risk: check.Safe},
		},
		Fix: []check.Step{
			{Say: "If the process is gone, start it again; it catches up by itself.", Run: "systemctl restart nats-server", Risk: check.Careful},
			{Say: "If it hangs, restart it. Before, take a stack dump if you can: it tells why.", Run: "kill -ABRT <pid>", Risk: check.Disruptive},
			{Say: "If it will not come back soon, remove it from the JetStream cluster, so that its replicas are placed on other servers.", Run: "nats server cluster peer-remove <server>", Risk: check.Disruptive},
		},
		Prevent: []string{
			"A liveness probe that tests JetStream (`/healthz`), not only the port, with a restart policy.",
			"Alert on disk latency and memory of the hosts; set GOMEMLIMIT below the container's limit.",
			"Spread replicas over failure domains, so that one lost server is never more than one replica.",
		},
		FalsePositives: "A server removed for good stays silent until it is removed from the meta group (`nats server cluster peer-remove`); one outside any JetStream cluster is forgotten after a day. A network fault between the audit and one server only is not reported here as long as other servers hear it: see SELF_001.",
		Questions: []check.QA{
			{Question: "Why not rely on `offline` in the stream reports?", Answer: "The servers set it by their own slow sweep: after a crash, a hang or a partition it took 151 to 188 s in our measurements (server.go:1900 and events.go:837 say 150 to 240 s). It is immediate only after a graceful stop."},
			{Question: "What happens to the findings of its streams?", Answer: "They are kept under this one. What cannot be judged while the server is silent is listed as unknown, never as fine."},
		},
	},
	Opens:  "nobody, neither the audit nor a peer, has heard from a known server for longer than silent_for.",
	Clears: "the server answers any question or sends a heartbeat, or is no longer a member.",
	Blind:  "a server of which nobody ever spoke, and one that answers the audit but not its peers (JETSTREAM_023 sees that).",
	Run: func(p *check.Pass, t silent) {
		for system, server := range p.AllServers() {
			switch {
			case server.ShutdownAt.IsZero() && (server.Heard(p.Cur) || quorum.PeersHear(p.Cur, server)):
			// What answered and announced its shutdown in the same epoch is gone.
			case server.Coverage[epoch.Varz].Outcome == epoch.Unreachable:
				p.Unknown(server.Ref(), "the audit has no connection to this system")
			case !server.Asked() && server.NamedBy == "":
				p.Unknown(server.Ref(), "it was not asked in this epoch")
			default:
				p.Bad(observeSilence(p, system, server, t))
			}
		}
	},
})

func observeSilence(p *check.Pass, system *epoch.System, server *epoch.Server, t silent) check.Observation {
	last, from := server.LastHeard(), "the audit"
	if last.After(server.HeardAt) {
		from = "its peers"
	}
	if last.IsZero() {
		last, from = server.KnownSince, "the audit"
	}
	silence := p.Now().Sub(last)
	o := check.Observation{
		Ref: server.Ref(), Hold: t.SilentFor,
		Summary: fmt.Sprintf("%s has been silent for %s: it answers no question and no other server hears it", server.Name, quantity.Duration(silence)),
		Evidence: []check.Evidence{
			{Name: "silent", Value: check.Seconds(silence), Unit: "seconds", Threshold: check.Seconds(t.SilentFor), From: from},
		},
		Fix: []check.Step{
			{Say: "Find out whether the process is gone or hangs.", Run: "ps -o pid,stat,wchan:32,etime,args -C nats-server   # on " + hostOf(server), Risk: check.Safe},
			{Say: "Restart it; its replicas catch up by themselves.", Run: "systemctl restart nats-server   # on " + hostOf(server), Risk: check.Careful},
			{Say: "If it will not come back soon: remove it, so that its replicas are placed elsewhere.", Run: "nats server cluster peer-remove " + server.Name, Risk: check.Disruptive},
		},
	}
	// How long the silence lasts is known exactly. It is not left to the ledger,
	// which would count from the earliest sign of it, though a peer heard the
	// server later.
	if silence > t.SilentFor {
		o.Since, o.Hold = last, 0
	}
	if server.NamedBy != "" {
		o.Evidence = append(o.Evidence, check.Evidence{Name: "known only from", Value: server.NamedBy})
	}
	if open := openRoutesTo(system, server); len(open) > 0 {
		o.Summary += "; its connections are still open, so the process hangs, or the network drops its traffic"
		o.Evidence = append(o.Evidence, check.Evidence{Name: "routes still open", Value: strings.Join(open, ", ")})
	}
	if announced := server.Announced(); !announced.IsZero() {
		o.Severity = check.Warning
		how := "a shutdown"
		if server.ShutdownAt.IsZero() {
			how = "lame duck mode"
		}
		o.Summary = fmt.Sprintf("%s announced %s %s ago and has been silent for %s", server.Name, how,
			quantity.Duration(p.Now().Sub(announced)), quantity.Duration(silence))
	}
	o.Impact = blastRadius(p.Cur, system, server)
	return o
}

func hostOf(server *epoch.Server) string {
	if server.Host == "" || server.Host == "0.0.0.0" {
		return "the host of " + server.Name
	}
	return server.Host
}

// openRoutesTo lists the servers that still hold a route to the silent one: the
// sign of a hang rather than a crash.
func openRoutesTo(system *epoch.System, silent *epoch.Server) []string {
	var open []string
	for _, server := range system.Servers {
		if server.Routes == nil {
			continue
		}
		for i := range server.Routes.Routes {
			if server.Routes.Routes[i].RemoteName == silent.Name {
				open = append(open, server.Name)
				break
			}
		}
	}
	return open
}

// blastRadius counts what the silence of one server costs.
func blastRadius(e *epoch.Epoch, system *epoch.System, server *epoch.Server) string {
	var replicas, only, lost, brink int
	for _, stream := range system.Streams {
		hosted := false
		for _, name := range stream.Servers {
			hosted = hosted || name == server.Name
		}
		if !hosted {
			continue
		}
		replicas++
		if len(stream.Servers) == 1 {
			only++
			continue
		}
		switch margin := quorum.Of(e, system, stream).Margin(); {
		case margin < 0:
			lost++
		case margin == 0:
			brink++
		}
	}
	if replicas == 0 {
		return "No stream is known to have a replica on it. Streams that only it holds would not be visible to the audit."
	}
	var parts []string
	if only > 0 {
		parts = append(parts, fmt.Sprintf("%d unreachable, for it is their only one", only))
	}
	if lost > 0 {
		parts = append(parts, fmt.Sprintf("%d without quorum", lost))
	}
	if brink > 0 {
		parts = append(parts, fmt.Sprintf("%d one failure from losing quorum", brink))
	}
	impact := quantity.Of(replicas, "stream") + " with a replica here"
	if len(parts) > 0 {
		impact += ": " + strings.Join(parts, ", ")
	}
	return impact + "."
}
