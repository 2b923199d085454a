package kinesis

import (
	"errors"
	"net/http"

	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/shardlog"
	"github.com/brookmere/brookmere/internal/nodeapi"
)

// Endpoints are the node's own endpoints of streams:
//
//	GET streams    what every stream of every account and region has taken, by shard
//
// Two answers make a rate. CloudWatch would have it a minute late.
func (s *Service) Endpoints() []awswire.Endpoint {
	return []awswire.Endpoint{{Method: http.MethodGet, Path: "streams", Serve: s.serveStreams}}
}

func (s *Service) serveStreams(w http.ResponseWriter, r *http.Request) {
	list := []nodeapi.Stream{}
	for it, err := range s.streams.List() {
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		if !it.Value.usable() {
			continue
		}
		st, err := s.status(r, it.Value)
		if errors.Is(err, shardlog.ErrNoShard) {
			continue // deleted meanwhile
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		list = append(list, st)
	}
	awswire.WriteJSON(w, list)
}

func (s *Service) status(r *http.Request, d *stream) (nodeapi.Stream, error) {
	out := nodeapi.Stream{Name: d.Name, Account: d.Account, Region: d.Region, Shards: []nodeapi.Shard{}}
	v, err := s.viewOf(r.Context(), s.runtime(d), d)
	if err != nil {
		return out, err
	}
	for i := range d.Shards {
		sh := &d.Shards[i]
		log := v.logs[sh.Index]
		if log == nil {
			continue
		}
		one := nodeapi.Shard{ID: sh.id(), Open: sh.open()}
		if one.Records, one.Bytes, err = log.Appended(r.Context()); err != nil {
			return out, err
		}
		info, err := log.Info(r.Context())
		if err != nil {
			return out, err
		}
		one.Kept, one.Last = info.Records, info.LastTime
		out.Shards = append(out.Shards, one)
	}
	return out, nil
}
