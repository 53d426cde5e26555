package collect

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"rollcall/internal/epoch"
	"rollcall/internal/wire"
)

// target is one server that is asked in one epoch, and what it said.
type target struct {
	id      string
	name    string // in the epoch; set by name
	info    wire.ServerInfo
	start   time.Time
	viaLeaf bool
	namedBy string // who spoke of it, where nobody heard it

	heard      bool // anything from the server itself in this epoch
	heardAt    time.Time
	shutdownAt time.Time
	lameDuckAt time.Time

	coverage map[epoch.Question]epoch.Answer
	vars     *wire.VARZ
	stats    *wire.STATSZ
	health   *wire.HEALTHZ
	routes   *wire.ROUTEZ
	gateways *wire.GATEWAYZ
	leafs    *wire.LEAFZ
	listing  *listing
}

func subjectOf(id string, q epoch.Question) string {
	return "$SYS.REQ.SERVER." + id + "." + q.String()
}

// ask puts all questions to one server, one after the other.
func (s *system) ask(ctx context.Context, t *target) {
	v := &interview{system: s, target: t}
	defer t.dated()
	defer v.excuse()
	t.vars = question[wire.VARZ](ctx, v, epoch.Varz, wire.VARZRequest{})
	t.stats = question[wire.STATSZ](ctx, v, epoch.Statsz, wire.STATSZRequest{})
	if t.vars == nil && v.moved && t.coverage[epoch.Varz].Outcome == epoch.TimedOut {
		// It was the way that failed, not the server.
		delete(t.coverage, epoch.Varz)
		s.load.progressed(0, -1)
		t.vars = question[wire.VARZ](ctx, v, epoch.Varz, wire.VARZRequest{})
	}
	t.list(ctx, v)
	t.health = question[wire.HEALTHZ](ctx, v, epoch.Healthz, wire.HEALTHZRequest{Details: !t.tooManyAssets(s)})
	t.routes = question[wire.ROUTEZ](ctx, v, epoch.Routez, wire.ROUTEZRequest{})
	t.gateways = question[wire.GATEWAYZ](ctx, v, epoch.Gatewayz, wire.GATEWAYZRequest{})
	if v.gone == nil && t.tooManyLeafs(s) {
		v.settle(epoch.Leafz, epoch.Answer{Outcome: epoch.CutShort, Detail: v.beyondLeaf(fmt.Sprintf("%d leaf nodes", t.vars.Leafs))})
		return
	}
	t.leafs = question[wire.LEAFZ](ctx, v, epoch.Leafz, wire.LEAFZRequest{})
}

// dated notes when the server started, by what it said.
func (t *target) dated() {
	switch {
	case t.vars != nil:
		t.start = t.vars.Start
	case t.stats != nil:
		t.start = t.stats.Start
	}
}

// One row of LEAFZ, and one error of HEALTHZ, uncompressed.
const (
	leafRowBytes     = 500
	healthErrorBytes = 250
)

// tooManyAssets says whether HEALTHZ could close a leaf link on its way if it
// had to name every stream and consumer.
func (t *target) tooManyAssets(s *system) bool {
	if !t.viaLeaf || t.listing == nil {
		return t.viaLeaf
	}
	z := t.listing.summary
	return int64(z.Streams+z.Consumers)*healthErrorBytes/leafRatio > s.leafLimit()
}

// tooManyLeafs says whether the list of leaf nodes could close a leaf link on
// its way.
func (t *target) tooManyLeafs(s *system) bool {
	return t.viaLeaf && t.vars != nil && int64(t.vars.Leafs)*leafRowBytes/leafRatio > s.leafLimit()
}

// interview is the state of the questions to one server.
type interview struct {
	system  *system
	target  *target
	via     *conn // the connection for the next request; nil for the best
	mute    *conn // the connection over which a question stayed unanswered
	silent  int   // questions left unanswered in a row
	moved   bool  // an answer came over another connection than the mute one
	gone    error // why nothing more is asked
	skipped epoch.Outcome
}

// question puts one question and notes what became of it. Nil without an
// answer.
func question[T any](ctx context.Context, v *interview, q epoch.Question, options any) *T {
	if answer, barred := v.barred(q); barred {
		v.settle(q, answer)
		return nil
	}
	data, answer := put[T](ctx, v, q, options, v.system.limits.LightDeadline)
	v.settle(q, answer)
	return data
}

// barred says whether, and why, a question is not put at all.
func (v *interview) barred(q epoch.Question) (epoch.Answer, bool) {
	switch {
	case v.gone != nil:
		return epoch.Answer{Outcome: v.skipped, Detail: v.gone.Error()}, true
	case q != epoch.Varz && q != epoch.Statsz && !v.system.budget.allows(0):
		return epoch.Answer{Outcome: epoch.CutShort, Detail: v.system.budget.detail()}, true
	}
	return epoch.Answer{}, false
}

// put sends one request for a question and judges the answer.
func put[T any](ctx context.Context, v *interview, q epoch.Question, options any, deadline time.Duration) (*T, epoch.Answer) {
	started := time.Now()
	body, encoding, err := v.request(ctx, q, options, deadline)
	answer := epoch.Answer{Took: time.Since(started)}
	if err != nil {
		answer.Outcome, answer.Detail = v.failure(ctx, q, err)
		return nil, answer
	}
	answer.At, answer.Bytes = v.system.now(), int64(len(body))
	v.system.budget.spend(answer.Bytes)
	v.system.load.took(Slowest{System: v.system.config.Name, Server: v.target.info.Name, Question: q, Took: answer.Took})
	reply, err := wire.Decode[T](body, encoding)
	if reply.Server != nil && reply.Server.ID == v.target.id {
		v.hear(reply.Server, answer.At)
	}
	answer.Outcome, answer.Detail = judged(reply, err)
	return reply.Data, answer
}

// judged says what an answer that came is worth.
func judged[T any](reply wire.Reply[T], err error) (epoch.Outcome, string) {
	var refusal *wire.APIError
	switch {
	case errors.As(err, &refusal):
		return epoch.Refused, refusal.Error()
	case errors.Is(err, wire.ErrTooLarge):
		return epoch.CutShort, err.Error()
	case err != nil:
		return epoch.Refused, "the answer cannot be used: " + err.Error()
	case reply.LostCount > 0:
		first := reply.Lost[0]
		return epoch.CutShort, fmt.Sprintf("%d parts of the answer cannot be read, first %s %s: %s",
			reply.LostCount, first.Path, strings.Join(first.Names, "/"), first.Reason)
	}
	return epoch.Answered, ""
}

// hear notes a sign of life. What the answer says of the server is newer than
// what was known.
func (v *interview) hear(info *wire.ServerInfo, at time.Time) {
	v.target.heard = true
	v.target.info = *info
	if at.After(v.target.heardAt) {
		v.target.heardAt = at
	}
}

// request carries one request to the server over the best connection, and over
// the next where that one fails. Before it calls a server silent it makes sure
// that the connection which carried the question still works.
func (v *interview) request(ctx context.Context, q epoch.Question, options any, deadline time.Duration) (body []byte, encoding string, err error) {
	links, restored := v.system.links, false
	var tried []*conn
	err = errNoConnection
	for {
		c := v.via
		if c == nil || c.nc.IsClosed() || len(tried) > 0 {
			c = links.pick(v.target.id, tried)
		}
		if c == nil {
			if !errors.Is(err, errNoConnection) || restored {
				return nil, "", err
			}
			if err := v.system.restore(ctx); err != nil {
				return nil, "", err
			}
			restored = true
			continue
		}
		tried = append(tried, c)
		msg, failed := c.request(ctx, subjectOf(v.target.id, q), options, deadline)
		var denied *deniedError
		switch {
		case failed == nil:
			v.changed(c, tried)
			return msg.Data, msg.Header.Get("Content-Encoding"), nil
		case ctx.Err() != nil:
			return nil, "", ctx.Err()
		case errors.As(failed, &denied):
			return nil, "", failed
		case errors.Is(failed, errNobody):
			err = errNobody // the server of another connection may know it
		case errors.Is(failed, errSilent) && c.works(ctx, v.system.limits.LightDeadline/2):
			// The next question tells whether another connection gets through.
			v.mute, v.via = c, links.pick(v.target.id, []*conn{c})
			return nil, "", errSilent
		default:
			links.drop(c) // its own server froze or vanished: no verdict on the one asked
			if v.via == c {
				v.via = nil
			}
		}
	}
}

// changed notes which connection carried an answer, and demotes the others that
// did not get through.
func (v *interview) changed(c *conn, tried []*conn) {
	if v.mute != nil && v.mute != c {
		v.moved = true
		tried = append(tried, v.mute)
	}
	for _, other := range tried {
		if other != c {
			other.demoted.Store(true)
		}
	}
	v.via, v.mute, v.silent = c, nil, 0
}

// failure turns the error of a request into an outcome, and decides whether
// to ask on.
func (v *interview) failure(ctx context.Context, q epoch.Question, err error) (epoch.Outcome, string) {
	var denied *deniedError
	switch {
	case errors.As(err, &denied):
		return epoch.Refused, denied.Error() + "; grant the auditor's user that subject"
	case errors.Is(err, errNobody) && v.target.heard && v.stillThere(ctx, q):
		return epoch.Unsupported, "version " + v.target.info.Version + " has no " + q.String()
	case errors.Is(err, errNobody):
		v.gone, v.skipped = errors.New("not asked, as nothing leads to the server"), epoch.Skipped
		return epoch.TimedOut, errNobody.Error()
	case errors.Is(err, errSilent):
		// The second silence in a row ends the interview, the first only if the
		// server's own queue for STATSZ is what stayed silent.
		if v.silent++; v.silent > 1 || q == epoch.Statsz {
			v.gone, v.skipped = errors.New("not asked, as the server left "+q.String()+" unanswered"), epoch.Skipped
		}
		return epoch.TimedOut, ""
	}
	v.gone, v.skipped = err, epoch.Unreachable
	return epoch.Unreachable, err.Error()
}

// stillThere asks a server that has answered before for its STATSZ, to tell a
// question that it does not know from an end that came in between.
func (v *interview) stillThere(ctx context.Context, q epoch.Question) bool {
	if q == epoch.Statsz || q == epoch.Varz {
		return false
	}
	_, _, err := v.request(ctx, epoch.Statsz, wire.STATSZRequest{}, v.system.limits.LightDeadline)
	return err == nil
}

// excuse corrects what a missing permission does to a silent server: the
// refusal came from the auditor's own connection and is no sign of life.
func (v *interview) excuse() {
	silent := false
	for _, answer := range v.target.coverage {
		silent = silent || answer.Outcome == epoch.TimedOut
	}
	if v.target.heard || !silent {
		return
	}
	for q, answer := range v.target.coverage {
		if answer.Outcome == epoch.Refused {
			answer.Outcome = epoch.Skipped
			v.target.coverage[q] = answer
		}
	}
}

func (v *interview) settle(q epoch.Question, answer epoch.Answer) {
	v.target.coverage[q] = answer
	v.system.load.progressed(0, 1)
}
