package self

import (
	"fmt"
	"slices"
	"strings"
	"time"

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
			if system.Blind != "" {
				p.Bad(observeBlindness(system))
			} else if gaps := liveGaps(p.Cur, system); len(gaps) > 0 {
				p.Bad(observeGaps(p, system, gaps))
			}
		}
	},
})

// nextEpoch as a Hold means: bad in two consecutive epochs.
const nextEpoch = 1

// ownDeafness is how long the audit must not have heard a server that its peers
// do hear: one that has just fallen silent is still in their ears, and is
// SERVER_021's soon.
const ownDeafness = 10 * time.Second

// liveGaps lists the unanswered questions of a system, without those of silent
// servers, and those that a server's version does not know.
func liveGaps(e *epoch.Epoch, system *epoch.System) []epoch.Gap {
	var gaps []epoch.Gap
	for _, server := range system.Servers {
		if !server.Heard(e) && !onlyDeafToUs(e, server) {
			continue
		}
		for _, q := range epoch.Questions {
			switch a := server.Coverage[q]; a.Outcome {
			case epoch.Answered, epoch.NotAsked, epoch.Unsupported:
			default:
				gaps = append(gaps, epoch.Gap{System: system.Name, Server: server.Name, Question: q, Answer: a})
			}
		}
	}
	return gaps
}

// onlyDeafToUs says whether a server that answers the audit nothing is heard by
// its peers all the while.
func onlyDeafToUs(e *epoch.Epoch, server *epoch.Server) bool {
	heard := server.HeardAt
	if heard.IsZero() {
		heard = server.KnownSince
	}
	return quorum.PeersHear(e, server) && e.FinishedAt.Sub(heard) > ownDeafness
}

func observeBlindness(system *epoch.System) check.Observation {
	return check.Observation{
		Ref: entity.OfSystem(system.Name), Hold: nextEpoch,
		Summary: fmt.Sprintf("the audit has no connection to %s: nothing there is judged", system.Name),
		Evidence: []check.Evidence{
			{Name: "why", Value: system.Blind},
			{Name: "servers known", Value: len(system.Servers), Unit: "servers"},
		},
		Impact: "Whether anything is wrong in " + system.Name + " is unknown, and so is each mirror elsewhere whose source is there.",
		Fix: []check.Step{
			{Say: "See whether its servers are up and can be reached from here.", Run: "nats server ping", Risk: check.Safe},
		},
	}
}

func observeGaps(p *check.Pass, system *epoch.System, gaps []epoch.Gap) check.Observation {
	var servers, codes []string
	for _, g := range gaps {
		if !slices.Contains(servers, g.Server) {
			servers = append(servers, g.Server)
		}
		for _, code := range p.Needing(g.Question) {
			if !slices.Contains(codes, code) {
				codes = append(codes, code)
			}
		}
	}
	o := check.Observation{
		Ref: entity.OfSystem(system.Name), Hold: nextEpoch,
		Summary: fmt.Sprintf("%s of %s went unanswered (%s): what they would have shown is unknown",
			quantity.Of(len(gaps), "question"), strings.Join(servers, ", "), reasons(gaps)),
		Impact: "No check is affected: the answers only add evidence.",
		Fix:    []check.Step{firstFix(gaps[0])},
	}
	if len(codes) > 0 {
		slices.Sort(codes)
		o.Impact = "What these servers hold cannot be judged by " + strings.Join(codes, ", ") + ". Each entity concerned is listed as unknown."
	}
	for _, g := range gaps {
		o.Evidence = append(o.Evidence, check.Evidence{Name: g.Server + " " + g.Question.String(), Value: g.Answer.Reason()})
	}
	return o
}

func firstFix(g epoch.Gap) check.Step {
	subject := "'$SYS.REQ.SERVER.PING." + g.Question.String() + "'"
	switch g.Answer.Outcome {
	case epoch.Refused:
		return check.Step{Say: "Let the audit's user publish $SYS.REQ.SERVER.*." + g.Question.String() + " in the system account; the README has the whole block.", Risk: check.Careful}
	case epoch.CutShort:
		return check.Step{Say: "The limit that was met is in the evidence; a domain behind a leaf link is best audited directly.", Run: "rollcall check --system hub=URL --system leaf=URL", Risk: check.Safe}
	}
	return check.Step{Say: "Ask the same by hand, as a system user.", Run: "nats request " + subject + " '' --replies 0", Risk: check.Safe}
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
