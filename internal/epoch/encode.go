package epoch

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"

	"github.com/klauspost/compress/s2"
)

// header starts every encoded epoch; its number changes when the form does in a
// way that an older reader would misread.
const header = "rollcall.epoch/v1\n"

// Encode writes the epoch in its versioned, compressed form: a header line,
// then JSON in an s2 stream.
func Encode(w io.Writer, e *Epoch) error {
	if _, err := io.WriteString(w, header); err != nil {
		return err
	}
	compressed := s2.NewWriter(w)
	if err := json.NewEncoder(compressed).Encode(e); err != nil {
		return err
	}
	return compressed.Close()
}

// Decode reads one encoded epoch. The error says what was found in place of a
// form that this version reads.
func Decode(r io.Reader) (*Epoch, error) {
	b := bufio.NewReader(r)
	found := make([]byte, len(header))
	if _, err := io.ReadFull(b, found); err != nil {
		return nil, fmt.Errorf("not an epoch: %w", err)
	}
	if string(found) != header {
		return nil, fmt.Errorf("not an epoch that this version reads: it starts with %q, want %q", found, header)
	}
	e := &Epoch{}
	if err := json.NewDecoder(s2.NewReader(b)).Decode(e); err != nil {
		return nil, fmt.Errorf("damaged epoch: %w", err)
	}
	e.link()
	return e, nil
}

// Hash is a digest of everything in the epoch: equal epochs have equal hashes.
func (e *Epoch) Hash() string {
	digest := sha256.New()
	// Encoding into a hash cannot fail: all fields are plain data.
	if err := json.NewEncoder(digest).Encode(e); err != nil {
		panic(fmt.Sprintf("epoch does not encode: %v", err))
	}
	return hex.EncodeToString(digest.Sum(nil))
}
