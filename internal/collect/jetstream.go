package collect

import (
	"context"
	"fmt"
	"strings"
	"time"

	"rollcall/internal/epoch"
	"rollcall/internal/wire"
)

// Sizes of JSZ answers by what they list, uncompressed, in bytes. Measured on
// 2.15.2: 280 for a stream, 570 for its configuration, 550 for a consumer, 250
// for the rows of two peers (nats-facts 5); the names in the field are longer.
const (
	accountBytes    = 350
	bareStreamBytes = 600
	streamBytes     = 1400
	consumerBytes   = 700
	answerBytes     = 3000 // whatever is listed
)

const (
	// leafRatio is how much smaller compression makes an answer at the least;
	// in the field it is 3 to 10 times.
	leafRatio = 3
	// usualRatio is the same for the budget, where a mistake does no harm.
	usualRatio = 6
	// headroom is how much larger the next answer of a server may be, beside
	// what the last one was, for the same number of streams and consumers.
	headroom = 1.25
)

// accountRoom is how many accounts more than were counted fit on a page:
// a page that is full would have to be doubted.
const accountRoom = 64

// size is what is known of a server's listing before it is asked for.
type size struct {
	accounts, streams, consumers int
	counted                      bool    // new versions say how many accounts there are to page through
	scale                        float64 // observed bytes to estimated bytes, with headroom; at least 1
}

// raw estimates an uncompressed answer with everything in it.
func (z size) raw() int64 {
	return z.share(z.accounts, z.streams, z.consumers)
}

func (z size) share(accounts, streams, consumers int) int64 {
	return answerBytes + int64(accounts)*accountBytes + int64(max(z.scale, 1)*float64(streams*streamBytes+consumers*consumerBytes))
}

// listing is what a server said of its JetStream, in one or more pages.
type listing struct {
	summary *wire.JSZ // the last one, for the server as a whole
	pages   []page
}

// page holds accounts as they were at one moment of the server's clock.
type page struct {
	at       time.Time
	accounts []wire.AccountDetail
}

// lister asks one server for its streams and adds up what that takes.
type lister struct {
	*interview
	size   size
	answer epoch.Answer
	found  listing
	cut    []string // what is missing, and why
	seen   map[string]bool
}

// list asks for the streams and consumers of a server, in as many requests as
// the limits demand, and settles the question.
func (t *target) list(ctx context.Context, v *interview) {
	if answer, barred := v.barred(epoch.Jsz); barred {
		v.settle(epoch.Jsz, answer)
		return
	}
	l := &lister{interview: v, seen: map[string]bool{}}
	known, ok := v.system.sizes.get(t.id)
	l.size = known
	if done := (t.viaLeaf || !ok) && !l.measure(ctx); !done {
		l.listAll(ctx)
	}
	l.finish()
}

// measure asks for the totals. It returns false if there is nothing to list, or
// no answer.
func (l *lister) measure(ctx context.Context) bool {
	summary := l.fetch(ctx, wire.JSZRequest{}, l.system.limits.LightDeadline)
	if summary == nil || summary.Disabled {
		return false
	}
	l.size.accounts, l.size.streams, l.size.consumers = summary.Accounts, summary.Streams, summary.Consumers
	l.size.counted = summary.Total != nil
	return true
}

// everything asks for all that an epoch can use. Leader-only options are never
// used: a stream without a leader would vanish.
func everything() wire.JSZRequest {
	return wire.JSZRequest{Accounts: true, Streams: true, Config: true, Consumer: true, DirectConsumer: true}
}

// ofAccount asks the same of one account. Without Accounts: a server that does
// not know the account would list all others instead.
func ofAccount(id string) wire.JSZRequest {
	request := everything()
	request.Accounts, request.Account = false, id
	return request
}

func (l *lister) listAll(ctx context.Context) {
	raw := l.size.raw()
	whole := raw <= l.system.limits.AnswerBytes
	if l.target.viaLeaf {
		whole = raw/leafRatio <= l.system.leafLimit()
	}
	if whole {
		request := everything()
		request.Limit = l.size.accounts + accountRoom
		z := l.fetch(ctx, request, l.system.limits.HeavyDeadline)
		if z == nil {
			return
		}
		l.keep(z)
		if len(z.AccountDetails) < request.Limit {
			return
		}
	}
	ids, ok := l.accounts(ctx)
	switch {
	case !ok:
	case l.target.viaLeaf:
		l.eachThroughLeaf(ctx, ids)
	default:
		l.eachDirectly(ctx, ids)
	}
}

// accounts lists the ids of all accounts, without their streams. It is one
// request however many there are: before 2.11.11 the first page comes in no
// order, so that pages do not add up to the whole (monitor.go of 2.11.0:3100).
func (l *lister) accounts(ctx context.Context) ([]string, bool) {
	room := l.size.accounts + accountRoom
	if l.target.viaLeaf && int64(room)*accountBytes/leafRatio > l.system.leafLimit() {
		l.cut = append(l.cut, l.beyondLeaf(fmt.Sprintf("%d accounts", l.size.accounts)))
		return nil, false
	}
	z := l.fetch(ctx, wire.JSZRequest{Accounts: true, Limit: room}, l.system.limits.HeavyDeadline)
	if z == nil {
		return nil, false
	}
	var ids []string
	for i := range z.AccountDetails {
		ids = append(ids, z.AccountDetails[i].ID)
	}
	if len(ids) >= room {
		l.cut = append(l.cut, "more accounts appeared than could be listed")
	}
	return ids, true
}

// eachDirectly asks for accounts page by page where the version allows it, so
// that many small accounts do not make as many requests (each walks all
// streams of the server), and then for those that no page had.
func (l *lister) eachDirectly(ctx context.Context, ids []string) {
	perPage := int(int64(len(ids)) * l.system.limits.AnswerBytes / max(l.size.raw(), 1))
	if l.size.counted && perPage > 1 {
		for offset := 0; offset < len(ids); offset += perPage {
			request := everything()
			request.Offset, request.Limit = offset, perPage
			z := l.fetch(ctx, request, l.system.limits.HeavyDeadline)
			if z == nil {
				return
			}
			l.keep(z)
		}
	}
	for _, id := range ids {
		if l.seen[id] {
			continue
		}
		request := ofAccount(id)
		if len(ids) == 1 && l.size.raw() > maxAnswer {
			request.Consumer, request.DirectConsumer = false, false
			l.cut = append(l.cut, fmt.Sprintf("the %d consumers of account %s: more than one answer can carry, and an account cannot be divided", l.size.consumers, id))
		}
		z := l.fetch(ctx, request, l.system.limits.HeavyDeadline)
		if z == nil {
			return
		}
		l.keep(z)
	}
}

// eachThroughLeaf asks account by account, each with as much as is sure to pass
// the link. What an account has is not told without listing it, so it is listed
// without configurations first.
func (l *lister) eachThroughLeaf(ctx context.Context, ids []string) {
	limit := l.system.leafLimit()
	if int64(l.size.streams)*bareStreamBytes/leafRatio > limit {
		l.cut = append(l.cut, l.beyondLeaf(fmt.Sprintf("%d streams", l.size.streams)))
		return
	}
	for _, id := range ids {
		bare := l.fetch(ctx, wire.JSZRequest{Account: id, Streams: true}, l.system.limits.HeavyDeadline)
		if bare == nil {
			return
		}
		streams, consumers := count(bare)
		request := ofAccount(id)
		switch {
		case l.size.share(1, streams, consumers)/leafRatio <= limit:
		case l.size.share(1, streams, 0)/leafRatio <= limit:
			request.Consumer, request.DirectConsumer = false, false
			l.cut = append(l.cut, l.beyondLeaf(fmt.Sprintf("the %d consumers of account %s", consumers, id)))
		default:
			l.keep(bare)
			l.cut = append(l.cut, l.beyondLeaf(fmt.Sprintf("the configuration of the %d streams of account %s", streams, id)))
			continue
		}
		z := l.fetch(ctx, request, l.system.limits.HeavyDeadline)
		if z == nil {
			return
		}
		l.keep(z)
	}
}

func count(z *wire.JSZ) (streams, consumers int) {
	for i := range z.AccountDetails {
		for j := range z.AccountDetails[i].Streams {
			streams++
			consumers += z.AccountDetails[i].Streams[j].State.Consumers
		}
	}
	return streams, consumers
}

// fetch sends one JSZ request. Nil without an answer; whatever is wrong with
// the answer is noted.
func (l *lister) fetch(ctx context.Context, request wire.JSZRequest, deadline time.Duration) *wire.JSZ {
	expected := l.expected(request)
	if !l.system.budget.reserve(expected) {
		l.fail(epoch.Answer{Outcome: epoch.CutShort, Detail: l.system.budget.detail()})
		return nil
	}
	z, answer := put[wire.JSZ](ctx, l.interview, epoch.Jsz, request, deadline)
	l.system.budget.release(expected)
	l.answer.Took += answer.Took
	l.answer.Bytes += answer.Bytes
	if !answer.At.IsZero() {
		l.answer.At = answer.At
	}
	if z == nil || answer.Outcome != epoch.Answered && answer.Outcome != epoch.CutShort {
		l.fail(answer)
		return nil
	}
	if answer.Outcome == epoch.CutShort {
		l.cut = append(l.cut, answer.Detail)
	}
	l.found.summary = z
	return z
}

// expected is the size of an answer as it will arrive, for the budget.
func (l *lister) expected(request wire.JSZRequest) int64 {
	switch {
	case !request.Streams:
		return answerBytes
	case request.Limit > 0 && l.size.accounts > 0:
		return l.size.raw() / usualRatio * int64(min(request.Limit, l.size.accounts)) / int64(l.size.accounts)
	}
	return l.size.raw() / usualRatio / int64(max(l.size.accounts, 1))
}

// fail notes why the listing ends here.
func (l *lister) fail(answer epoch.Answer) {
	l.answer.Outcome, l.answer.Detail = answer.Outcome, answer.Detail
}

// keep takes the accounts of an answer in, once each.
func (l *lister) keep(z *wire.JSZ) {
	p := page{at: z.Now}
	for i := range z.AccountDetails {
		if account := z.AccountDetails[i]; !l.seen[account.ID] {
			l.seen[account.ID] = true
			p.accounts = append(p.accounts, account)
		}
	}
	z.AccountDetails = nil
	l.system.symbols.share(p.accounts)
	l.found.pages = append(l.found.pages, p)
}

// finish settles the question by all that came of its requests. Part of a list
// is used, but never called an answer.
func (l *lister) finish() {
	answer := l.answer
	if l.found.summary != nil {
		l.found.summary.AccountDetails = nil
		l.target.listing = &l.found
		switch {
		case answer.Outcome == epoch.NotAsked && len(l.cut) == 0:
			answer.Outcome = epoch.Answered
			l.remember()
		case answer.Outcome == epoch.NotAsked:
			answer.Outcome, answer.Detail = epoch.CutShort, strings.Join(l.cut, "; ")
		case len(l.found.pages) > 0:
			answer.Outcome, answer.Detail = epoch.CutShort, "only part of the accounts was listed: "+answer.Reason()
		}
	}
	l.settle(epoch.Jsz, answer)
}

// remember keeps what the listing teaches about the next one's size.
func (l *lister) remember() {
	z := l.found.summary
	next := size{accounts: z.Accounts, streams: z.Streams, consumers: z.Consumers, counted: z.Total != nil, scale: 1}
	if estimate := next.raw() / usualRatio; estimate > 0 {
		// More bytes than the estimate mean longer names and configurations.
		next.scale = max(1, float64(l.answer.Bytes)/float64(estimate)*headroom)
	}
	l.system.sizes.set(l.target.id, next)
}

// beyondLeaf says what could not be asked for, and what to do about it.
func (v *interview) beyondLeaf(what string) string {
	place := "that cluster"
	if v.target.info.Domain != "" {
		place = "domain " + v.target.info.Domain
	}
	return fmt.Sprintf("%s: too much to be sure to pass the leaf link, which an answer over max_payload closes; audit %s directly, with --system",
		what, place)
}
