package athena

import (
	"encoding/binary"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/athena/types"
)

// The metadata object of a result is in the form of protocol buffers, as Athena's is:
// field 1 is an id of the execution, field 4, repeated, a column with
//
//	1  catalog    4  label   5  name   6  type   (text)
//	7  precision  8  scale   9  nullable, 3 = unknown   10  case sensitive   (varint)
//
// Fields that are zero are left out. A reader passes over fields that it does not know.

func appendText(b []byte, field int, s string) []byte {
	b = binary.AppendUvarint(b, uint64(field<<3|2))
	b = binary.AppendUvarint(b, uint64(len(s)))
	return append(b, s...)
}

func appendNumber(b []byte, field int, n uint64) []byte {
	if n == 0 {
		return b
	}
	return binary.AppendUvarint(binary.AppendUvarint(b, uint64(field<<3)), n)
}

func encodeMetadata(id string, columns []types.ColumnInfo) []byte {
	b := appendText(nil, 1, id)
	for _, c := range columns {
		m := appendText(nil, 1, aws.ToString(c.CatalogName))
		m = appendText(m, 4, aws.ToString(c.Label))
		m = appendText(m, 5, aws.ToString(c.Name))
		m = appendText(m, 6, aws.ToString(c.Type))
		m = appendNumber(m, 7, uint64(uint32(c.Precision)))
		m = appendNumber(m, 8, uint64(uint32(c.Scale)))
		m = appendNumber(m, 9, 3)
		if c.CaseSensitive {
			m = appendNumber(m, 10, 1)
		}
		b = appendText(b, 4, string(m))
	}
	return b
}

// metadataError is a metadata object that is not of the form above.
type metadataError struct{ what string }

func (e *metadataError) Error() string { return "metadata: " + e.what }

// fields calls f for every field of a message.
func fields(b []byte, f func(field int, number uint64, text []byte) error) error {
	for len(b) > 0 {
		tag, n := binary.Uvarint(b)
		if n <= 0 {
			return &metadataError{"bad tag"}
		}
		b = b[n:]
		value, n := binary.Uvarint(b)
		if n <= 0 {
			return &metadataError{"bad number"}
		}
		b = b[n:]
		var text []byte
		switch tag & 7 {
		case 0:
		case 2:
			if value > uint64(len(b)) {
				return &metadataError{"text goes beyond the end"}
			}
			text, b, value = b[:value], b[value:], 0
		default:
			return &metadataError{fmt.Sprintf("wire type %d", tag&7)}
		}
		if err := f(int(tag>>3), value, text); err != nil {
			return err
		}
	}
	return nil
}

func decodeMetadata(b []byte) ([]types.ColumnInfo, error) {
	var columns []types.ColumnInfo
	err := fields(b, func(field int, _ uint64, text []byte) error {
		if field != 4 {
			return nil
		}
		c := columnInfo("", "", 0, 0, false)
		err := fields(text, func(field int, n uint64, text []byte) error {
			switch field {
			case 1:
				c.CatalogName = aws.String(string(text))
			case 4:
				c.Label = aws.String(string(text))
			case 5:
				c.Name = aws.String(string(text))
			case 6:
				c.Type = aws.String(string(text))
			case 7:
				c.Precision = int32(uint32(n))
			case 8:
				c.Scale = int32(uint32(n))
			case 10:
				c.CaseSensitive = n != 0
			}
			return nil
		})
		columns = append(columns, c)
		return err
	})
	return columns, err
}
