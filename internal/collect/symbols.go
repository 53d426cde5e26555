package collect

import (
	"maps"
	"reflect"
	"sync"
	"unique"

	"rollcall/internal/wire"
)

// symbols lets what is the same in many answers share its memory. Each replica
// of a stream tells the configuration anew, and each row the names of its
// peers: with 100 000 streams of three replicas that is most of an epoch.
type symbols struct {
	mu        sync.Mutex
	streams   map[asset]*shared[wire.StreamConfig]
	consumers map[asset]*shared[wire.ConsumerConfig]
	epoch     uint64
}

type asset struct{ account, stream, consumer string }

type shared[T any] struct {
	config *T
	epoch  uint64 // in which it was last seen
}

func newSymbols() *symbols {
	return &symbols{streams: map[asset]*shared[wire.StreamConfig]{}, consumers: map[asset]*shared[wire.ConsumerConfig]{}}
}

// next begins an epoch and forgets the configurations that the last one did not
// see.
func (s *symbols) next() {
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.DeleteFunc(s.streams, func(_ asset, c *shared[wire.StreamConfig]) bool { return c.epoch != s.epoch })
	maps.DeleteFunc(s.consumers, func(_ asset, c *shared[wire.ConsumerConfig]) bool { return c.epoch != s.epoch })
	s.epoch++
}

// share replaces what is known already by the copy that is.
func (s *symbols) share(accounts []wire.AccountDetail) {
	for i := range accounts {
		account := &accounts[i]
		symbol(&account.ID)
		symbol(&account.Name)
		for j := range account.Streams {
			s.shareStream(account, &account.Streams[j])
		}
	}
}

func (s *symbols) shareStream(account *wire.AccountDetail, stream *wire.StreamDetail) {
	symbol(&stream.Name)
	shareCluster(stream.Cluster)
	key := asset{account: account.ID, stream: stream.Name}
	shareConfig(s, s.streams, key, &stream.Config)
	for i := range stream.Consumers {
		s.shareConsumer(key, &stream.Consumers[i])
	}
	for i := range stream.DirectConsumers {
		s.shareConsumer(key, &stream.DirectConsumers[i])
	}
}

func (s *symbols) shareConsumer(key asset, consumer *wire.ConsumerInfo) {
	symbol(&consumer.Name)
	consumer.Stream = key.stream
	shareCluster(consumer.Cluster)
	key.consumer = consumer.Name
	shareConfig(s, s.consumers, key, &consumer.Config)
}

func shareCluster(c *wire.ClusterInfo) {
	if c == nil {
		return
	}
	symbol(&c.Name)
	symbol(&c.Leader)
	symbol(&c.RaftGroup)
	for i := range c.Replicas {
		symbol(&c.Replicas[i].Name)
	}
}

func shareConfig[T any](s *symbols, known map[asset]*shared[T], key asset, config **T) {
	if *config == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	have := known[key]
	if have == nil || !reflect.DeepEqual(have.config, *config) {
		have = &shared[T]{config: *config}
		known[key] = have
	}
	have.epoch = s.epoch
	*config = have.config
}

// symbol replaces a string by the one copy of it in the program.
func symbol(text *string) {
	if *text != "" {
		*text = unique.Make(*text).Value()
	}
}
