package mirror

import (
	"fmt"

	"rollcall/internal/check"
	"rollcall/internal/entity"
	"rollcall/internal/epoch"
	"rollcall/internal/quantity"
)

// Recreated is JETSTREAM_027.
var Recreated = check.Define(&Family, check.Spec[struct{}]{
	Code:     "JETSTREAM_027",
	Title:    "Source Re-created Under Mirror",
	Severity: check.Critical,
	Category: check.Consistency,
	Entity:   entity.Mirror,
	Since:    "0.1",
	Needs:    []epoch.Question{epoch.Jsz},
	Doc: check.Doc{
		Means:   "The source's sequences started again under a mirror that still holds the former ones: the source was deleted and re-created, or lost its data. The mirror waits until the source has passed the sequence at which the mirror stands, and skips everything before for ever.",
		Matters: "Everything looks healthy: lag 0, active below a second, no error. Yet the new messages up to the mirror's position never reach it, and the old ones it holds belong to a stream that no longer exists (nats-server issue 6206).",
		Causes: []string{
			"The source was deleted and added again, by hand or by a deployment tool.",
			"The source was restored from an older backup.",
			"The source's servers lost its data (JETSTREAM_039).",
		},
		Diagnose: []check.Step{
			{Say: "Compare created and last sequence of both: the mirror is ahead of its source.", Run: "nats stream info SOURCE; nats stream info MIRROR", Risk: check.Safe},
		},
		Fix: []check.Step{
			{Say: "Keep what the mirror still has of the former source, if it matters: it may be the only copy.", Run: "nats stream backup MIRROR ./mirror-backup", Risk: check.Safe},
			{Say: "Re-create the mirror: it then copies all that the new source holds.", Run: "nats stream info MIRROR --json | jq .config > MIRROR.json && nats stream rm MIRROR && nats stream add MIRROR --config MIRROR.json", Risk: check.Destroys},
		},
		Prevent:        []string{"Purge a source rather than re-creating it: sequences go on.", "Deployment tools must edit streams, not delete and add them."},
		FalsePositives: "A mirror that starts at a sequence its source has not reached (`opt_start_seq`) is ahead of it and healthy; so is one created before its source. Both are told apart. Sources that copy older messages from elsewhere are recognised by the times of their messages.",
		Questions: []check.QA{
			{Question: "Does it clear by itself?", Answer: "Only when the mirror no longer holds messages of the former source, or is re-created. When the new source passes the mirror's position, copying resumes with a hole, and the finding stays as long as the old messages do."},
			{Question: "Do sources of aggregates have this?", Answer: "They recovered by themselves on 2.15.2."},
		},
	},
	Opens:  "the mirror stood further in the previous epoch than its source does now, or it holds messages from before its source was created while the source's own are all newer.",
	Clears: "neither is so any more.",
	Blind:  "a re-creation after which the mirror kept no old message and the new source is already past its position.",
	Run: func(p *check.Pass, _ struct{}) {
		for s := range observed(p) {
			if s.startsLater() {
				continue
			}
			before, ok := s.before(p)
			backwards := ok && before.led.State.LastSeq > s.source.State.LastSeq
			if s.holdsFormer() || backwards {
				p.Bad(s.observeRecreation())
			} else if !ok && s.led.State.LastSeq > s.source.State.LastSeq {
				p.Unknown(s.ref(), "the mirror is ahead of its source in a single epoch, which can be the time between two answers")
			}
		}
	},
})

// startsLater says whether the mirror is set to start at a sequence that its
// source has not reached: it then stands just before it, ahead of the source.
func (s *sides) startsLater() bool {
	return s.led.State.Msgs == 0 && s.led.State.LastSeq < s.mirror.Config.Mirror.OptStartSeq
}

// holdsFormer says whether the mirror holds messages older than its source,
// none of whose own messages are. A source that itself is a mirror has, or had
// before its limits removed them, messages older than itself.
func (s *sides) holdsFormer() bool {
	m, o := s.led.State, s.source.State
	if m.Msgs == 0 || s.origin.IsMirror() || !m.FirstTS.Before(s.origin.Created) || !s.mirror.Created.Before(s.origin.Created) {
		return false
	}
	return o.Msgs == 0 || !o.FirstTS.Before(s.origin.Created)
}

func (s *sides) observeRecreation() check.Observation {
	m, o := s.led.State, s.source.State
	how := "its sequences went back"
	if s.origin.Created.After(s.mirror.Created) {
		how = "it was re-created " + quantity.Duration(s.source.At.Sub(s.origin.Created)) + " ago"
	}
	missing := fmt.Sprintf("its messages up to sequence %s", quantity.Count(m.LastSeq))
	summary := fmt.Sprintf("%s still stands at sequence %s of a former %s, which is at %s now: %s. The mirror will never get %s",
		s.name(), quantity.Count(m.LastSeq), s.originName(), quantity.Count(o.LastSeq), how, missing)
	if o.LastSeq >= m.LastSeq {
		// The mirror moves on: where it stood when the source began anew is gone.
		missing = fmt.Sprintf("what the new %s stored before it reached the mirror's old position", s.origin.Name)
		summary = fmt.Sprintf("%s holds messages of a former %s beside those of the present one: %s. The mirror will never get %s",
			s.name(), s.originName(), how, missing)
	}
	return check.Observation{
		Ref: s.ref(), Summary: summary,
		Evidence: append([]check.Evidence{
			{Name: "source created", Value: s.origin.Created.UTC().Format(timeForm), From: s.source.Server},
			{Name: "mirror created", Value: s.mirror.Created.UTC().Format(timeForm), From: s.led.Server},
		}, s.positions()...),
		Impact: fmt.Sprintf("%s looks healthy and lacks %s; what it holds from before is a copy of a stream that no longer exists.", s.mirror.Name, missing),
		Fix: []check.Step{
			{Say: "Confirm: the mirror is ahead of its source, or older than it.", Run: "nats stream info " + s.origin.Name + at(s.origin), Risk: check.Safe},
			{Say: "Keep what the mirror has of the former source, if it matters.", Run: fmt.Sprintf("nats stream backup %[1]s ./%[1]s-backup", s.mirror.Name) + at(s.mirror), Risk: check.Safe},
			s.recreate(),
		},
	}
}

// timeForm prints times in evidence.
const timeForm = "2006-01-02T15:04:05Z"
