package dynamodb

import (
	"crypto/rand"
	"encoding/binary"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/brookmere/brookmere/internal/awskit/arn"
	"github.com/brookmere/brookmere/internal/engine/itemstore"
	"github.com/brookmere/brookmere/internal/engine/itemstore/attr"
)

// table is the document of a table, under the key (account, region, name).
type table struct {
	Name    string `json:"name"`
	Account string `json:"account"`
	Region  string `json:"region"`

	ID      string    `json:"id"`    // as the API shows it, a UUID
	Store   uint64    `json:"store"` // of the items, in the item store
	Created time.Time `json:"created"`
	Status  string    `json:"status"` // ACTIVE, CREATING (a restore or an import), DELETING

	Attributes []attribute `json:"attributes"` // definitions, in the order that they were given
	Hash       string      `json:"hash"`
	Range      string      `json:"range,omitempty"`
	Indexes    []index     `json:"indexes,omitempty"`
	NextIndex  uint16      `json:"nextIndex"`

	Throughput throughput           `json:"throughput"`
	OnDemand   bool                 `json:"onDemand,omitempty"`
	OnDemandAt time.Time            `json:"onDemandAt,omitzero"`
	MaxUnits   *maxUnits            `json:"maxUnits,omitempty"`
	Warm       *warm                `json:"warm,omitempty"`
	Class      string               `json:"class,omitempty"`
	ClassAt    time.Time            `json:"classAt,omitzero"`
	Protected  bool                 `json:"protected,omitempty"`
	SSE        *sse                 `json:"sse,omitempty"`
	Tags       map[string]string    `json:"tags,omitempty"`
	Policy     string               `json:"policy,omitempty"`
	PolicyRev  string               `json:"policyRev,omitempty"`
	Insights   map[string]insights  `json:"insights,omitempty"` // by index, "" for the table
	Expiry     expirySetting        `json:"expiry,omitzero"`
	Recovery   recovery             `json:"recovery,omitzero"`
	Streams    []stream             `json:"streams,omitempty"` // the last is the newest
	Kinesis    []kinesisDestination `json:"kinesis,omitempty"`
	Restored   *restored            `json:"restored,omitempty"`
	Importing  bool                 `json:"importing,omitempty"` // a job fills it
}

type attribute struct {
	Name string    `json:"name"`
	Type attr.Type `json:"type"`
}

type throughput struct {
	Read, Write     int64
	Raised, Lowered time.Time `json:",omitzero"`
	LoweredToday    int64     `json:",omitempty"`
}

type maxUnits struct{ Read, Write int64 }

type warm struct{ Read, Write int64 }

type sse struct {
	Type string `json:"type"`
	Key  string `json:"key,omitempty"`
}

type insights struct {
	Status string    `json:"status"`
	Mode   string    `json:"mode,omitempty"`
	At     time.Time `json:"at"`
}

type expirySetting struct {
	Attribute string    `json:"attribute,omitempty"`
	Enabled   bool      `json:"enabled,omitempty"`
	At        time.Time `json:"at,omitzero"`
	Building  bool      `json:"building,omitempty"` // the index by time is being filled
}

type recovery struct {
	Since time.Time `json:"since,omitzero"` // zero: off
	Days  int32     `json:"days,omitempty"`
}

type restored struct {
	Backup string    `json:"backup,omitempty"`
	Source string    `json:"source,omitempty"`
	At     time.Time `json:"at"`
}

// index is a secondary index of a table.
type index struct {
	ID         uint16     `json:"id"`
	Name       string     `json:"name"`
	Local      bool       `json:"local,omitempty"`
	Hash       string     `json:"hash"`
	Range      string     `json:"range,omitempty"`
	MoreHash   []string   `json:"moreHash,omitempty"`  // after Hash, in a partition key of several attributes
	MoreRange  []string   `json:"moreRange,omitempty"` // after Range, in a sort key of several
	Projection string     `json:"projection"`
	Include    []string   `json:"include,omitempty"`
	Throughput throughput `json:"throughput"`
	MaxUnits   *maxUnits  `json:"maxUnits,omitempty"`
	Warm       *warm      `json:"warm,omitempty"`
	Status     string     `json:"status"` // ACTIVE, CREATING, DELETING
}

// hashes are the attributes of the partition key.
func (x *index) hashes() []string { return append([]string{x.Hash}, x.MoreHash...) }

// ranges are the attributes of the sort key, none if there is none.
func (x *index) ranges() []string { return sortKey(x.Range, x.MoreRange...) }

// keys are the attributes of both keys.
func (x *index) keys() []string { return append(x.hashes(), x.ranges()...) }

func sortKey(rng string, more ...string) []string {
	if rng == "" {
		return nil
	}
	return append([]string{rng}, more...)
}

func (d *table) key() []string { return []string{d.Account, d.Region, d.Name} }

func (d *table) arn() string { return arn.New("dynamodb", d.Region, d.Account, "table/"+d.Name) }

// typeOf is the type of a key attribute.
func (d *table) typeOf(name string) attr.Type {
	for _, a := range d.Attributes {
		if a.Name == name {
			return a.Type
		}
	}
	return ""
}

func (d *table) keyAttribute(name string) itemstore.KeyAttribute {
	if name == "" {
		return itemstore.KeyAttribute{}
	}
	return itemstore.KeyAttribute{Name: name, Type: d.typeOf(name)}
}

func (d *table) keyAttributes(names []string) (out []itemstore.KeyAttribute) {
	for _, name := range names {
		out = append(out, d.keyAttribute(name))
	}
	return out
}

// index returns the index of the name, nil for none.
func (d *table) index(name string) *index {
	for i := range d.Indexes {
		if d.Indexes[i].Name == name {
			return &d.Indexes[i]
		}
	}
	return nil
}

func (d *table) indexByID(id uint16) *index {
	for i := range d.Indexes {
		if d.Indexes[i].ID == id {
			return &d.Indexes[i]
		}
	}
	return nil
}

func (d *table) hasLocal() bool {
	return slices.ContainsFunc(d.Indexes, func(x index) bool { return x.Local })
}

// definition is what the item store must know of the table.
func (d *table) definition() *itemstore.Definition {
	def := &itemstore.Definition{
		ID: d.Store, Hash: d.keyAttribute(d.Hash), Range: d.keyAttribute(d.Range),
		Feed: d.streaming() || len(d.Kinesis) > 0 || !d.Recovery.Since.IsZero(),
	}
	if d.Expiry.Attribute != "" && (d.Expiry.Enabled || d.Expiry.Building) {
		def.Expiry = d.Expiry.Attribute
	}
	for _, x := range d.Indexes {
		if x.Status == string(types.IndexStatusDeleting) {
			continue
		}
		p := itemstore.ProjectAll
		switch types.ProjectionType(x.Projection) {
		case types.ProjectionTypeKeysOnly:
			p = itemstore.ProjectKeys
		case types.ProjectionTypeInclude:
			p = itemstore.ProjectInclude
		}
		def.Indexes = append(def.Indexes, itemstore.Index{
			ID: x.ID, Hash: d.keyAttribute(x.Hash), Range: d.keyAttribute(x.Range), Projection: p, Include: x.Include,
			MoreHash: d.keyAttributes(x.MoreHash), MoreRange: d.keyAttributes(x.MoreRange),
		})
	}
	return def
}

// newStoreID is an ID of a table in the item store, another for every table.
func newStoreID() uint64 {
	var b [8]byte
	rand.Read(b[:])
	return binary.BigEndian.Uint64(b[:])
}

func (d *table) storeKey() string { return strconv.FormatUint(d.Store, 16) }
