package columnar

// SerDe is which of Firehose's deserializers is followed.
type SerDe uint8

const (
	OpenX SerDe = iota
	Hive
)

// Codec is how pages are compressed.
type Codec uint8

const (
	Snappy Codec = iota
	GZIP
	None
	ZSTD
)

// WriterVersion is the version of Parquet's data pages.
type WriterVersion uint8

const (
	V1 WriterVersion = iota
	V2
)

// Options says how records are read and the file is written. The zero value is
// Firehose's default, dictionaries off included.
type Options struct {
	SerDe         SerDe
	CaseSensitive bool              // OpenX: keys match columns only in the same case
	Mappings      map[string]string // OpenX: JSON key by column or field name
	DotsInKeys    bool              // OpenX: a dot in a key stands for an underscore
	// TimestampFormats (Hive) are patterns as Joda-Time has them, or "millis"; tried in
	// order, and after them yyyy-[m]m-[d]d hh:mm:ss[.f].
	TimestampFormats []string

	// What queries over JSON ask for beyond what deliveries do.
	NullInvalid      bool // a column whose value does not fit is null, the record is written
	RefuseDuplicates bool // of the keys of structs and maps, where otherwise the last counts
	KeepCase         bool // OpenX: keys of maps, and in text, stay as they are written
	ObjectText       bool // Hive: objects and arrays become text where that is the type, as with OpenX
	Millis           bool // timestamps are rounded to milliseconds

	Codec         Codec
	WriterVersion WriterVersion
	Dictionary    bool
	PageSize      int64 // 0 is 1 MiB; also the bound on a dictionary
	BlockSize     int64 // of a row group before compression; 0 is 256 MiB
}

func (o Options) withDefaults() Options {
	if o.PageSize <= 0 {
		o.PageSize = 1 << 20
	}
	if o.BlockSize <= 0 {
		o.BlockSize = 256 << 20
	}
	if o.SerDe == Hive {
		o.CaseSensitive, o.Mappings, o.DotsInKeys = false, nil, false
	}
	return o
}
