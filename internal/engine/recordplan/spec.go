package recordplan

import "time"

// Spec says what a delivery does with records. As JSON it is what a version of a plan is
// kept as, so that an interrupted delivery is done again by the same one.
type Spec struct {
	ID      string `json:"id"`              // no other delivery has it; object names depend on it
	Owner   string `json:"owner,omitempty"` // secret of the Owner that marks the names of data objects; "": none does
	Name    string `json:"name"`            // begins the object names
	Version string `json:"version"`         // of the configuration, in the object names too

	Bucket      string        `json:"bucket"`
	Prefix      string        `json:"prefix,omitempty"` // a prefix expression
	ErrorPrefix string        `json:"errorPrefix,omitempty"`
	TimeZone    string        `json:"timeZone,omitempty"`
	Extension   string        `json:"extension,omitempty"` // instead of the format's own
	Compression Compression   `json:"compression,omitempty"`
	Size        int64         `json:"size"`
	Interval    time.Duration `json:"interval"`

	// How records are unpacked, in this order.
	Kinesis    bool   `json:"kinesis,omitempty"`    // they are from a Kinesis stream: keys by AppendKinesisKey, data perhaps aggregated
	Decompress bool   `json:"decompress,omitempty"` // gzip
	Messages   bool   `json:"messages,omitempty"`   // of CloudWatch Logs
	Split      string `json:"split,omitempty"`      // SplitJSON or SplitDelimited: a record holds several
	SplitAt    string `json:"splitAt,omitempty"`    // for SplitDelimited, the bytes between them, in base64

	// Function: a Transformer has unpacked the records and put them through a function.
	Function bool `json:"function,omitempty"`

	Delimiter  string `json:"delimiter,omitempty"`  // written after each record
	Partition  string `json:"partition,omitempty"`  // jq query of the partition keys
	Keyed      bool   `json:"keyed,omitempty"`      // without a query: partition keys are from the function
	Partitions int    `json:"partitions,omitempty"` // the most that are open at once; 0: 500

	// Endpoint: objects are Frames for an HTTP endpoint, in the bucket EndpointBucket and
	// under the id of their request. Error objects go to Bucket.
	Endpoint bool `json:"endpoint,omitempty"`

	Convert *Conversion `json:"convert,omitempty"`
}

// How a record that holds several is taken apart.
const (
	SplitJSON      = "JSON"
	SplitDelimited = "DELIMITED"
)

// Compression of objects that are not converted.
type Compression string

const (
	Uncompressed Compression = ""
	Gzip         Compression = "gzip"
	Zip          Compression = "zip"
	Snappy       Compression = "snappy"
	HadoopSnappy Compression = "hadoop-snappy"
)

// Conversion turns JSON records into Parquet rows.
type Conversion struct {
	Columns []Column `json:"columns"`

	// Of the reader of JSON.
	Hive             bool              `json:"hive,omitempty"` // Hive's rather than OpenX's
	CaseSensitive    bool              `json:"caseSensitive,omitempty"`
	DotsToUnderscore bool              `json:"dotsToUnderscore,omitempty"`
	Keys             map[string]string `json:"keys,omitempty"` // column -> JSON key
	TimestampFormats []string          `json:"timestampFormats,omitempty"`

	// Of the writer of Parquet.
	Codec      string `json:"codec,omitempty"` // "snappy", "gzip", "none"
	PageSize   int    `json:"pageSize,omitempty"`
	BlockSize  int    `json:"blockSize,omitempty"`
	Dictionary bool   `json:"dictionary,omitempty"`
	V2         bool   `json:"v2,omitempty"`

	// Table is told in the envelope of records that do not fit.
	Table *Table `json:"table,omitempty"`
}

// Column of the schema that records are converted by.
type Column struct {
	Name string `json:"name"`
	Type string `json:"type"` // as hivetype reads it
}

// Table is where a schema came from.
type Table struct {
	Catalog  string `json:"catalogId"`
	Database string `json:"databaseName"`
	Name     string `json:"tableName"`
	Region   string `json:"region"`
	Version  string `json:"versionId"`
	ARN      string `json:"catalogArn"`
	Role     string `json:"roleArn,omitempty"`
}
