package recordplan

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"time"

	"github.com/brookmere/brookmere/internal/engine/delivery"
)

// AppendObjectName appends the name of an object, that is what follows its prefix:
// stream-version-yyyy-MM-dd-HH-mm-ss-id and the extension. The time is that of the
// prefix, in its zone.
func AppendObjectName(dst []byte, stream, version string, t time.Time, id delivery.ObjectID, extension string) []byte {
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
func (o *Owner) Key(stream string, k ObjectKey, id delivery.ObjectID) string {
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
