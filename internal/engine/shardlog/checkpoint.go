package shardlog

import (
	"errors"
	"slices"
)

// inPacks stands for the packs among the streams that have got frames.
const inPacks = ""

// file is what has to be synced when a frame of the shard was written.
func (s *Shard) file() string {
	if s.packed {
		return inPacks
	}
	return s.stream
}

// checkpoint has everything in its streams, and durable there, that the journal has of some up to a
// generation. Frames whose records are all in later ones stay: they grow until they are due.
func (fr *front) checkpoint(generation uint64, streams []string) error {
	<-fr.opened
	if err := fr.ctx.Err(); err != nil { // the journal keeps what is left
		return err
	}
	in := make(map[string]struct{}, len(streams))
	for _, s := range streams {
		in[s] = struct{}{}
	}
	all := slices.DeleteFunc(fr.shards(), func(s *Shard) bool {
		_, ok := in[s.stream]
		return !ok
	})
	ends := make([]uint64, len(all)) // the last frame of each that has to go
	for i, s := range all {
		s.mu.Lock()
		ends[i] = s.fillOf(generation)
		s.mu.Unlock()
	}
	for i, s := range all {
		if ends[i] > 0 {
			if err := s.flushTo(fr.ctx, func() uint64 { return ends[i] }); err != nil {
				return err
			}
		}
	}
	return fr.sync(generation, streams)
}

// fillOf lets the frames take no more that have records of a generation of the journal, or of one
// before, and returns the last of them, 0 when there is none. Callers hold mu.
func (s *Shard) fillOf(generation uint64) (last uint64) {
	for _, x := range s.sealed {
		if x.oldest <= generation {
			last = x.seq
		}
	}
	for i := 0; i < len(s.growing) && s.growing[i].oldest <= generation; {
		o := s.growing[i]
		last = o.seq
		s.fill(o)
		if i < len(s.growing) && s.growing[i] == o {
			i++
		}
	}
	return last
}

// written notes that a stream has got a frame whose first records the journal has in a generation.
func (fr *front) written(stream string, oldest uint64) {
	fr.mu.Lock()
	if have, ok := fr.files[stream]; !ok || oldest < have {
		fr.files[stream] = oldest
	}
	fr.mu.Unlock()
}

// sync syncs those of the streams that have got frames of a generation of the journal, or of one
// before, since they were synced last.
func (fr *front) sync(generation uint64, streams []string) error {
	var due []string
	was := map[string]uint64{}
	packs := false
	fr.mu.Lock()
	if oldest, ok := fr.files[inPacks]; ok && oldest <= generation {
		packs, was[inPacks] = true, oldest
		delete(fr.files, inPacks)
	}
	for _, s := range streams {
		if oldest, ok := fr.files[s]; ok && oldest <= generation && s != inPacks {
			due, was[s] = append(due, s), oldest
			delete(fr.files, s)
		}
	}
	fr.mu.Unlock()
	var err error
	if packs {
		err = fr.log.packs.Sync()
	}
	if len(due) > 0 {
		err = errors.Join(err, fr.log.broker.SyncAppended(due))
	}
	if err != nil {
		for s, oldest := range was {
			fr.written(s, oldest)
		}
	}
	return err
}
