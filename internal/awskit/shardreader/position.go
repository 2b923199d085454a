package shardreader

import (
	"context"
	"maps"
	"time"
)

// Position is how far a consumer has come in a stream. Its JSON form is for storing.
type Position struct {
	Identity string           `json:"identity,omitempty"` // of the stream
	Shards   map[string]Place `json:"shards,omitempty"`   // those that are not in it are read from their oldest record
}

// Place is how far a consumer has come in a shard.
type Place struct {
	After string    `json:"after,omitempty"` // the sequence number of the last record that it is done with
	First string    `json:"first,omitempty"` // without After: that of the first one, if it is known
	From  time.Time `json:"from,omitzero"`   // without After: begin with what arrived then or later
	Ended bool      `json:"ended,omitempty"` // it is done with all of the shard

	// Begun shards do not wait for their parents.
	Begun bool `json:"begun,omitempty"`

	latest bool // behind the newest: of a shard that has not been asked yet
}

func (p *Position) clone() *Position {
	return &Position{Identity: p.Identity, Shards: maps.Clone(p.Shards)}
}

// Store keeps the Position of one consumer.
type Store interface {
	// Load returns nil when there is none yet.
	Load(ctx context.Context) (*Position, error)

	// Save returns when p is durable. p is not changed afterwards.
	Save(ctx context.Context, p *Position) error
}
