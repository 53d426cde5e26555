package wire

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/klauspost/compress/s2"
)

// maxPooledBuffer is the largest decompression buffer kept for the next reply; a larger one is left to the garbage
// collector, or one exceptional reply would hold its memory for ever.
const maxPooledBuffer = 64 << 20

// expansion is the guess at how many times larger a reply gets: compression in the field is 3 to 10 fold, and one
// step of growth too many is cheaper than a buffer that is never filled.
const expansion = 6

var (
	buffers     = sync.Pool{New: func() any { return new(bytes.Buffer) }}
	snapReaders = sync.Pool{New: func() any {
		// The server's snappy frames have blocks of 64 kB at most; larger s2 blocks make the reader allocate more.
		return s2.NewReader(nil, s2.ReaderAllocBlock(64<<10))
	}}
	gzipReaders = sync.Pool{New: func() any { return new(gzip.Reader) }}
)

// decompress returns the plain body and a function to call once it is no longer used. With an error, plain is what
// could be decompressed before it.
func decompress(body []byte, encoding string, limit int) (plain []byte, release func(), err error) {
	keep := func() {}
	switch strings.ToLower(strings.TrimSpace(encoding)) {
	case "", "identity":
		if len(body) > limit {
			return body[:limit], keep, fmt.Errorf("%w of %d bytes", ErrTooLarge, limit)
		}
		return body, keep, nil
	case "snappy", "s2":
		r := snapReaders.Get().(*s2.Reader)
		defer func() { r.Reset(nil); snapReaders.Put(r) }()
		r.Reset(bytes.NewReader(body))
		return drain(r, len(body), limit)
	case "gzip":
		r := gzipReaders.Get().(*gzip.Reader)
		defer gzipReaders.Put(r)
		if err := r.Reset(bytes.NewReader(body)); err != nil {
			return nil, keep, fmt.Errorf("%w: gzip: %w", ErrEncoding, err)
		}
		return drain(r, len(body), limit)
	default:
		return nil, keep, fmt.Errorf("%w: unknown Content-Encoding %q", ErrEncoding, encoding)
	}
}

// drain reads all of r into a pooled buffer, but no more than limit bytes.
func drain(r io.Reader, compressed, limit int) (plain []byte, release func(), err error) {
	buf := buffers.Get().(*bytes.Buffer)
	release = func() {
		if buf.Cap() <= maxPooledBuffer {
			buf.Reset()
			buffers.Put(buf)
		}
	}
	// A compressed size of more than the limit means nothing good, and must not decide the size of the buffer.
	buf.Grow(min(max(compressed, 0)*expansion, maxPooledBuffer, limit) + bytes.MinRead)
	_, err = buf.ReadFrom(io.LimitReader(r, int64(limit)+1))
	switch {
	case buf.Len() > limit:
		return buf.Bytes()[:limit], release, fmt.Errorf("%w of %d bytes", ErrTooLarge, limit)
	case err != nil:
		return buf.Bytes(), release, fmt.Errorf("%w: %w", ErrEncoding, err)
	}
	return buf.Bytes(), release, nil
}
