package firehose

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/aws/smithy-go"

	"github.com/brookmere/brookmere/internal/awswire"
)

// DeliveryStatus is how far a delivery stream is.
type DeliveryStatus struct {
	Name             string    `json:"name"`
	Account          string    `json:"account"`
	Region           string    `json:"region"`
	RecordsDelivered int64     `json:"records_delivered"` // since it was made
	RecordsFailed    int64     `json:"records_failed"`    // to the error prefix, since it was made
	Objects          int64     `json:"objects"`           // since it was made
	LagRecords       int64     `json:"lag_records"`       // from the oldest that is not in the destination on
	LagBytes         int64     `json:"lag_bytes"`
	LagSeconds       float64   `json:"lag_seconds"` // age of the oldest of them
	LastObject       string    `json:"last_object,omitempty"`
	LastDelivery     time.Time `json:"last_delivery,omitzero"`
	Held             bool      `json:"held,omitempty"`
	LastError        string    `json:"last_error,omitempty"` // of the last attempt, if it failed
	LastErrorTime    time.Time `json:"last_error_time,omitzero"`

	Compaction DeliveryCompaction `json:"compaction"`
}

// DeliveryCompaction is what was done to the objects of a delivery stream since the node
// began.
type DeliveryCompaction struct {
	Setting        string    `json:"setting"`         // off, or target=... after=... keep=...
	Objects        int64     `json:"objects"`         // that were merged
	Into           int64     `json:"into"`            // objects
	Bytes          int64     `json:"bytes"`           // of those that were merged
	WaitingFolders int       `json:"waiting_folders"` // not closed yet, or not compacted
	Last           time.Time `json:"last,omitzero"`
	LastError      string    `json:"last_error,omitempty"` // or why objects were left alone
	LastErrorTime  time.Time `json:"last_error_time,omitzero"`
}

func deliveryStatus(l Lag) DeliveryStatus {
	c := l.Compaction
	compaction := DeliveryCompaction{
		Setting: c.Setting, Objects: c.Objects, Into: c.Into, Bytes: c.Bytes, WaitingFolders: c.Folders, Last: c.Last, LastErrorTime: c.ErrTime,
	}
	if c.Err != nil {
		compaction.LastError = c.Err.Error()
	}
	return DeliveryStatus{
		Name: l.Name, Account: l.Account, Region: l.Region,
		RecordsDelivered: l.Delivered, RecordsFailed: l.Rejected, Objects: l.Objects,
		LagRecords: int64(l.Records), LagBytes: int64(l.Bytes), LagSeconds: l.Age.Seconds(),
		LastObject: l.LastObject, LastDelivery: l.LastTime, Held: l.Held,
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
	list := make([]DeliveryStatus, len(lags))
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
