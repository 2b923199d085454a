package kinesisanalytics

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/brookmere/brookmere/internal/awskit/scope"
)

// Statuses of an application. Those that end in -ING are of work that the application's worker
// is to do, and that it leaves by itself.
const (
	statusReady    = "READY"
	statusStarting = "STARTING"
	statusRunning  = "RUNNING"
	statusUpdating = "UPDATING" // it runs, and is to take up a new configuration
	statusStopping = "STOPPING"
	statusDeleting = "DELETING"
)

// applicationDoc is an application: what its owner has said, and what is to be done with it.
type applicationDoc struct {
	ID          string    `json:"id"` // of this application alone, whatever others had its name before
	Account     string    `json:"account"`
	Region      string    `json:"region"`
	Name        string    `json:"name"`
	Description string    `json:"description,omitempty"`
	Code        string    `json:"code,omitempty"`
	Role        string    `json:"role,omitempty"`   // of all parts that name none; "" for applications of the first version of the API
	Second      bool      `json:"second,omitempty"` // made by the second version of the API
	Version     int64     `json:"version"`
	Created     time.Time `json:"created"`
	Updated     time.Time `json:"updated"`

	Inputs     []inputDoc        `json:"inputs,omitempty"`
	Outputs    []outputDoc       `json:"outputs,omitempty"`
	References []referenceDoc    `json:"references,omitempty"`
	Logging    []loggingDoc      `json:"logging,omitempty"`
	Tags       map[string]string `json:"tags,omitempty"`

	Status  string    `json:"status"`
	Run     int64     `json:"run,omitempty"`   // counts the starts
	Fresh   bool      `json:"fresh,omitempty"` // this run does not go on where the one before stopped
	Started time.Time `json:"started,omitzero"`
}

// resourceDoc is a neighbour's resource, and the role that reaches it.
type resourceDoc struct {
	ARN  string `json:"arn"`
	Role string `json:"role,omitempty"`
}

type schemaDoc struct {
	Format          string      `json:"format"` // JSON or CSV
	RowPath         *string     `json:"row_path,omitempty"`
	RowDelimiter    *string     `json:"row_delimiter,omitempty"`
	ColumnDelimiter *string     `json:"column_delimiter,omitempty"`
	Encoding        *string     `json:"encoding,omitempty"`
	Columns         []columnDoc `json:"columns"`
}

type columnDoc struct {
	Name    string  `json:"name"`
	Type    string  `json:"type"`
	Mapping *string `json:"mapping,omitempty"`
}

type inputDoc struct {
	ID          string       `json:"id"`
	Prefix      string       `json:"prefix"`
	Parallelism int32        `json:"parallelism"`
	Processor   *resourceDoc `json:"processor,omitempty"`
	Stream      *resourceDoc `json:"stream,omitempty"`
	Delivery    *resourceDoc `json:"delivery,omitempty"`
	Schema      schemaDoc    `json:"schema"`
	Start       string       `json:"start,omitempty"` // of the last start
}

// streams are the names of the in-application streams of an input: PREFIX_001 and so on.
func (in *inputDoc) streams() []string {
	names := make([]string, in.Parallelism)
	for i := range names {
		names[i] = fmt.Sprintf("%s_%03d", in.Prefix, i+1)
	}
	return names
}

type outputDoc struct {
	ID       string       `json:"id"`
	Name     string       `json:"name"` // of the in-application stream
	Format   string       `json:"format"`
	Stream   *resourceDoc `json:"stream,omitempty"`
	Delivery *resourceDoc `json:"delivery,omitempty"`
	Function *resourceDoc `json:"function,omitempty"`
}

// target is what the rows go to.
func (o *outputDoc) target() *resourceDoc {
	switch {
	case o.Stream != nil:
		return o.Stream
	case o.Delivery != nil:
		return o.Delivery
	}
	return o.Function
}

type referenceDoc struct {
	ID     string    `json:"id"`
	Table  string    `json:"table"`
	Bucket string    `json:"bucket"` // ARN
	Key    string    `json:"key"`
	Role   string    `json:"role,omitempty"`
	Schema schemaDoc `json:"schema"`
}

type loggingDoc struct {
	ID     string `json:"id"`
	Stream string `json:"stream"` // ARN of the log stream
	Role   string `json:"role,omitempty"`
}

func (d *applicationDoc) scope() scope.Scope {
	return scope.Scope{Account: d.Account, Region: d.Region}
}
func (d *applicationDoc) key() []string { return []string{d.Account, d.Region, d.Name} }
func (d *applicationDoc) arn() string {
	return d.scope().ARN("kinesisanalytics", "application/"+d.Name)
}

// roleOf is the role for a part.
func (d *applicationDoc) roleOf(role string) string {
	if role != "" {
		return role
	}
	return d.Role
}

// works says whether an application's worker has something to do.
func (d *applicationDoc) works() bool { return d.Status != statusReady }

// runs says whether records are read.
func (d *applicationDoc) runs() bool {
	return d.Status == statusStarting || d.Status == statusRunning || d.Status == statusUpdating
}

// clone is a copy whose lists can be changed.
func (d *applicationDoc) clone() *applicationDoc {
	c := *d
	c.Inputs, c.Outputs = slices.Clone(d.Inputs), slices.Clone(d.Outputs)
	c.References, c.Logging = slices.Clone(d.References), slices.Clone(d.Logging)
	return &c
}

// newID is the id of a new part: the version that it was added to, and a number that no part of
// its kind has.
func newID[P any](version int64, parts []P, id func(*P) string) string {
	for n := 1; ; n++ {
		s := fmt.Sprintf("%d.%d", version, n)
		if !slices.ContainsFunc(parts, func(p P) bool { return id(&p) == s }) {
			return s
		}
	}
}

func inputID(p *inputDoc) string         { return p.ID }
func outputID(p *outputDoc) string       { return p.ID }
func referenceID(p *referenceDoc) string { return p.ID }
func loggingID(p *loggingDoc) string     { return p.ID }

// find is the part of an id, nil if there is none.
func find[P any](parts []P, id func(*P) string, want string) *P {
	for i := range parts {
		if id(&parts[i]) == want {
			return &parts[i]
		}
	}
	return nil
}

// nameOf is the name in the ARN of an application, and whether it is of the scope.
func nameOf(sc scope.Scope, arn string) (string, bool) {
	return strings.CutPrefix(arn, sc.ARN("kinesisanalytics", "application/"))
}
