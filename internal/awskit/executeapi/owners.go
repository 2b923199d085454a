package executeapi

import (
	"iter"
	"sync"

	"github.com/brookmere/brookmere/internal/awskit/scope"
)

// maxOwners bounds the APIs whose owners are remembered.
const maxOwners = 10_000

// Owners remembers whose APIs are. The zero value is ready.
type Owners struct {
	mu   sync.Mutex
	byID map[string]scope.Scope
}

// Documents are the APIs of a version of API Gateway, as documents by account, region and id.
type Documents[D any] interface {
	Get(key ...string) (*D, error)
	Keys(prefix ...string) iter.Seq[[]string]
}

// Knows reports whether the owner of an API is remembered.
func (o *Owners) Knows(id string) bool {
	_, ok := o.get(id)
	return ok
}

func (o *Owners) get(id string) (scope.Scope, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	sc, ok := o.byID[id]
	return sc, ok
}

// Forget forgets the owner of an API that has gone.
func (o *Owners) Forget(id string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.byID, id)
}

func (o *Owners) remember(id string, sc scope.Scope) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.byID == nil || len(o.byID) >= maxOwners {
		o.byID = map[string]scope.Scope{}
	}
	o.byID[id] = sc
}

// FindOwner finds whose API it is, and the API as it is defined now: nil if there is none. An API that is there and cannot be read is an error.
func FindOwner[D any](o *Owners, docs Documents[D], id string) (scope.Scope, *D, error) {
	if sc, ok := o.get(id); ok {
		if d, err := docs.Get(sc.Key(id)...); err == nil {
			return sc, d, nil
		}
		o.Forget(id) // it has gone, or is looked for below
	}
	for key := range docs.Keys() {
		if len(key) != 3 || key[2] != id {
			continue
		}
		sc := scope.Scope{Account: key[0], Region: key[1]}
		d, err := docs.Get(key...)
		if err != nil {
			return sc, nil, err
		}
		o.remember(id, sc)
		return sc, d, nil
	}
	return scope.Scope{}, nil, nil
}
