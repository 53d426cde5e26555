package view

import (
	"fmt"
	"strings"
	"time"

	"rollcall/internal/epoch"
	"rollcall/internal/quantity"
	"rollcall/internal/quorum"
)

// Roll is the roll call of one epoch: who answered, and where mirrors and
// replicas stand. It is what a person watches live.
type Roll struct {
	Servers []RollServer
	Mirrors []RollMirror
	Groups  []RollGroup
}

// RollServer is one server's answer to the call.
type RollServer struct {
	System, Name string
	Present      bool
	Silent       time.Duration // since anybody heard it; zero if present
}

// RollMirror is a mirror beside its source.
type RollMirror struct {
	System, Name string
	Origin       string
	Reported     string // lag and activity as the mirror reports them
	SourceSeq    uint64
	MirrorSeq    uint64
	Behind       uint64 // true lag in messages
	Known        bool   // both sides were seen
}

// RollGroup is a replicated stream with its members.
type RollGroup struct {
	System, Name string
	Leader       string
	Members      string // each with its mark and its last contact
	Standing     string
}

// RollOf calls the roll of an epoch.
func RollOf(e *epoch.Epoch) Roll {
	var roll Roll
	for _, system := range e.Systems {
		for _, server := range system.Servers {
			s := RollServer{System: system.Name, Name: server.Name, Present: server.Heard(e)}
			if !s.Present {
				s.Silent = e.FinishedAt.Sub(server.LastHeard())
			}
			roll.Servers = append(roll.Servers, s)
		}
		for _, stream := range system.Streams {
			if stream.IsMirror() {
				roll.Mirrors = append(roll.Mirrors, rollMirror(e, stream))
			}
			if stream.Replicas() > 1 {
				roll.Groups = append(roll.Groups, rollGroup(e, system, stream))
			}
		}
	}
	return roll
}

func rollMirror(e *epoch.Epoch, stream *epoch.Stream) RollMirror {
	m := RollMirror{System: stream.System, Name: stream.Account + "/" + stream.Name, Reported: "not seen"}
	if len(stream.Upstreams) > 0 {
		m.Origin = stream.Upstreams[0].Origin
	}
	led := stream.Led()
	if led == nil {
		return m
	}
	m.MirrorSeq = led.State.LastSeq
	if c := led.Mirror; c != nil {
		active := "never"
		if c.Active != epoch.NeverActive {
			active = quantity.Duration(c.Active)
		}
		m.Reported = fmt.Sprintf("lag %s, active %s", quantity.Count(c.Lag), active)
	}
	if len(stream.Upstreams) == 0 {
		return m
	}
	if origin := e.Origin(stream.Upstreams[0]); origin != nil && origin.Led() != nil {
		m.SourceSeq, m.Known = origin.Led().State.LastSeq, true
		if m.SourceSeq > m.MirrorSeq {
			m.Behind = m.SourceSeq - m.MirrorSeq
		}
	}
	return m
}

func rollGroup(e *epoch.Epoch, system *epoch.System, stream *epoch.Stream) RollGroup {
	g := RollGroup{System: stream.System, Name: stream.Account + "/" + stream.Name, Leader: "none", Standing: "no leader answers"}
	led := stream.Led()
	if led == nil {
		return g
	}
	g.Leader = led.Server
	standing := quorum.Of(e, system, stream)
	g.Standing = fmt.Sprintf("%d of %d", standing.Alive, standing.Size)
	var members []string
	for i := range led.Peers {
		peer := &led.Peers[i]
		unseen, _ := quorum.Unseen(led, peer)
		text := fmt.Sprintf("%s %s", peer.Name, quantity.Duration(unseen.Round(100*time.Millisecond)))
		if peer.Active == 0 && !peer.Current {
			text += " (reported: 0s)"
		}
		members = append(members, text)
	}
	g.Members = strings.Join(members, ", ")
	return g
}
