package shardlog

import "sync"

// nameLocks lets one at a time create or delete the shard of a name. The zero value is ready.
type nameLocks struct {
	mu   sync.Mutex
	held map[string]*nameLock
}

type nameLock struct {
	sync.Mutex
	users int // who have it or wait for it; with nameLocks.mu
}

// lock returns how to unlock.
func (n *nameLocks) lock(name string) (unlock func()) {
	n.mu.Lock()
	l := n.held[name]
	if l == nil {
		l = &nameLock{}
		if n.held == nil {
			n.held = map[string]*nameLock{}
		}
		n.held[name] = l
	}
	l.users++
	n.mu.Unlock()
	l.Lock()
	return func() {
		l.Unlock()
		n.mu.Lock()
		defer n.mu.Unlock()
		if l.users--; l.users == 0 {
			delete(n.held, name)
		}
	}
}
