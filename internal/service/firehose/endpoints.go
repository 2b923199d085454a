package firehose

import (
	"context"
	"errors"
	"net/http"

	"github.com/aws/smithy-go"

	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/nodeapi"
)

func deliveryStatus(l Lag) nodeapi.Delivery {
	c := l.Compaction
	compaction := nodeapi.Compaction{
		Setting: c.Setting, Objects: c.Objects, Into: c.Into, Bytes: c.Bytes, WaitingFolders: c.Folders, Last: c.Last, LastErrorTime: c.ErrTime,
	}
	if c.Err != nil {
		compaction.LastError = c.Err.Error()
	}
	return nodeapi.Delivery{
		Name: l.Name, Account: l.Account, Region: l.Region,
		RecordsDelivered: l.Delivered, RecordsFailed: l.Rejected, Objects: l.Objects,
		LagRecords: int64(l.Records), LagBytes: int64(l.Bytes), LagSeconds: l.Age.Seconds(),
		LastObject: l.LastObject, LastDelivery: l.LastTime, Held: l.Held, SourcePlaces: l.Places,
		LastError: l.Error, LastErrorTime: l.ErrorTime,
		Compaction: compaction,
	}
}

// Endpoints are the node's own endpoints of delivery streams:
//
//	GET  deliveries                all, of every account and region
//	GET  deliveries/NAME           one
//	POST deliveries/NAME/flush     deliver what was put so far; answers when it is done
//	POST deliveries/NAME/hold      deliver nothing more, until released or restarted
//	POST deliveries/NAME/release
//	POST deliveries/NAME/compact   merge the small objects that there are; answers when it is done
func (s *Service) Endpoints() []awswire.Endpoint {
	const one = "deliveries/{name}"
	list := []awswire.Endpoint{
		{Method: http.MethodGet, Path: "deliveries", Serve: s.serveDeliveries},
		{Method: http.MethodGet, Path: one, Serve: s.onDelivery(func(context.Context, string) error { return nil })},
	}
	for verb, do := range map[string]func(context.Context, string) error{
		"flush": s.Flush, "hold": s.Hold, "release": s.Release, "compact": s.Compact,
	} {
		list = append(list, awswire.Endpoint{Method: http.MethodPost, Path: one + "/" + verb, Serve: s.onDelivery(do)})
	}
	return list
}

func (s *Service) serveDeliveries(w http.ResponseWriter, r *http.Request) {
	lags, err := s.Lags(r.Context())
	if err != nil {
		s.log.Error("read the state of deliveries", "error", err)
		http.Error(w, "The state of deliveries could not be read; the node's log says why.", http.StatusInternalServerError)
		return
	}
	list := make([]nodeapi.Delivery, len(lags))
	for i, l := range lags {
		list[i] = deliveryStatus(l)
	}
	awswire.WriteJSON(w, list)
}

// onDelivery answers with the state of the delivery stream that the path names, after do.
func (s *Service) onDelivery(do func(context.Context, string) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		ctx, name := r.Context(), r.PathValue("name")
		err := do(ctx, name)
		var l Lag
		if err == nil {
			l, err = s.Lag(ctx, name)
		}
		switch ae := smithy.APIError(nil); {
		case err == nil:
			awswire.WriteJSON(w, deliveryStatus(l))
		case errors.As(err, &ae):
			http.Error(w, ae.ErrorMessage(), http.StatusNotFound)
		default:
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
		}
	}
}
