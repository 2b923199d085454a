package s3

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/brookmere/brookmere/internal/engine/objectstore"
)

// account is what an account has set for all its buckets: a document, StateDir/accounts/<account>/document.json. It is
// replaced as a whole and not changed.
type account struct {
	Form  int              `json:"form"` // of this document; 1
	ID    string           `json:"id"`
	Block map[string]bool  `json:"block,omitempty"` // public access block, by element; nil: not set
	Ports map[string]*port `json:"access_points,omitempty"`
}

// port is an access point; by region and name.
type port struct {
	Name    string            `json:"name"`
	Region  string            `json:"region"`
	Bucket  string            `json:"bucket"`
	Owner   string            `json:"owner"` // account of the bucket
	Alias   string            `json:"alias"`
	VPC     string            `json:"vpc,omitempty"`
	Block   map[string]bool   `json:"block"`
	Policy  string            `json:"policy,omitempty"`
	Tags    map[string]string `json:"tags,omitempty"`
	Created time.Time         `json:"created"`
}

// accounts are those that have set something, in memory and on disk.
type accounts struct {
	dir string

	change  sync.Mutex // one change at a time
	mu      sync.RWMutex
	byID    map[string]*account
	byAlias map[string]*port
}

func openAccounts(dir string) (*accounts, error) {
	a := &accounts{dir: dir}
	a.clear()
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return a, nil
	}
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		raw, err := os.ReadFile(filepath.Join(dir, e.Name(), documentName))
		if errors.Is(err, fs.ErrNotExist) {
			continue // it was being made
		}
		doc := new(account)
		if err == nil {
			err = json.Unmarshal(raw, doc)
		}
		if err == nil && doc.Form != documentForm {
			err = fmt.Errorf("the document has form %d; this program knows %d", doc.Form, documentForm)
		}
		if err != nil {
			return nil, fmt.Errorf("read the document of account %s: %w", e.Name(), err)
		}
		a.show(doc)
	}
	return a, nil
}

func (a *accounts) clear() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.byID, a.byAlias = map[string]*account{}, map[string]*port{}
}

// get returns the document of an account; an empty one if it has none.
func (a *accounts) get(id string) *account {
	a.mu.RLock()
	defer a.mu.RUnlock()
	if doc := a.byID[id]; doc != nil {
		return doc
	}
	return &account{Form: documentForm, ID: id}
}

// pointOf is the access point of an alias; nil if there is none.
func (a *accounts) pointOf(alias string) *port {
	a.mu.RLock()
	defer a.mu.RUnlock()
	return a.byAlias[alias]
}

// has reports whether a bucket has access points.
func (a *accounts) has(bucket string) bool {
	a.mu.RLock()
	defer a.mu.RUnlock()
	for _, p := range a.byAlias {
		if p.Bucket == bucket {
			return true
		}
	}
	return false
}

func (a *accounts) show(doc *account) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if old := a.byID[doc.ID]; old != nil {
		for _, p := range old.Ports {
			delete(a.byAlias, p.Alias)
		}
	}
	a.byID[doc.ID] = doc
	for _, p := range doc.Ports {
		a.byAlias[p.Alias] = p
	}
}

// update changes the document of an account.
func (a *accounts) update(id string, f func(*account) error) error {
	a.change.Lock()
	defer a.change.Unlock()
	old := a.get(id)
	doc := &account{Form: documentForm, ID: id, Block: maps.Clone(old.Block), Ports: map[string]*port{}}
	for key, p := range old.Ports {
		c := *p
		c.Tags = maps.Clone(p.Tags)
		doc.Ports[key] = &c
	}
	if err := f(doc); err != nil {
		return err
	}
	raw, err := json.MarshalIndent(doc, "", "\t")
	if err != nil {
		return err
	}
	dir := filepath.Join(a.dir, id)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if err := objectstore.WriteFile(dir, documentName, raw); err != nil {
		return err
	}
	a.show(doc)
	return nil
}

// portKey is the key of an access point in its account.
func portKey(region, name string) string { return region + "/" + name }

// ports returns the access points of an account in a region, by name.
func (a *account) ports(region string) (list []*port) {
	for _, key := range slices.Sorted(maps.Keys(a.Ports)) {
		if p := a.Ports[key]; p.Region == region {
			list = append(list, p)
		}
	}
	return list
}
