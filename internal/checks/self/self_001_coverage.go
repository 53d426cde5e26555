package self

import (
	"fmt"
	"strings"

	"rollcall/internal/check"
	"rollcall/internal/entity"
	"rollcall/internal/epoch"
	"rollcall/internal/quantity"
	"rollcall/internal/quorum"
)

// Coverage is SELF_001.
var Coverage = check.Define(&Family, check.Spec[struct{}]{
	Code:     "SELF_001",
	Title:    "Audit Coverage Incomplete",
	Severity: check.Warning,
	Category: check.Health,
	Entity:   entity.System,
	Since:    "0.1",
	Uses:     epoch.Questions,
	Doc: check.Doc{
		Means:   "Servers that are alive left questions of the audit unanswered, in two consecutive epochs. What those answers would have shown is unknown. Servers that answer nothing at all are SERVER_021 and are not counted here.",
		Matters: "An audit that saw only part of the system must not pass for a clean one.",
		Causes: []string{
			"The audit's user may not ask that question, or may not receive the answer.",
			"A server is too busy to answer in time: its system queue is blocked by a large request of somebody else.",
			"An answer would have been too large for a leaf link, or for the audit's byte budget, and was not asked for.",
			"The audit has no connection to one of the systems.",
		},
		Diagnose: []check.Step{
			{Say: "The finding names server, question and reason. Ask the same by hand.", Run: "nats server request jetstream SERVER", Risk: check.Safe},
		},
		Fix: []check.Step{
			{Say: "Refused: give the audit's user the permissions in the README.", Risk: check.Careful},
			{Say: "Too large through a leaf link: audit that domain directly, as a system of its own.", Run: "rollcall check --system hub=URL --system leaf=URL", Risk: check.Safe},
			{Say: "Timed out: see the load of that server.", Run: "nats server info SERVER", Risk: check.Safe},
		},
		Prevent:        []string{"A system user of its own for the audit, with the permission block of the README."},
		FalsePositives: "A single unanswered question does not fire; two epochs in a row do.",
		Questions:      []check.QA{{Question: "Which checks does a gap affect?", Answer: "Those that need the question: the finding lists what could not be judged, and every affected entity is listed as unknown."}},
	},
	Opens:  "a server that is alive left a question unanswered in two consecutive epochs, or a system cannot be reached at all.",
	Clears: "all questions to live servers are answered.",
	Blind:  "servers nobody names.",
	Run: func(p *check.Pass, _ struct{}) {
		for _, system := range p.Cur.Systems {
			if gaps := liveGaps(p.Cur, system); len(gaps) > 0 {
				p.Bad(observeGaps(system, gaps))
			}
		}
	},
})

// liveGaps lists the unanswered questions of a system, without those of silent
// servers.
func liveGaps(e *epoch.Epoch, system *epoch.System) []epoch.Gap {
	var gaps []epoch.Gap
	for _, server := range system.Servers {
		if !server.Heard(e) && !quorum.PeersHear(e, server) && server.Coverage[epoch.Varz].Outcome != epoch.Unreachable {
			continue
		}
		for _, q := range epoch.Questions {
			if a := server.Coverage[q]; a.Outcome != epoch.Answered && a.Outcome != epoch.NotAsked {
				gaps = append(gaps, epoch.Gap{System: system.Name, Server: server.Name, Question: q, Answer: a})
			}
		}
	}
	return gaps
}

func observeGaps(system *epoch.System, gaps []epoch.Gap) check.Observation {
	var servers []string
	for _, g := range gaps {
		if len(servers) == 0 || servers[len(servers)-1] != g.Server {
			servers = append(servers, g.Server)
		}
	}
	o := check.Observation{
		Ref:  entity.OfSystem(system.Name),
		Hold: 1, // bad in two consecutive epochs
		Summary: fmt.Sprintf("%s of %s went unanswered (%s): what they would have shown is unknown",
			quantity.Of(len(gaps), "question"), strings.Join(servers, ", "), reasons(gaps)),
		Impact: "Nothing is reported about what these answers would have shown. Each entity concerned is listed as unknown.",
		Fix: []check.Step{
			{Say: "Ask the same by hand.", Run: "nats server request jetstream " + servers[0], Risk: check.Safe},
		},
	}
	for _, g := range gaps {
		o.Evidence = append(o.Evidence, check.Evidence{Name: g.Server + " " + g.Question.String(), Value: g.Answer.Reason()})
	}
	return o
}

// reasons counts the gaps by outcome, in the order of their first appearance.
func reasons(gaps []epoch.Gap) string {
	var order []epoch.Outcome
	count := map[epoch.Outcome]int{}
	for _, g := range gaps {
		if count[g.Answer.Outcome] == 0 {
			order = append(order, g.Answer.Outcome)
		}
		count[g.Answer.Outcome]++
	}
	var parts []string
	for _, outcome := range order {
		parts = append(parts, fmt.Sprintf("%d %s", count[outcome], outcome))
	}
	return strings.Join(parts, ", ")
}
