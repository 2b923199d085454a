package s3

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/binary"
	"hash"
	"hash/crc32"
	"slices"
	"strconv"
	"strings"

	"github.com/cespare/xxhash/v2"
	"github.com/minio/crc64nvme"
	"github.com/zeebo/xxh3"

	"github.com/brookmere/brookmere/internal/engine/objectstore"
)

// Checksums of objects. One is kept of each: the client's, or else CRC64NVME, as S3 has it
// since December 2024.

const (
	propSum       = "sum"
	propAlgorithm = "sum-algorithm"
	propSumType   = "sum-type"
	propWhole     = "sum-whole" // of a part whose sum is of another algorithm: CRC64NVME
	fullObject    = "FULL_OBJECT"
	composite     = "COMPOSITE"
)

var algorithms = []string{"CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256", "SHA512", "MD5", "XXHASH64", "XXHASH3", "XXHASH128"}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func newHash(algorithm string) hash.Hash {
	switch algorithm {
	case "CRC32":
		return crc32.NewIEEE()
	case "CRC32C":
		return crc32.New(castagnoli)
	case "CRC64NVME":
		return crc64nvme.New()
	case "SHA1":
		return sha1.New()
	case "SHA256":
		return sha256.New()
	case "SHA512":
		return sha512.New()
	case "MD5":
		return md5.New()
	case "XXHASH64":
		return xxhash.New()
	case "XXHASH3":
		return xxh3.New()
	case "XXHASH128":
		return xx128{xxh3.New()}
	}
	return nil
}

// xx128 is xxh3's hash of 128 bits.
type xx128 struct{ *xxh3.Hasher }

func (x xx128) Size() int { return 16 }

func (x xx128) Sum(b []byte) []byte {
	s := x.Sum128()
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(b, s.Hi), s.Lo)
}

// sizeOfSum is the number of bytes of an algorithm's sum.
func sizeOfSum(algorithm string) int { return newHash(algorithm).Size() }

// isSum reports whether text is a sum of an algorithm, in base64 as S3 takes it: without bits that stand for nothing.
func isSum(algorithm, text string) bool {
	raw, err := base64.StdEncoding.Strict().DecodeString(text)
	return err == nil && len(raw) == sizeOfSum(algorithm)
}

// summer computes a checksum that the client has given, or is to give, or none of that.
type summer struct {
	hash.Hash
	algorithm string
	want      string // base64; empty: in the trailer, or nowhere
	trailing  bool
}

func sumHeader(algorithm string) string { return "x-amz-checksum-" + strings.ToLower(algorithm) }

// wantedChecksum is what the request says of its body's checksum; nil for nothing.
func (c *call) wantedChecksum() (*summer, error) {
	var found *summer
	headers := 0
	for name := range c.r.Header {
		rest, ok := strings.CutPrefix(name, "X-Amz-Checksum-")
		switch a := strings.ToUpper(rest); {
		case !ok, a == "ALGORITHM", a == "TYPE", a == "MODE":
		case !slices.Contains(algorithms, a):
			return nil, invalidRequest("The algorithm type you specified in x-amz-checksum- header is invalid.")
		default: // an empty one is there, too
			// One in the query of a presigned URL is not heeded, as by S3: SDKs that sign URLs write that of an empty body.
			headers++
			found = &summer{newHash(a), a, c.r.Header.Get(name), false}
		}
	}
	trailers, err := trailersOf(c.r.Header.Get("X-Amz-Trailer"))
	switch {
	case err != nil:
		return nil, err
	case headers > 1, len(trailers) > 1:
		return nil, invalidRequest("Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.")
	case headers+len(trailers) > 1:
		return nil, invalidRequest("Expecting a single x-amz-checksum- header")
	case found != nil && !isSum(found.algorithm, found.want):
		return nil, invalidRequest("Value for " + sumHeader(found.algorithm) + " header is invalid.")
	case len(trailers) == 1 && c.trailer == nil:
		return nil, errTrailers
	case len(trailers) == 1:
		found = &summer{newHash(trailers[0]), trailers[0], "", true}
	}
	if asked := c.r.Header.Get("X-Amz-Sdk-Checksum-Algorithm"); asked != "" {
		a := strings.ToUpper(asked)
		switch {
		case !slices.Contains(algorithms, a):
			return nil, invalidRequest("Checksum algorithm provided is unsupported. Please try again with any of the valid types: [CRC32, CRC32C, CRC64NVME, MD5, SHA1, SHA256, SHA512, XXHASH128, XXHASH3, XXHASH64]")
		case found == nil:
			return nil, invalidRequest("x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer headers were found.")
		case found.algorithm != a:
			return nil, invalidRequest("Value for x-amz-sdk-checksum-algorithm header is invalid.")
		}
	}
	return found, nil
}

// sum is the checksum of what has been written.
func (s *summer) sum() string { return base64.StdEncoding.EncodeToString(s.Sum(nil)) }

// check holds what has been written against what the client has given.
func (s *summer) check(t trailed) (sum string, err error) {
	sum = s.sum()
	want := s.want
	if s.trailing {
		if t != nil {
			want = t.Trailer()[sumHeader(s.algorithm)]
		}
		if want == "" {
			return "", errTrailers
		}
	}
	if want != "" && s.trailing && !isSum(s.algorithm, want) {
		return "", invalidRequest("Value for " + sumHeader(s.algorithm) + " trailing header is invalid.")
	}
	if want != "" && want != sum {
		return "", fault(400, "BadDigest", "The "+s.algorithm+" you specified did not match the calculated checksum.")
	}
	return sum, nil
}

// setSum keeps a checksum with an object.
func setSum(r *objectstore.Record, algorithm, kind, sum string) {
	r.SetProp(propAlgorithm, algorithm)
	r.SetProp(propSumType, kind)
	r.SetProp(propSum, sum)
}

// saySum sets the headers of a checksum.
func (c *call) saySum(r *objectstore.Record) {
	if sum := r.Prop(propSum); sum != "" {
		c.say(sumHeader(r.Prop(propAlgorithm)), sum)
		c.say("x-amz-checksum-type", r.Prop(propSumType))
	}
}

// summed reports whether a request tells something that its body can be held against.
func (c *call) summed() bool {
	for name := range c.r.Header {
		if name == "Content-Md5" || name == "X-Amz-Trailer" || strings.HasPrefix(name, "X-Amz-Checksum-") {
			return true
		}
	}
	return c.header("Content-Md5") != ""
}

// sayPartSum tells the checksum of a part, where the upload that the object was made by was begun with an algorithm: that of
// the object would not be of what is sent.
func (c *call) sayPartSum(r *objectstore.Record, number string) {
	n, _ := strconv.Atoi(number)
	if sum := r.Parts[n-1].Checksum; sum != "" {
		c.say(sumHeader(r.Prop(propAlgorithm)), sum)
		c.say("x-amz-checksum-type", r.Prop(propSumType))
	}
}

// addSum adds the elements of a checksum.
func addSum(n *node, r *objectstore.Record, kind bool) {
	if sum := r.Prop(propSum); sum != "" {
		n.add("Checksum"+r.Prop(propAlgorithm), sum)
		if kind {
			n.add("ChecksumType", r.Prop(propSumType))
		}
	}
}

var errTrailers = fault(400, "MalformedTrailerError", "The request contained trailing data that was not well-formed or did not conform to our published schema.")

// trailersOf are the algorithms of the checksums that a request announces behind its body. Empty names at the end are none.
func trailersOf(header string) (all []string, err error) {
	for name := range strings.SplitSeq(strings.TrimRight(strings.TrimSpace(header), ","), ",") {
		a, ok := strings.CutPrefix(strings.ToLower(strings.TrimSpace(name)), "x-amz-checksum-")
		if a = strings.ToUpper(a); header != "" && (!ok || !slices.Contains(algorithms, a)) {
			return nil, invalidRequest("The value specified in the x-amz-trailer header is not supported")
		}
		if header != "" {
			all = append(all, a)
		}
	}
	return all, nil
}

// partSum is the checksum that a completion names of a part; empty for none.
func partSum(n *node) (algorithm, sum string) {
	for _, a := range algorithms {
		if v := n.text("Checksum" + a); v != "" {
			return a, v
		}
	}
	return "", ""
}

// checkPartSums refuses a part of a completion with a checksum that is none, or with several.
func checkPartSums(n *node) error {
	told, count, ok := "", 0, true
	for _, a := range algorithms {
		if v := n.text("Checksum" + a); v != "" {
			ok = ok && isSum(a, v)
			told += a + ":" + v + ";"
			count++
		}
	}
	if !ok || count > 1 {
		return invalidArgument("Invalid Base64 or multiple checksums present in request", "Checksum", told)
	}
	return nil
}

// finalSum is the checksum of the object that the headers of a completion tell, by its algorithm. That of an upload with
// checksums of parts may end in their number.
func (c *call) finalSum(kind string) (map[string]string, error) {
	given := map[string]string{}
	for _, a := range algorithms {
		v := c.r.Header.Get(sumHeader(a))
		if v == "" {
			continue
		}
		sum, parts, found := strings.Cut(v, "-")
		if found && kind == composite {
			if _, err := strconv.Atoi(parts); err == nil {
				found = false
			}
		}
		if found || !isSum(a, sum) {
			return nil, invalidRequest("Value for " + sumHeader(a) + " header is invalid.")
		}
		given[a] = v
	}
	if len(given) > 1 {
		return nil, invalidRequest("Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.")
	}
	return given, nil
}

// checksumChoice validates the algorithm and type that a multipart upload is begun with.
func checksumChoice(algorithm, kind string) (string, string, error) {
	algorithm, kind = strings.ToUpper(algorithm), strings.ToUpper(kind)
	if kind != "" && kind != composite && kind != fullObject {
		return "", "", invalidRequest("Value for x-amz-checksum-type header is invalid.")
	}
	if algorithm == "" {
		if kind != "" {
			return "", "", invalidRequest("The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.")
		}
		return "", "", nil
	}
	if strings.Contains(algorithm, ",") {
		return "", "", invalidRequest("Invalid types are specified in x-amz-checksum-algorithm header.")
	}
	if !slices.Contains(algorithms, algorithm) {
		return "", "", invalidRequest("Checksum algorithm provided is unsupported. Please try again with any of the valid types: [CRC32, CRC32C, CRC64NVME, MD5, SHA1, SHA256, SHA512, XXHASH128, XXHASH3, XXHASH64]")
	}
	whole := strings.HasPrefix(algorithm, "CRC")
	switch kind {
	case "":
		kind = composite
		if algorithm == "CRC64NVME" {
			kind = fullObject
		}
	case composite:
		if algorithm == "CRC64NVME" {
			return "", "", invalidRequest("The COMPOSITE checksum type cannot be used with the crc64nvme checksum algorithm.")
		}
	case fullObject:
		if !whole {
			return "", "", invalidRequest("The FULL_OBJECT checksum type cannot be used with the " + strings.ToLower(algorithm) + " checksum algorithm.")
		}
	}
	return algorithm, kind, nil
}
