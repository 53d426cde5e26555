package collect

import (
	"fmt"
	"maps"
	"sync"

	"rollcall/internal/quantity"
)

// budget bounds the bytes that all answers of one epoch may have together.
type budget struct {
	limit int64

	mu       sync.Mutex
	spent    int64
	reserved int64
}

func (b *budget) spend(bytes int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.spent += bytes
}

// allows says whether another bytes would still be within the limit.
func (b *budget) allows(bytes int64) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.spent+b.reserved+bytes < b.limit
}

// reserve sets bytes aside for an answer under way, if they are there.
func (b *budget) reserve(bytes int64) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.spent+b.reserved+bytes >= b.limit {
		return false
	}
	b.reserved += bytes
	return true
}

func (b *budget) release(bytes int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.reserved -= bytes
}

func (b *budget) detail() string {
	return fmt.Sprintf("the %s that the answers of one epoch may have are spent", quantity.Bytes(b.limit))
}

// sizes remembers how large each server's listing was, by the server's id.
type sizes struct {
	mu   sync.Mutex
	byID map[string]size
}

func (s *sizes) get(id string) (size, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	known, ok := s.byID[id]
	return known, ok
}

func (s *sizes) set(id string, z size) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.byID[id] = z
}

// keep forgets all servers but the given.
func (s *sizes) keep(ids map[string]bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.DeleteFunc(s.byID, func(id string, _ size) bool { return !ids[id] })
}
