package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// DefaultLimit is the number of decompressed bytes that Decode accepts. 10 000 streams with one consumer each are
// 14 MB, so this leaves room for some 180 000 in one account (JSZ cannot be paged below an account) and still keeps
// a hostile reply from taking the memory of the host.
const DefaultLimit = 256 << 20

// Errors of Decode; the returned error wraps one of them, or is an *APIError.
var (
	// ErrTooLarge: the reply is larger than the limit once decompressed.
	ErrTooLarge = errors.New("reply larger than the limit")
	// ErrEncoding: the Content-Encoding is unknown, or the body is not what it says.
	ErrEncoding = errors.New("reply cannot be decompressed")
	// ErrMalformed: the body is no JSON object, for example because it was cut off.
	ErrMalformed = errors.New("reply is not valid JSON")
	// ErrNoData: the envelope carries neither data nor an error, or its data could not be read at all.
	ErrNoData = errors.New("reply carries no data")
)

// APIError is the error of a reply's envelope: the server understood that it was asked, and refused or failed.
// Source: jetstream_errors.go ApiError, v2.15.2.
type APIError struct {
	Code        int    `json:"code"`               // as in HTTP; 0 when the error could not be read
	ErrCode     int    `json:"err_code,omitempty"` // JetStream error code; 0 on monitoring requests
	Description string `json:"description,omitempty"`
}

// Error implements error.
func (e *APIError) Error() string {
	if e.ErrCode != 0 {
		return fmt.Sprintf("%s (code %d, %d)", e.Description, e.Code, e.ErrCode)
	}
	return fmt.Sprintf("%s (code %d)", e.Description, e.Code)
}

// Reply is one decoded reply. After an error it still holds what is known.
type Reply[T any] struct {
	Server *ServerInfo // who answered; nil when the reply does not say
	Data   *T          // nil when there is none
	Lost   []Lost      // what was in the reply and could not be read, at most MaxLost entries
	// LostCount is the number of things lost, also those that Lost has no room for.
	LostCount int
	Size      int // bytes of JSON after decompression
}

// envelope is events.go ServerAPIResponse and, with statsz instead of data, ServerStatsMsg, v2.15.2.
type envelope[T any] struct {
	Server *ServerInfo `json:"server"`
	Data   *T          `json:"data"`
	Statsz *T          `json:"statsz"`
	Error  *APIError   `json:"error"`
}

// Decode reads the reply to a $SYS.REQ.SERVER.* request, or a STATSZ beat. encoding is the Content-Encoding header:
// "snappy" or "s2" (framed), "gzip", or empty. The error is an *APIError when the server answered with one.
// Nothing of the result refers to body.
//
// A value of an unexpected type is left out and listed in Reply.Lost, without an error. Within a list of assets
// (streams, consumers, routes, leaf nodes, ...) the whole asset is left out, since half an asset would be judged as
// if its zeros were true. The good case pays nothing for this: only when the plain decoding fails is the body decoded a
// second time, piece by piece.
func Decode[T any](body []byte, encoding string) (Reply[T], error) {
	return DecodeLimit[T](body, encoding, DefaultLimit)
}

// DecodeLimit is Decode with another limit than DefaultLimit, in decompressed bytes.
func DecodeLimit[T any](body []byte, encoding string, limit int) (Reply[T], error) {
	var reply Reply[T]
	plain, release, err := decompress(body, encoding, limit)
	defer release()
	reply.Size = len(plain)
	if err != nil {
		reply.Server = serverPrefix(plain)
		return reply, err
	}
	var env envelope[T]
	if err := json.Unmarshal(plain, &env); err != nil {
		if !json.Valid(plain) || !isObject(plain) {
			reply.Server = serverPrefix(plain)
			return reply, fmt.Errorf("%w: %w", ErrMalformed, err)
		}
		env = salvageEnvelope(plain, &reply)
	}
	reply.Server = env.Server
	reply.Data = env.Data
	if reply.Data == nil {
		reply.Data = env.Statsz
	}
	switch {
	case env.Error != nil:
		return reply, env.Error
	case reply.Data == nil:
		return reply, ErrNoData
	}
	return reply, nil
}

// DecodeEvent reads an event that comes without an envelope: SHUTDOWN and LAMEDUCK (ServerInfo), advisories
// (Advisory). Data is set and Server is nil. Events are not compressed.
func DecodeEvent[T any](body []byte) (Reply[T], error) {
	reply := Reply[T]{Size: len(body)}
	if len(body) > DefaultLimit {
		return reply, fmt.Errorf("%w of %d bytes", ErrTooLarge, DefaultLimit)
	}
	if !isObject(body) {
		return reply, fmt.Errorf("%w: not an object", ErrMalformed)
	}
	data := new(T)
	if err := json.Unmarshal(body, data); err != nil {
		if !json.Valid(body) {
			return reply, fmt.Errorf("%w: %w", ErrMalformed, err)
		}
		data = new(T)
		var s salvage
		s.value(body, data)
		reply.Lost, reply.LostCount = s.lost, s.count
	}
	reply.Data = data
	return reply, nil
}

// isObject reports whether the JSON text is an object, by its first character.
func isObject(body []byte) bool {
	body = bytes.TrimLeft(body, " \t\r\n")
	return len(body) > 0 && body[0] == '{'
}

// serverPrefix finds the server in a reply that is cut off or otherwise broken after it. Servers write it first.
func serverPrefix(body []byte) *ServerInfo {
	dec := json.NewDecoder(bytes.NewReader(body))
	if tok, err := dec.Token(); err != nil || tok != json.Delim('{') {
		return nil
	}
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return nil
		}
		if key == "server" {
			var info *ServerInfo
			if dec.Decode(&info) != nil {
				return nil
			}
			return info
		}
		if key == "data" || key == "statsz" { // never followed by the server, and long
			return nil
		}
		var skipped json.RawMessage
		if dec.Decode(&skipped) != nil {
			return nil
		}
	}
	return nil
}
