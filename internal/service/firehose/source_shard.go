package firehose

import (
	"context"
	"maps"
	"slices"
	"time"

	kinesistypes "github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/brookmere/brookmere/internal/awskit/shardreader"
)

// place is where a shard begins: where the marks have it. Of the shards that were open when
// the delivery stream was made, what was put after that is read, of later ones all.
func (k *kinesisSource) place(sh shardreader.ShardInfo) shardreader.Place {
	k.mu.Lock()
	defer k.mu.Unlock()
	m := &k.marks
	latest := k.config.Shards[len(k.config.Shards)-1]
	_, initial := slices.BinarySearch(k.config.Shards, sh.ID)
	if !m.whole && !initial && sh.ID <= latest { // numbers of shards grow
		return shardreader.Place{Ended: true}
	}
	_, begun := m.places[sh.ID]
	p := shardreader.Place{After: m.places[sh.ID], First: m.firsts[sh.ID], Begun: begun || m.has(sh.ID)}
	if initial && !m.whole {
		p.From = k.config.Started
	}
	return p
}

// delivered tells for each shard the sequence number of the last record up to which all is delivered.
// More of it may be.
func (k *kinesisSource) delivered() map[string]string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return maps.Clone(k.marks.places)
}

// looked forgets the places of shards that are gone.
func (k *kinesisSource) looked(d shardreader.Description) {
	k.failed(nil)
	k.mu.Lock()
	defer k.mu.Unlock()
	m := &k.marks
	if created, err := time.Parse(time.RFC3339Nano, d.Identity); err == nil && m.created.IsZero() {
		m.created = created
	}
	for id := range m.places {
		if !m.has(id) && !slices.ContainsFunc(d.Shards, func(sh shardreader.ShardInfo) bool { return sh.ID == id }) {
			delete(m.places, id)
		}
	}
}

func (k *kinesisSource) readFailed(shard string, err error, failures int, wait time.Duration) {
	if shard != "" {
		if k.retrying != nil {
			k.retrying(err, failures, wait)
		}
		return
	}
	k.failed(err)
	if failures == 1 {
		k.st.s.log.Warn("the source of a delivery stream cannot be read", "stream", k.st.doc.Load().Name, "err", err)
	}
}

// recreated goes on with a stream that was created again under the name.
func (k *kinesisSource) recreated(identity string) {
	k.st.s.log.Warn("the Kinesis stream that a delivery stream reads was deleted and created again; it is read from its beginning",
		"stream", k.st.doc.Load().Name, "source", k.config.StreamARN)
	created, err := time.Parse(time.RFC3339Nano, identity)
	if err != nil {
		created = k.clock.Now()
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	m := &k.marks
	was := int(k.batchAt-m.number) + len(k.batch)
	rest := max(m.sum()-was, int(k.beyond)+1-int(m.number)-was, 0)
	m.another(created)
	k.replay, k.partly = 0, 0
	if was > 0 {
		m.runs, k.replay = append(m.runs, run{count: was}), 1
	}
	if rest > 0 {
		m.runs = append(m.runs, run{count: rest})
	}
}

// noKinesis is the stream of a node without Kinesis.
type noKinesis struct{}

func (noKinesis) Describe(context.Context) (shardreader.Description, error) {
	return shardreader.Description{}, errNoKinesis
}

func (noKinesis) Iterator(context.Context, string, shardreader.Start) (string, error) {
	return "", errNoKinesis
}

func (noKinesis) Read(context.Context, string, int32) (shardreader.Page[kinesistypes.Record], error) {
	return shardreader.Page[kinesistypes.Record]{}, errNoKinesis
}

func (noKinesis) About(*kinesistypes.Record) shardreader.Info { return shardreader.Info{} }
