// Package objectstore keeps objects as plain files: an object is the file Dir/<bucket>/<key>,
// which any tool can read, unless the store is told to encrypt.
//
// # Layout on disk
//
//	Dir/<bucket>/<key>                 an object's data; its record in an extended attribute
//	Dir/<bucket>/.sgwtmp/              what is being written
//	Dir/<bucket>/.sgwtmp/multipart/<hash of the path>/<upload>/<part>
//	StateDir/versions/<bucket>/...     noncurrent versions, a directory an object
//	StateDir/swaps/                    replacements under way (swap.go)
//	StateDir/values/<hh>/<hash>        records that are too long for an extended attribute
//	StateDir/objects/...               records, on file systems without extended attributes
//	StateDir/keys/                     keys that data is sealed with, sealed themselves (sealed.go)
//	StateDir/trash/                    what Reset has put aside, deleted in the background and at start
//
// The record (record.go) is one value, so that it changes as a whole. Stores that an earlier
// version has written have an attribute for each thing that is known of an object; these are
// read where there is no record, and replaced by one at the next change.
//
// # Invariants
//
// An object appears under its key by one rename, after its data and record have been synced,
// and a change is acknowledged after the name has been synced too. A key is never half an
// object, whenever the process dies. All that a caller wants to hold of the object that is
// there (conditions, locks) is asked under the key's lock, in which the change is made too:
// Put.Check, Delete.Check.
//
// Keys are any that S3 has. A key that no file can have as its path ("a//b", "/a", a segment
// of more than 255 bytes) is written with marks (paths.go), and so is the object "a" where
// there are objects below "a/" (room.go); all others are their own paths.
//
// What runs by itself (emptying the trash, finishing replacements, removing the parts of
// uploads that are over) is work.Group's, which contains panics and tries again. It is not
// documents of the state store: each is told by what lies in the store's own directories, so
// that objects and what is to be done with them are kept, copied and lost together, and Open
// takes up what an earlier process has left.
//
// The store knows no accounts, no settings of buckets and no clients: whether a bucket keeps
// versions is told with each change.
package objectstore
