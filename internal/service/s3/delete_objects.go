package s3

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"

	"github.com/versity/versitygw/s3err"
)

// maxDeletions is how many objects a request may delete.
const maxDeletions = 1000

// checkDeletions refuses the document of DeleteObjects that S3 does: one that is no XML
// of this form, or that names no object or too many.
func checkDeletions(doc []byte) error {
	d := xml.NewDecoder(bytes.NewReader(doc))
	depth, objects := 0, 0
	for {
		token, err := d.Token()
		switch {
		case errors.Is(err, io.EOF) && depth == 0 && objects > 0 && objects <= maxDeletions:
			return nil
		case err != nil:
			return s3err.GetAPIError(s3err.ErrMalformedXML)
		}
		switch e := token.(type) {
		case xml.StartElement:
			depth++
			switch {
			case depth == 1 && e.Name.Local != "Delete", depth > maxDeletionDepth:
				return s3err.GetAPIError(s3err.ErrMalformedXML)
			case depth == 2 && e.Name.Local == "Object":
				objects++
			}
		case xml.EndElement:
			depth--
		}
	}
}

// maxDeletionDepth is more than the three levels that the document has.
const maxDeletionDepth = 8
