package s3

import (
	"net/url"

	"github.com/google/uuid"
	"github.com/oklog/ulid/v2"
	"github.com/versity/versitygw/s3err"
)

// Ids come back from clients, and some name files: an upload's is a directory, a version's a
// file. Each is checked for the form in which it is issued before a path is made of it.

// isUploadID reports whether id has the form of the ids of multipart uploads: a UUID in lower
// case.
func isUploadID(id string) bool {
	parsed, err := uuid.Parse(id)
	return err == nil && parsed.String() == id
}

// isVersionID reports whether id has the form of the ids of versions: a ULID, or "null".
func isVersionID(id string) bool {
	if id == nullVersion {
		return true
	}
	parsed, err := ulid.ParseStrict(id)
	return err == nil && parsed.String() == id
}

// checkIDs refuses a request with an id of another form.
func checkIDs(query url.Values) error {
	for _, id := range query["versionId"] {
		if id != "" && !isVersionID(id) {
			return s3err.GetInvalidArgumentErr(s3err.InvalidArgVersionId, id)
		}
	}
	if ids, ok := query["uploadId"]; ok {
		if len(ids) != 1 || !isUploadID(ids[0]) {
			return s3err.GetNoSuchUploadErr(ids[0])
		}
	}
	return nil
}
