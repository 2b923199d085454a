package work

// ID is the name by which other processes know this one.
func (l *Leases) ID() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.id
}
