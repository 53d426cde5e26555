package stream

import (
	"fmt"
	"strings"

	"rollcall/internal/check"
	"rollcall/internal/checks/server"
	"rollcall/internal/entity"
	"rollcall/internal/epoch"
	"rollcall/internal/quantity"
	"rollcall/internal/quorum"
)

// Unobservable is JETSTREAM_036.
var Unobservable = check.Define(&Family, check.Spec[struct{}]{
	Code:     "JETSTREAM_036",
	Title:    "Stream Unobservable",
	Severity: check.Critical,
	Category: check.Health,
	Entity:   entity.Stream,
	Since:    "0.1",
	Needs:    []epoch.Question{epoch.Jsz},
	Uses:     epoch.Questions,
	MaskedBy: []*check.Check{server.Silent},
	Doc: check.Doc{
		Means:   "A stream that an earlier epoch knew is listed by no server now, and a server that held it is silent or has its JetStream off. Typically its only replica was there.",
		Matters: "A single-replica stream on a dead server is in nobody's list: reports simply become shorter by one line. Its clients get time-outs.",
		Causes:  []string{"The server that holds the only replica is down, hangs or is cut off.", "JetStream is switched off or failed to start on that server.", "All servers of a replicated stream are gone at once."},
		Diagnose: []check.Step{
			{Say: "Ask for the stream: a time-out, not an error, means that its server is silent.", Run: "nats stream info STREAM", Risk: check.Safe},
			{Say: "See which servers answer.", Run: "nats server report jetstream", Risk: check.Safe},
		},
		Fix: []check.Step{
			{Say: "Bring back the server: the stream comes with its data.", Run: "systemctl restart nats-server", Risk: check.Careful},
			{Say: "If the server's disk is lost: restore from a backup.", Run: "nats stream restore BACKUP", Risk: check.Destroys},
		},
		Prevent:        []string{"Three replicas for what must survive a server.", "Backups of single-replica streams that matter."},
		FalsePositives: "A stream deleted while its server was silent stays here until that server is back and can say so.",
		Questions: []check.QA{
			{Question: "Why does a first audit not report it?", Answer: "Nobody can list what only a silent server knows. SERVER_021 says that such streams may exist; an audit that runs all the time remembers them."},
			{Question: "When is a stream deleted rather than unobservable?", Answer: "When most of the servers that held it answer completely, none of those recovering from a start, and for two epochs none lists it."},
		},
	},
	Opens:  "in two consecutive epochs nobody lists a known stream, and a server that held it is silent or has JetStream off.",
	Clears: "a server lists it again, or its servers answer and it is deleted.",
	Blind:  "streams that no epoch ever saw.",
	Run: func(p *check.Pass, _ struct{}) {
		for system, stream := range p.AllStreams() {
			if len(stream.Views) > 0 {
				continue
			}
			absent := absentHolders(p.Cur, system, stream)
			if len(absent) == 0 {
				p.Unknown(stream.Ref(), check.WhyUnled(system, stream))
				continue
			}
			p.Bad(observeAbsence(p, system, stream, absent))
		}
	},
})

func observeAbsence(p *check.Pass, system *epoch.System, stream *epoch.Stream, absent []string) check.Observation {
	o := check.Observation{
		Ref: stream.Ref(), Hold: nextEpoch,
		Summary: fmt.Sprintf("%s/%s is listed by no server: held by %s, %s; last seen %s ago",
			stream.Account, stream.Name, strings.Join(absent, ", "), absence(p.Cur, system, absent), quantity.Duration(p.Now().Sub(stream.ListedAt))),
		Evidence: []check.Evidence{
			{Name: "last listed", Value: check.Seconds(p.Now().Sub(stream.ListedAt)), Unit: "seconds ago"},
			{Name: "held by", Value: strings.Join(stream.Servers, ", ")},
		},
		Impact: stream.Name + " can be neither read nor written.",
		Fix: []check.Step{
			{Say: "Confirm: a time-out means that its server is silent.", Run: "nats stream info " + stream.Name, Risk: check.Safe},
			{Say: "Bring the server back: the stream comes with its data.", Run: "systemctl restart nats-server   # on " + absent[0], Risk: check.Careful},
		},
	}
	if last := stream.LastLed; last != nil {
		o.Evidence = append(o.Evidence, check.Evidence{Name: "messages when last seen", Value: last.State.Msgs, Unit: "messages", From: last.Server})
	}
	for _, name := range absent {
		o.Under = append(o.Under, entity.OfServer(system.Name, name))
	}
	return o
}

// absence says what is wrong with the servers that held a stream.
func absence(e *epoch.Epoch, system *epoch.System, names []string) string {
	silent := 0
	for _, name := range names {
		if server := system.Server(name); server == nil || !server.Heard(e) {
			silent++
		}
	}
	switch {
	case silent == len(names) && silent == 1:
		return "which is silent"
	case silent == len(names):
		return "which are silent"
	case silent == 0:
		return "where JetStream is off"
	}
	return "which are silent or have JetStream off"
}

func absentHolders(e *epoch.Epoch, system *epoch.System, stream *epoch.Stream) []string {
	var absent []string
	for _, name := range stream.Servers {
		server := system.Server(name)
		if server == nil || quorum.Silent(e, server) || server.JetStream != nil && server.JetStream.Disabled {
			absent = append(absent, name)
		}
	}
	return absent
}
