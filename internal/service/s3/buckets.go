package s3

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/brookmere/brookmere/internal/engine/objectstore"
)

// bucket is what is known of a bucket: a document, StateDir/buckets/<bucket>/document.json.
// It is replaced as a whole and not changed.
type bucket struct {
	Form       int               `json:"form"` // of this document; 1
	Name       string            `json:"name"`
	Owner      string            `json:"owner"` // account
	Region     string            `json:"region"`
	Created    time.Time         `json:"created"`
	Versioning string            `json:"versioning,omitempty"` // "", Enabled, Suspended
	Lock       bool              `json:"lock,omitempty"`       // object lock is enabled
	Settings   map[string]string `json:"settings,omitempty"`   // documents by sub-resource, and ".id"
	Restores   time.Time         `json:"restores,omitzero"`    // when the first of the restored copies in it ends, or earlier

	mu     sync.Mutex
	parsed map[string]*node
}

// documentForm is the form of bucket documents.
const documentForm = 1

// setting returns a setting as XML, nil if it is not set.
func (b *bucket) setting(name string) *node {
	text, ok := b.Settings[name]
	if !ok || text == "" {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if n, ok := b.parsed[name]; ok {
		return n
	}
	n, _ := parseXML([]byte(text))
	if b.parsed == nil {
		b.parsed = map[string]*node{}
	}
	b.parsed[name] = n
	return n
}

func (b *bucket) clone() *bucket {
	n := &bucket{Form: documentForm, Name: b.Name, Owner: b.Owner, Region: b.Region, Created: b.Created, Versioning: b.Versioning, Lock: b.Lock, Restores: b.Restores}
	n.Settings = maps.Clone(b.Settings)
	if n.Settings == nil {
		n.Settings = map[string]string{}
	}
	return n
}

// buckets are all buckets, in memory and on disk.
type buckets struct {
	dir string

	change sync.Mutex // one change at a time
	mu     sync.RWMutex
	byName map[string]*bucket
}

const documentName = "document.json"

func openBuckets(dir string) (*buckets, error) {
	b := &buckets{dir: dir, byName: map[string]*bucket{}}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if !e.IsDir() || !validBucketName(e.Name()) {
			continue
		}
		doc, err := readBucket(filepath.Join(dir, e.Name()))
		if err != nil {
			// It is not taken for a bucket that is not there: its name would be given away.
			return nil, fmt.Errorf("read the document of bucket %s: %w", e.Name(), err)
		}
		if doc != nil {
			doc.Name = e.Name()
			b.byName[doc.Name] = doc
		}
	}
	return b, nil
}

// readBucket reads a bucket's document, or makes one of the files that the first version has
// kept; nil if there is no bucket.
func readBucket(dir string) (*bucket, error) {
	raw, err := os.ReadFile(filepath.Join(dir, documentName))
	if errors.Is(err, fs.ErrNotExist) {
		return readOldBucket(dir)
	}
	if err != nil {
		return nil, err
	}
	b := new(bucket)
	if err := json.Unmarshal(raw, b); err != nil {
		return nil, err
	}
	if b.Form != documentForm {
		return nil, fmt.Errorf("the document has form %d; this program knows %d", b.Form, documentForm)
	}
	return b, nil
}

func readOldBucket(dir string) (*bucket, error) {
	files := map[string][]byte{}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if e.Type().IsRegular() && !strings.HasPrefix(e.Name(), ".new-") {
			if files[e.Name()], err = os.ReadFile(filepath.Join(dir, e.Name())); err != nil {
				return nil, err
			}
		}
	}
	acl, ok := files["acl"]
	if !ok {
		return nil, nil // a bucket that was being made
	}
	var owner struct{ Owner string }
	if err := json.Unmarshal(acl, &owner); err != nil {
		return nil, err
	}
	b := &bucket{Form: documentForm, Owner: owner.Owner, Region: "us-east-1", Settings: map[string]string{}}
	if raw, ok := files["bucket.json"]; ok {
		if err := json.Unmarshal(raw, b); err != nil {
			return nil, err
		}
	}
	if v := files["versioning"]; len(v) > 0 {
		b.Versioning = []string{"Suspended", "Enabled"}[v[0]&1]
	}
	for name, raw := range files {
		text := string(raw)
		switch name {
		case "policy", "cors":
			b.Settings[name] = text
		case "website":
			if z, err := gzip.NewReader(strings.NewReader(text)); err == nil {
				if plain, err := io.ReadAll(io.LimitReader(z, 1<<20)); err == nil {
					text = string(plain)
				}
			}
			b.Settings[name] = text
		case "ownership":
			b.Settings["ownershipControls"] = el("OwnershipControls", el("Rule", leaf("ObjectOwnership", text))).String()
		case "X-Amz-Tagging":
			var tags map[string]string
			if json.Unmarshal(raw, &tags) == nil && len(tags) > 0 {
				b.Settings["tagging"] = tagNode(tags).String()
			}
		case "bucket-lock":
			oldLock(b, raw)
		default:
			if name, ok := strings.CutPrefix(name, "setting."); ok {
				if name == "lifecycle.size" {
					name = "lifecycle-size"
				}
				b.Settings[name] = text
			}
		}
	}
	return b, nil
}

func oldLock(b *bucket, raw []byte) {
	var old struct {
		Enabled          bool
		DefaultRetention *struct {
			Mode        string
			Days, Years int
		}
	}
	if json.Unmarshal(raw, &old) != nil || !old.Enabled {
		return
	}
	b.Lock = true
	if r := old.DefaultRetention; r != nil && r.Mode != "" {
		keep := el("DefaultRetention", leaf("Mode", r.Mode))
		if r.Days > 0 {
			keep.add("Days", fmt.Sprint(r.Days))
		} else {
			keep.add("Years", fmt.Sprint(r.Years))
		}
		b.Settings["object-lock"] = el("ObjectLockConfiguration", leaf("ObjectLockEnabled", "Enabled"), el("Rule", keep)).String()
	}
}

// get returns a bucket, nil if there is none.
func (b *buckets) get(name string) *bucket {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return b.byName[name]
}

// all returns all buckets in the order of their names.
func (b *buckets) all() []*bucket {
	b.mu.RLock()
	list := slices.Collect(maps.Values(b.byName))
	b.mu.RUnlock()
	slices.SortFunc(list, func(x, y *bucket) int { return strings.Compare(x.Name, y.Name) })
	return list
}

func (b *buckets) clear() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.byName = map[string]*bucket{}
}

// put writes a bucket's document, and shows it.
func (b *buckets) put(doc *bucket) error {
	raw, err := json.MarshalIndent(doc, "", "\t")
	if err != nil {
		return err
	}
	if err := objectstore.WriteFile(filepath.Join(b.dir, doc.Name), documentName, raw); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.byName[doc.Name] = doc
	return nil
}

// update changes the document of a bucket that is there.
func (b *buckets) update(name string, f func(*bucket) error) error {
	b.change.Lock()
	defer b.change.Unlock()
	old := b.get(name)
	if old == nil {
		return noSuchBucket(name)
	}
	doc := old.clone()
	if err := f(doc); err != nil {
		return err
	}
	doc.parsed = nil // f may have read what it then changed
	return b.put(doc)
}

// remove makes a bucket no more.
func (b *buckets) remove(name string) error {
	b.change.Lock()
	defer b.change.Unlock()
	if err := objectstore.RemoveTree(filepath.Join(b.dir, name)); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.byName, name)
	return nil
}

// versioning is what a bucket does with objects that are replaced.
func (s *Service) versioning(name string) objectstore.Versioning {
	b := s.buckets.get(name)
	switch {
	case b == nil:
		return objectstore.Unversioned
	case b.Versioning == "Enabled":
		return objectstore.Enabled
	case b.Versioning == "Suspended":
		return objectstore.Suspended
	}
	return objectstore.Unversioned
}

// Replace puts one object in the place of several, in one step (objectstore.Store.Replace).
func (s *Service) Replace(ctx context.Context, bucket string, sources []string, keep time.Duration, merge func([]File) (Merged, error)) error {
	if s.buckets.get(bucket) == nil {
		return noSuchBucket(bucket)
	}
	return s.store.Replace(ctx, bucket, sources, keep, merge)
}
