package crawl

import (
	"encoding/binary"

	"github.com/klauspost/compress/snappy"
)

// Hadoop's snappy files: blocks, each the length of its text and then chunks, each the
// length of a chunk and the chunk, compressed; lengths are 4 bytes, the highest first.

// hadoopSnappy says whether b begins like one.
func hadoopSnappy(b []byte) bool {
	text, chunk := binary.BigEndian.Uint32(b), binary.BigEndian.Uint32(b[4:])
	if text == 0 || text > 64<<20 || chunk == 0 || chunk > text+text/6+64 {
		return false
	}
	n, err := snappy.DecodedLen(b[8:])
	return err == nil && n > 0 && uint32(n) <= text
}

// hadoopSnappyText is as much of the text as is in b, up to headSize.
func hadoopSnappyText(b []byte, whole bool) (text []byte, compression string, complete bool) {
	for len(b) >= 8 && len(text) < headSize {
		left := int(binary.BigEndian.Uint32(b))
		b = b[4:]
		for left > 0 && len(b) >= 4 {
			n := int(binary.BigEndian.Uint32(b))
			if n > len(b)-4 {
				return text, "snappy", false
			}
			size, err := snappy.DecodedLen(b[4 : 4+n])
			if err != nil || size > left {
				return text, "snappy", false
			}
			part, err := snappy.Decode(nil, b[4:4+n])
			if err != nil {
				return text, "snappy", false
			}
			text = append(text, part...)
			b, left = b[4+n:], left-len(part)
			if len(part) == 0 {
				return text, "snappy", false
			}
		}
	}
	return text, "snappy", whole && len(b) == 0
}
