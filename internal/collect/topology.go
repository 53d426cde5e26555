package collect

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"rollcall/internal/epoch"
)

// nearby are the clusters that a system's connections reach over routes and
// gateways. Whatever else answers is beyond a leaf link.
type nearby struct {
	clusters map[string]bool
	servers  map[string]bool // ids of the servers that connections lead to
}

// survey works out what is nearby: the clusters of the servers that the auditor
// is connected to, and those that their gateways lead to. It goes by what
// servers said last, so a cluster whose gateway is down is not nearby; its
// servers do not answer then.
func survey(connected []string, known map[string]peer) nearby {
	n := nearby{clusters: map[string]bool{}, servers: map[string]bool{}}
	for _, id := range connected {
		n.servers[id] = true
		if name := known[id].info.Cluster; name != "" {
			n.clusters[name] = true
		}
	}
	for grown := true; grown; {
		grown = false
		for _, server := range known {
			if !n.clusters[server.info.Cluster] || server.stats == nil {
				continue
			}
			for _, gateway := range server.stats.Gateways {
				if !n.clusters[gateway.Name] {
					n.clusters[gateway.Name], grown = true, true
				}
			}
		}
	}
	return n
}

// reaches says whether a server is reached without a leaf link in between.
func (n nearby) reaches(id, cluster string) bool {
	return n.servers[id] || cluster != "" && n.clusters[cluster]
}

// assign gives each server that several systems see to one of them: to the one
// that reaches it directly, else to the first by name. It removes it from the
// others.
func assign(rolls []*roll) {
	rolls = slices.Clone(rolls)
	slices.SortFunc(rolls, func(a, b *roll) int { return strings.Compare(a.system.config.Name, b.system.config.Name) })
	owner := map[string]*roll{}
	for _, r := range rolls {
		for id, t := range r.targets {
			if now := owner[id]; now == nil || now.targets[id].viaLeaf && !t.viaLeaf {
				owner[id] = r
			}
		}
	}
	for _, r := range rolls {
		maps.DeleteFunc(r.targets, func(id string, _ *target) bool { return owner[id] != r })
	}
}

// baseName is a server's own name, without what naming adds to a double.
func baseName(name string) string {
	base, _, _ := strings.Cut(name, "#")
	return base
}

func doubleName(base, id string) string { return base + "#" + id[:min(8, len(id))] }

// name gives each target its name in the epoch and drops those that a newer
// start has replaced. A name belongs to one server: of two that live under the
// same, the one that started first keeps it and the other is told apart by the
// start of its id.
func name(targets []*target, prev *epoch.System) []*target {
	before := map[string]string{}  // name in the previous epoch, by id
	holders := map[string]string{} // id in the previous epoch, by name
	if prev != nil {
		for _, server := range prev.Servers {
			if server.ID != "" {
				before[server.ID], holders[server.Name] = server.Name, server.ID
			}
		}
	}
	groups := map[string][]*target{}
	for _, t := range targets {
		groups[t.info.Name] = append(groups[t.info.Name], t)
	}
	var named []*target
	for _, base := range slices.Sorted(maps.Keys(groups)) {
		named = append(named, nameGroup(base, groups[base], before, holders[base])...)
	}
	return named
}

// withoutReplaced drops the servers whose place another start has taken: it
// began after they last spoke, by the clock of their host. A server that was
// restarted between two questions of one epoch has both.
func withoutReplaced(group []*target) []*target {
	return slices.DeleteFunc(slices.Clone(group), func(old *target) bool {
		return !old.info.Time.IsZero() && slices.ContainsFunc(group, func(t *target) bool {
			return t != old && t.heard && t.start.After(old.info.Time)
		})
	})
}

func nameGroup(base string, group []*target, before map[string]string, holder string) []*target {
	group = withoutReplaced(group)
	slices.SortFunc(group, func(a, b *target) int {
		return cmp.Or(a.start.Compare(b.start), strings.Compare(a.id, b.id))
	})
	var kept []*target
	plain := false
	// Doubles of the previous epoch stay doubles while the holder of the plain
	// name is only silent; a server that is new takes the name over.
	double := func(t *target) bool { return strings.Contains(before[t.id], "#") }
	holderLives := slices.ContainsFunc(group, func(t *target) bool { return t.id == holder && t.heard })
	for _, t := range group {
		if !t.heard || double(t) && !holderLives && holder != "" {
			continue
		}
		t.name = base
		if plain {
			t.name = doubleName(base, t.id)
		}
		plain, kept = true, append(kept, t)
	}
	for _, t := range group {
		switch {
		case slices.Contains(kept, t):
		case double(t):
			t.name, kept = before[t.id], append(kept, t)
		case t.id == holder && !plain:
			t.name, plain, kept = base, true, append(kept, t)
		}
	}
	if !plain { // heard of once, and nothing since: the latest start counts
		for _, t := range slices.Backward(group) {
			if !slices.Contains(kept, t) {
				t.name, kept = base, append(kept, t)
				break
			}
		}
	}
	return kept
}
