// Package s3 serves Amazon S3 over plain files: an object is the file
// Dir/<bucket>/<key>, which any tool can read.
//
// The S3 protocol and the file store are versitygw's (s3api over its posix backend);
// this package is what stands around them:
//
//   - bridge.go hands a net/http request to versitygw's fasthttp handler in this
//     process, without a socket and without buffering a body, and the response back.
//     The request is signed anew with a key that never leaves the process, the caller's
//     account as its access key: authentication itself is the server's affair.
//   - backend.go makes what is acknowledged durable, which the posix backend does not.
//   - paths.go, room.go: where the object of a key is.
//   - listing.go and the list_ files list buckets, by one walk in the order of keys.
//   - versions.go, delete.go: versions, and deletions in steps of one rename.
//   - buckets.go and bucketconfig.go answer what versitygw does not know: regions,
//     accounts, and the bucket settings that AWS clients read back.
//   - chunked.go sees to it that a body is whole, and hands on the checksum behind it.
//   - files.go is the other door to the objects: local paths for the SQL engine.
//
// # Layout on disk
//
//	Dir/<bucket>/<key>                 an object's data; its metadata in extended attributes
//	Dir/<bucket>/.sgwtmp/              uploads in flight and parts of multipart uploads
//	StateDir/buckets/<bucket>/<name>   a bucket's settings, a file each; "acl" makes the bucket exist
//	StateDir/versions/<bucket>/...     noncurrent versions of objects in versioned buckets
//	StateDir/values/<hh>/<hash>        what is too long for an extended attribute
//	StateDir/objects/...               metadata of objects, on file systems without extended attributes
//	StateDir/trash/                    what Reset has put aside, deleted in the background and at start
//
// # Invariants
//
// An object appears under its key by one rename, after its data has been synced, and is
// acknowledged after its name and its attributes have been synced too. A key is never
// half an object, whenever the process dies.
//
// Keys are any that S3 has. A key that no file can have as its path ("a//b", "/a", a segment
// of more than 255 bytes) is written with marks (paths.go), and so is the object "a" where
// there are objects below "a/" (room.go); all others are their own paths.
//
// versitygw works in relative paths and changes the working directory of the process, so
// there is one open Service a process, and every other path in the process is absolute.
package s3
