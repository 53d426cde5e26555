package mirror

import (
	"fmt"
	"strings"
	"time"

	"rollcall/internal/check"
	"rollcall/internal/entity"
	"rollcall/internal/epoch"
	"rollcall/internal/quorum"
)

// brokenLink is a link between mirror and source that is visibly gone. The zero
// value says that the links are there, or were not all seen.
type brokenLink struct {
	text   string        // in words
	silent *epoch.Server // the silent server that the link leads to, if that is what broke it
}

func (b brokenLink) is() bool { return b.text != "" }

// brokenLink looks for the gateway connection between the two sides' clusters,
// or the leaf connection between their domains or systems.
func (s *sides) brokenLink(e *epoch.Epoch) brokenLink {
	here, there := s.system.Server(s.led.Server), e.System(s.origin.System).Server(s.source.Server)
	if here == nil || there == nil {
		return brokenLink{}
	}
	if s.mirror.System == s.origin.System && s.mirror.Domain == s.origin.Domain {
		if here.Cluster == there.Cluster || here.Gateways == nil {
			return brokenLink{}
		}
		if remote, ok := here.Gateways.Outbound[there.Cluster]; !ok || remote.Connection == nil {
			return brokenLink{text: fmt.Sprintf("%s has no gateway connection to cluster %s", here.Name, there.Cluster)}
		}
		return brokenLink{}
	}
	if broken := brokenLeaf(e, s.system, s.mirror); broken.is() {
		return broken
	}
	return brokenLeaf(e, e.System(s.origin.System), s.origin)
}

// brokenLeaf says whether no server of a stream's domain has a working leaf
// connection in the stream's account; it is not known, hence not said, as long
// as one of them did not answer.
func brokenLeaf(e *epoch.Epoch, system *epoch.System, stream *epoch.Stream) brokenLink {
	var asked []string
	var dead brokenLink
	for _, server := range system.Servers {
		if server.Domain != stream.Domain {
			continue
		}
		if server.Leafs == nil {
			return brokenLink{}
		}
		for i := range server.Leafs.Leafs {
			leaf := &server.Leafs.Leafs[i]
			if leaf.Account != stream.Account && leaf.Account != stream.AccountID {
				continue
			}
			remote := serverNamed(e, leaf.Name)
			if remote == nil || !quorum.Silent(e, remote) {
				return brokenLink{}
			}
			dead = brokenLink{fmt.Sprintf("the leafnode connection of account %s on %s leads to %s, which is silent", stream.Account, server.Name, remote.Name), remote}
		}
		asked = append(asked, server.Name)
	}
	if dead.is() || len(asked) == 0 {
		return dead
	}
	return brokenLink{text: fmt.Sprintf("no leafnode connection of account %s on %s", stream.Account, strings.Join(asked, ", "))}
}

func serverNamed(e *epoch.Epoch, name string) *epoch.Server {
	for _, system := range e.Systems {
		if server := system.Server(name); server != nil {
			return server
		}
	}
	return nil
}

// newestLeaf is the highest id of a server's leaf connections. Ids only grow, so
// it rises when a link is made anew; LEAFZ tells no time of that.
var newestLeaf = &epoch.Scalar{
	Name:   "newest leaf connection",
	Window: 5 * time.Minute,
	Read: func(e *epoch.Epoch, keep func(entity.Ref, time.Time, float64)) {
		for _, system := range e.Systems {
			for _, server := range system.Servers {
				if server.Leafs == nil {
					continue
				}
				newest := uint64(0)
				for i := range server.Leafs.Leafs {
					newest = max(newest, server.Leafs.Leafs[i].ID)
				}
				keep(server.Ref(), server.Leafs.Now, float64(newest))
			}
		}
	},
}

// leafsRemade is when a leaf connection of a domain's servers was last seen to
// be new; zero if none was, as far as the history goes back.
func leafsRemade(p *check.Pass, system *epoch.System, domain string) time.Time {
	latest := time.Time{}
	for _, server := range system.Servers {
		if server.Domain != domain {
			continue
		}
		highest := -1.0
		for _, point := range p.Trail.Points(newestLeaf, server.Ref()) {
			if highest >= 0 && point.Value > highest && point.At.After(latest) {
				latest = point.At
			}
			highest = max(highest, point.Value)
		}
	}
	return latest
}

// gatewayStart is when the gateway connection between the two sides' clusters
// was made; zero where there is none.
func (s *sides) gatewayStart(e *epoch.Epoch) time.Time {
	here, there := s.system.Server(s.led.Server), e.System(s.origin.System).Server(s.source.Server)
	if here == nil || there == nil || here.Gateways == nil {
		return time.Time{}
	}
	if remote := here.Gateways.Outbound[there.Cluster]; remote.Connection != nil {
		return remote.Connection.Start
	}
	return time.Time{}
}
