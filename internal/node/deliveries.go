package node

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/aws/smithy-go"

	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/server"
	"github.com/brookmere/brookmere/internal/service/firehose"
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

func deliveryStatus(l firehose.Lag) DeliveryStatus {
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

// handleDeliveries adds the endpoints of delivery streams to mux:
//
//	GET  /_brookmere/deliveries                all, of every account and region
//	GET  /_brookmere/deliveries/NAME           one
//	POST /_brookmere/deliveries/NAME/flush     deliver what was put so far; answers when it is done
//	POST /_brookmere/deliveries/NAME/hold      deliver nothing more, until released or restarted
//	POST /_brookmere/deliveries/NAME/release
//	POST /_brookmere/deliveries/NAME/compact   merge the small objects that there are; answers when it is done
//
// The query parameters account and region say whose NAME is meant; by default the node's
// account and us-east-1.
func (n *Node) handleDeliveries(mux *http.ServeMux) {
	const root = server.NodePrefix + "deliveries"
	mux.Handle("GET "+root, fromLoopback(n.serveDeliveries))
	mux.Handle("GET "+root+"/{name}", fromLoopback(n.onDelivery((*firehose.Service).Lag)))
	for verb, do := range map[string]func(*firehose.Service, context.Context, string) error{
		"flush": (*firehose.Service).Flush, "hold": (*firehose.Service).Hold, "release": (*firehose.Service).Release,
		"compact": (*firehose.Service).Compact,
	} {
		mux.Handle("POST "+root+"/{name}/"+verb, fromLoopback(n.onDelivery(
			func(f *firehose.Service, ctx context.Context, name string) (firehose.Lag, error) {
				if err := do(f, ctx, name); err != nil {
					return firehose.Lag{}, err
				}
				return f.Lag(ctx, name)
			})))
	}
}

func (n *Node) serveDeliveries(w http.ResponseWriter, r *http.Request) {
	n.onStack(r.Context(), func(ctx context.Context, s *stack) {
		lags, err := s.firehose.Lags(ctx)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		list := make([]DeliveryStatus, len(lags))
		for i, l := range lags {
			list[i] = deliveryStatus(l)
		}
		writeJSON(w, list)
	})
}

// onDelivery answers with the state of the delivery stream that the path names, after do.
func (n *Node) onDelivery(do func(*firehose.Service, context.Context, string) (firehose.Lag, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		caller := awswire.Caller{Account: n.cfg.Account, Region: awswire.DefaultRegion}
		if v := r.FormValue("account"); v != "" {
			caller.Account = v
		}
		if v := r.FormValue("region"); v != "" {
			caller.Region = v
		}
		if !n.onStack(awswire.WithCaller(r.Context(), caller), func(ctx context.Context, s *stack) {
			l, err := do(s.firehose, ctx, r.PathValue("name"))
			switch ae := smithy.APIError(nil); {
			case err == nil:
				writeJSON(w, deliveryStatus(l))
			case errors.As(err, &ae):
				http.Error(w, ae.ErrorMessage(), http.StatusNotFound)
			default:
				http.Error(w, err.Error(), http.StatusServiceUnavailable)
			}
		}) {
			http.Error(w, "The node is stopping.", http.StatusServiceUnavailable)
		}
	}
}
