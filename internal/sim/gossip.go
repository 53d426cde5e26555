package sim

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
)

// gossipCommand marks the INFO line by which a server tells a gateway of
// another cluster where it finds a third one.
const gossipCommand = 1

// gossipBuffer holds the longest line that is looked at as a whole; gossip
// takes some 30 bytes for each server of the cluster it is about.
const gossipBuffer = 64 << 10

// gossipFilter reads what a server says on a gateway connection that it
// accepted, without the gossip about third clusters. That gossip repeats how
// the server itself was told to reach them: through the proxies of its own
// links. A cluster that follows it gets around a cut in its own link.
//
// On such a connection the accepting side sends lines only, never payloads:
// messages go out on connections that a server has made itself.
type gossipFilter struct {
	lines   *bufio.Reader
	pending []byte // what was let through but not read yet
	midLine bool   // the last piece was the start of a line longer than the buffer
	err     error  // to be returned after pending
}

func newGossipFilter(r io.Reader) io.Reader {
	return &gossipFilter{lines: bufio.NewReaderSize(r, gossipBuffer)}
}

func (f *gossipFilter) Read(p []byte) (int, error) {
	for len(f.pending) == 0 {
		if f.err != nil {
			return 0, f.err
		}
		line, err := f.lines.ReadSlice('\n')
		tooLong := errors.Is(err, bufio.ErrBufferFull)
		if err != nil && !tooLong {
			f.err = err
		}
		if f.midLine || !isGossip(line) {
			f.pending = line
		}
		f.midLine = tooLong
	}
	n := copy(p, f.pending)
	f.pending = f.pending[n:]
	return n, nil
}

func isGossip(line []byte) bool {
	text, isInfo := bytes.CutPrefix(line, []byte("INFO "))
	var info struct {
		Command int `json:"gateway_cmd"`
	}
	return isInfo && json.Unmarshal(text, &info) == nil && info.Command == gossipCommand
}
