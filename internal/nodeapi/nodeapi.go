// Package nodeapi holds the documents of the node's own endpoints, below /_brookmere/: what a node
// answers there and what its command line and its console read. They exist beside the AWS APIs for
// what AWS has no call for (how far a delivery is, which processes a function has), or has a minute late.
//
// A service fills the documents of its endpoints, and a client decodes them: neither has to know the
// other. Members are added, never renamed: a command may be older than the node that it asks.
package nodeapi

import (
	"encoding/json"
	"time"
)

// Health is what GET health answers.
type Health struct {
	Status   string            `json:"status"` // ok
	Version  string            `json:"version"`
	Services map[string]string `json:"services"` // name to state: running
}

// Who an endpoint of the node's own is for, where the node has credentials or enforces policies.
const (
	ForEverybody = "everybody" // it shows nothing of accounts and changes nothing
	ForHolder    = "holder"    // of a URL that the node has signed, or of the node's token
	ForOwner     = "owner"     // who signs as the node's account, or has the node's token
)

// Endpoint is an element of what GET endpoints answers, a list.
type Endpoint struct {
	Method string `json:"method"`
	Path   string `json:"path"` // with parameters, as in functions/{name}/logs
	For    string `json:"for"`
}

// Clients is what GET clients answers: what a client has to know of the node.
type Clients struct {
	Version     string `json:"version"`
	Account     string `json:"account"`
	Region      string `json:"region"`      // for clients that have none; every region works
	Credentials bool   `json:"credentials"` // the node accepts the credentials alone that it knows
	Proxy       bool   `json:"proxy"`       // the node is a forward proxy
}

// ClockTime is what GET and POST clock answer.
type ClockTime struct {
	Mode string    `json:"mode"` // system, offset or frozen
	Now  time.Time `json:"now"`
}

// ClockChange is the body of POST clock.
type ClockChange struct {
	Advance string `json:"advance"` // a duration as 90s or 25h, not negative
}

// SQLFunction is a function of queries, in the list that GET sql-functions answers.
type SQLFunction struct {
	Name        string   `json:"name"`
	Kind        string   `json:"kind"` // scalar, aggregate, window, table or expression
	Topic       string   `json:"topic"`
	Forms       []string `json:"forms"` // as it is called
	Description string   `json:"description"`
}

// Stream is what a stream has taken, in the list that GET streams answers.
type Stream struct {
	Name    string  `json:"name"`
	Account string  `json:"account"`
	Region  string  `json:"region"`
	Shards  []Shard `json:"shards"` // that have not expired
}

// Shard is what a shard has taken since it was created, and how much of it is kept.
type Shard struct {
	ID      string    `json:"id"`
	Open    bool      `json:"open"`
	Records uint64    `json:"records"`
	Bytes   uint64    `json:"bytes"` // of partition keys and data
	Kept    uint64    `json:"kept_records"`
	Last    time.Time `json:"last,omitzero"` // arrival of the newest record that is kept
}

// Delivery is how far a delivery stream is: GET deliveries/NAME, and the list of GET deliveries.
type Delivery struct {
	Name             string    `json:"name"`
	Account          string    `json:"account"`
	Region           string    `json:"region"`
	RecordsDelivered int64     `json:"records_delivered"` // since it was created
	RecordsFailed    int64     `json:"records_failed"`    // to the error prefix, since it was created
	Objects          int64     `json:"objects"`           // since it was created
	LagRecords       int64     `json:"lag_records"`       // from the oldest that is not in the destination on
	LagBytes         int64     `json:"lag_bytes"`
	LagSeconds       float64   `json:"lag_seconds"` // age of the oldest of them
	LastObject       string    `json:"last_object,omitempty"`
	LastDelivery     time.Time `json:"last_delivery,omitzero"`
	Held             bool      `json:"held,omitempty"`
	LastError        string    `json:"last_error,omitempty"` // of the last attempt, if it failed
	LastErrorTime    time.Time `json:"last_error_time,omitzero"`

	// SourcePlaces are, of a Kinesis source by its shards, the sequence numbers of records up to which
	// all is in objects; more may be. A delivery whose records go through a function has none.
	SourcePlaces map[string]string `json:"source_places,omitempty"`

	Compaction Compaction `json:"compaction"`
}

// Compaction is what was done to the objects of a delivery stream since the node started.
type Compaction struct {
	Setting        string    `json:"setting"`         // off, or target=... after=... keep=...
	Objects        int64     `json:"objects"`         // that were merged
	Into           int64     `json:"into"`            // objects
	Bytes          int64     `json:"bytes"`           // of those that were merged
	WaitingFolders int       `json:"waiting_folders"` // not closed yet, or not compacted
	Last           time.Time `json:"last,omitzero"`
	LastError      string    `json:"last_error,omitempty"` // or why objects were left alone
	LastErrorTime  time.Time `json:"last_error_time,omitzero"`
}

// Function is a function and its processes, in the list that GET functions answers.
type Function struct {
	Name      string     `json:"name"`
	Account   string     `json:"account"`
	Region    string     `json:"region"`
	Runtime   string     `json:"runtime"`
	Handler   string     `json:"handler"`
	Memory    int32      `json:"memoryMiB"`
	Timeout   int32      `json:"timeoutSeconds"`
	Modified  time.Time  `json:"modified"`
	Instances []Instance `json:"instances"`
	Mappings  []string   `json:"mappings"` // ARNs of its event sources
}

// Instance is a process of a function.
type Instance struct {
	ID       string    `json:"id"`
	Function string    `json:"function"`
	Version  string    `json:"version"`
	Pid      int       `json:"pid"`
	Started  time.Time `json:"started"`
	Busy     bool      `json:"busy"`
	Attached bool      `json:"attached"` // it is the user's own, and speaks to the Runtime API from outside
}

// LogLine is a line of GET functions/NAME/logs.
type LogLine struct {
	Time    time.Time `json:"time"`
	Message string    `json:"message"`
}

// Attachment is the first line of what POST functions/NAME/attach answers. The attachment ends with the
// connection.
type Attachment struct {
	Address     string   `json:"address"`     // of the Runtime API
	Environment []string `json:"environment"` // of the function, as NAME=value
}

// Application is an application of Kinesis Data Analytics, in the list that GET analytics answers.
type Application struct {
	Name       string    `json:"name"`
	Account    string    `json:"account"`
	Region     string    `json:"region"`
	Status     string    `json:"status"`
	Version    int64     `json:"version"`
	Inputs     []string  `json:"inputs"`  // ARNs
	Outputs    []string  `json:"outputs"` // ARNs
	Streams    []string  `json:"streams"` // in the application
	BehindMs   int64     `json:"behindMs"`
	StateBytes int64     `json:"stateBytes"`
	Time       time.Time `json:"time,omitzero"` // of the last step
	Error      string    `json:"error,omitempty"`

	// RowErrors is how many rows have come into error_stream since the code began to run, over restarts;
	// LastRowError is the last of them, of this run or, if it had none, empty.
	RowErrors    uint64    `json:"rowErrors,omitempty"`
	LastRowError *RowError `json:"lastRowError,omitempty"`

	// Places are the sequence numbers of the last records that were taken, by ARNs of inputs and shards.
	Places map[string]map[string]string `json:"places,omitempty"`
}

// RowError is a row of error_stream: what went wrong with a row of an application of SQL.
type RowError struct {
	Time    time.Time `json:"time"` // when the row came into error_stream
	Name    string    `json:"name"` // as Numeric.Overflow
	Message string    `json:"message"`
	Pump    string    `json:"pump,omitempty"`
}

// EventSource is how far an event source mapping is in its stream, in the list that GET event-sources
// answers.
type EventSource struct {
	ID       string                 `json:"id"`
	Account  string                 `json:"account"`
	Region   string                 `json:"region"`
	Function string                 `json:"function"` // its name
	Source   string                 `json:"source"`   // ARN
	Enabled  bool                   `json:"enabled"`
	Shards   map[string]SourcePlace `json:"shards"` // of a stream
}

// SourcePlace is how far a consumer is in a shard.
type SourcePlace struct {
	After string `json:"after,omitempty"` // sequence number of the last record that it is done with
	Ended bool   `json:"ended,omitempty"` // it is done with all of the shard
}

// Row is a line of GET analytics/NAME/tail: a row of an in-application stream, or how many were dropped
// because the client is slower than the application.
type Row struct {
	Rowtime time.Time       `json:"rowtime"`
	Row     json.RawMessage `json:"row,omitempty"`
	Dropped uint64          `json:"dropped,omitempty"`
}
