package delivery

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"regexp"
	"time"
)

// An ObjectID is what makes an object's name its own. It is derived from what the object
// holds, so that the same object made again has the same name.
type ObjectID [16]byte

// NewObjectID derives an id from the parts of a seed. The order and the bounds of the
// parts count.
func NewObjectID(seed ...string) (id ObjectID) {
	h := sha256.New()
	var n [8]byte
	for _, s := range seed {
		binary.LittleEndian.PutUint64(n[:], uint64(len(s)))
		h.Write(n[:])
		h.Write([]byte(s))
	}
	copy(id[:], h.Sum(nil))
	id[6] = id[6]&0x0f | 0x40 // the form of a random UUID
	id[8] = id[8]&0x3f | 0x80
	return id
}

// Seed is a number derived from the id, for the random strings of the object's prefix.
func (id ObjectID) Seed() uint64 { return binary.LittleEndian.Uint64(id[:]) }

// Append appends the id in the form of a UUID.
func (id ObjectID) Append(dst []byte) []byte {
	for i, part := range [5][]byte{id[:4], id[4:6], id[6:8], id[8:10], id[10:]} {
		if i > 0 {
			dst = append(dst, '-')
		}
		dst = hex.AppendEncode(dst, part)
	}
	return dst
}

func (id ObjectID) String() string { return string(id.Append(nil)) }

// AppendObjectName appends the name of an object, that is what follows its prefix:
// stream-version-yyyy-MM-dd-HH-mm-ss-id and the extension. The time is that of the
// prefix, in its zone.
func AppendObjectName(dst []byte, stream, version string, t time.Time, id ObjectID, extension string) []byte {
	dst = append(dst, stream...)
	dst = append(dst, '-')
	dst = append(dst, version...)
	dst = t.AppendFormat(dst, "-2006-01-02-15-04-05-")
	dst = id.Append(dst)
	return append(dst, extension...)
}

// An Owner marks the keys of the data objects of one delivery stream, so that they can
// be told from all other objects by their keys alone: the end of the id in a key is a code
// that only the owner's secret makes of the rest of the key.
type Owner struct {
	secret []byte
	name   *regexp.Regexp
}

// NewOwner is the owner of the objects of a stream. The secret is the stream's alone.
func NewOwner(secret, stream string) *Owner {
	return &Owner{[]byte(secret), regexp.MustCompile(`^(?s:(.*))` + regexp.QuoteMeta(stream) +
		`-(\d+)-(\d{4}-\d\d-\d\d-\d\d-\d\d-\d\d)-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}([^/]*)$`)}
}

// markLen is how many digits of an id are the mark.
const markLen = 8

// mark puts the mark into a key, which ends with an id and then an extension of so many
// bytes.
func (o *Owner) mark(key []byte, extension int) {
	at := key[len(key)-extension-markLen : len(key)-extension]
	copy(at, "00000000")
	m := hmac.New(sha256.New, o.secret)
	m.Write(key)
	hex.Encode(at, m.Sum(nil)[:markLen/2])
}

// An ObjectKey is the key of a data object, taken apart.
type ObjectKey struct {
	Prefix    string // before the object's name
	Version   string // of the configuration
	Time      string // of the prefix
	Extension string
}

// Parse takes the key of an object of the owner apart; ok is false for any other.
func (o *Owner) Parse(key string) (k ObjectKey, ok bool) {
	m := o.name.FindStringSubmatch(key)
	if m == nil {
		return k, false
	}
	b := []byte(key)
	o.mark(b, len(m[4]))
	return ObjectKey{Prefix: m[1], Version: m[2], Time: m[3], Extension: m[4]}, string(b) == key
}

// Key is one of an object that holds what others did, the first of which has the key k.
func (o *Owner) Key(stream string, k ObjectKey, id ObjectID) string {
	b := append([]byte(k.Prefix), stream...)
	b = append(b, '-')
	b = append(b, k.Version...)
	b = append(b, '-')
	b = append(b, k.Time...)
	b = append(b, '-')
	b = append(id.Append(b), k.Extension...)
	o.mark(b, len(k.Extension))
	return string(b)
}

// Extensions that names get, if none is configured: by format of the object. For Hadoop's
// Snappy AWS documents .hsnappy and delivers .snappy; so do we.
const (
	ParquetExtension = ".parquet"
	GzipExtension    = ".gz"
	ZipExtension     = ".zip"
	SnappyExtension  = ".snappy"
)
