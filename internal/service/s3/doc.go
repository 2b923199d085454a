// Package s3 serves Amazon S3 over plain files (engine/objectstore): an object is the file
// Dir/<bucket>/<key>, which any tool can read.
//
// # The way of a request
//
// newCall takes a request apart; serve finds the operation (operations.go: by method, level
// and sub-resource), the bucket, and whether the caller may (authorize.go); the operation's
// method reads all that the request says, refuses what cannot be, and only then asks the
// store, which evaluates conditions and locks under the key's lock. Authentication itself is
// the server's affair, but for forms, whose signature is among their fields (form.go).
//
// # Documents
//
// A bucket is a document, StateDir/buckets/<bucket>/document.json (buckets.go): its owner, its
// region, whether it keeps versions, and its settings as XML (settings.go), by sub-resource.
// All are in memory; a change rewrites the document. Buckets of earlier versions, whose
// settings were files of their own, are read and become documents with their next change.
//
// What is kept with an object is its record: headers, metadata, tags, and properties that
// only this package reads (class, encryption, locks, lists, checksums; the prop constants).
//
// An account that has set something for all its buckets (control.go) is a document too,
// StateDir/accounts/<account>/document.json.
//
// Lifecycle rules, inventories and replications go on by themselves, from the settings of buckets (lifecycle.go,
// inventory.go, replicate.go).
//
// # Left out
//
// Multi-factor deletion, directory buckets, torrents, metadata
// tables. They are refused by name.
package s3
