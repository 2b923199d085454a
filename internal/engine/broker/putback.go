package broker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sync/errgroup"

	"github.com/brookmere/brookmere/internal/engine/broker/journal"
	"github.com/brookmere/brookmere/internal/engine/broker/storeindex"
)

// mend reads what the journal has left and cuts off the streams that it, or the journal of
// appends, holds messages of where they are not what was written. The server must not run.
func (d *disk) mend() (*journal.Left, error) {
	left, err := journal.Read(d.journalDir())
	if err != nil {
		return nil, fmt.Errorf("broker: %w", err)
	}
	appends, err := readAppends(d.dir)
	if err != nil {
		return nil, err
	}
	var g errgroup.Group
	g.SetLimit(2 * runtime.GOMAXPROCS(0))
	for stream, first := range firstLeft(d.dir, left, appends) {
		g.Go(func() error { return storeindex.Mend(streamDir(d.dir, stream), first) })
	}
	if err := g.Wait(); err != nil {
		return nil, fmt.Errorf("broker: %w", err)
	}
	return left, nil
}

// firstLeft is, by stream, the first message that a journal has: from there on its files may
// not be what was written.
func firstLeft(dir string, left *journal.Left, appends map[string]uint64) map[string]uint64 {
	from := maps.Clone(appends)
	for _, s := range left.Streams() {
		if born, err := readBorn(streamDir(dir, s.Name)); err != nil || born != s.Born {
			continue // another stream of the name, or none: nothing of it is there any more
		}
		if have, ok := from[s.Name]; !ok || s.First < have {
			from[s.Name] = s.First
		}
	}
	return from
}

// readAppends tells for each stream that the journal of appends has entries of which message
// is the first that these become part of. All before is in the stream, and synced.
func readAppends(dir string) (map[string]uint64, error) {
	left, err := journal.Read(AppendsDir(dir))
	if err != nil {
		return nil, fmt.Errorf("broker: journal of appends: %w", err)
	}
	from := map[string]uint64{}
	for _, s := range left.Streams() {
		if made, err := readMade(streamDir(dir, s.Name)); err == nil && made == s.Born {
			from[s.Name], _ = journal.Piece(s.First)
		}
	}
	return from, nil
}

// readMade reads the number by which whoever made a stream tells it from others of its name.
func readMade(dir string) (int64, error) {
	meta, err := os.ReadFile(filepath.Join(dir, "meta.inf"))
	if err != nil {
		return 0, err
	}
	var info struct {
		Metadata map[string]string `json:"metadata"`
	}
	if err := json.Unmarshal(meta, &info); err != nil {
		return 0, fmt.Errorf("description of the stream: %w", err)
	}
	return journal.Made(info.Metadata[journal.MadeKey]), nil
}

// putBack publishes the messages that the journal has and the streams lack.
func (b *Broker) putBack(srv *server.Server, left *journal.Left) error {
	streams := left.Streams()
	if len(streams) == 0 {
		return nil
	}
	conn, err := nats.Connect("", nats.InProcessServer(srv), nats.Name("journal"))
	if err != nil {
		return fmt.Errorf("broker: connect: %w", err)
	}
	defer conn.Close()
	js, err := jetstream.New(conn, jetstream.WithDefaultTimeout(30*time.Second), jetstream.WithPublishAsyncMaxPending(256))
	if err != nil {
		return fmt.Errorf("broker: %w", err)
	}
	for _, s := range streams {
		n, err := b.putBackStream(js, left, s)
		if err != nil {
			return fmt.Errorf("broker: put messages of the journal back into stream %s: %w", s.Name, err)
		}
		if n > 0 && b.opts.Logf != nil {
			b.opts.Logf("warn", fmt.Sprintf("put %d messages of the journal back into stream %s", n, s.Name))
		}
	}
	return nil
}

// putBackStream puts the messages of one stream back and reports how many.
func (b *Broker) putBackStream(js jetstream.JetStream, left *journal.Left, s journal.Stream) (int, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	str, err := js.Stream(ctx, s.Name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	info := str.CachedInfo()
	last := info.State.LastSeq
	recreated := false
	switch {
	case info.Created.UnixNano() != s.Born:
		return 0, nil // another stream of the name
	case last >= s.Last:
		return 0, nil
	case last < s.First-1 && info.State.Msgs > 0:
		// It lacks more than what was not synced.
		if b.opts.Logf != nil {
			b.opts.Logf("error", fmt.Sprintf("stream %s ends at %d; the journal's messages %d to %d cannot follow", s.Name, last, s.First, s.Last))
		}
		return 0, nil
	case last < s.First-1:
		// All before has expired, and where the stream was went with it.
		cfg := info.Config
		cfg.FirstSeq = s.First
		if err := js.DeleteStream(ctx, s.Name); err != nil {
			return 0, err
		}
		if _, err := js.CreateStream(ctx, cfg); err != nil {
			return 0, err
		}
		last, recreated = s.First-1, true
	}
	n := 0
	var acks []jetstream.PubAckFuture
	err = left.Entries(s.StreamID, last, func(e journal.Entry) error {
		if e.Seq != last+1 {
			return nil // the one before is lost, so nobody was told of this one
		}
		n++
		last++
		ack, err := js.PublishMsgAsync(&nats.Msg{
			Subject: e.Subject,
			Header:  nats.Header{jetstream.ExpectedLastSeqHeader: {strconv.FormatUint(e.Seq-1, 10)}},
			Data:    e.Data,
		})
		acks = append(acks, ack)
		return err
	})
	for _, ack := range acks {
		if err != nil {
			break
		}
		select {
		case <-ack.Ok():
		case err = <-ack.Err():
		case <-ctx.Done():
			err = ctx.Err()
		}
	}
	if err == nil && recreated { // to the journal it is another stream
		err = b.disk.sync(s.Name, (*files).sync)
	}
	return n, err
}
