package policy

import "time"

// Grants is what is known of a user or role at the time of a request.
type Grants struct {
	ARN      string // of the user, or of the role
	ID       string // unique id, "AIDA..." or "AROA..."
	Tags     map[string]string
	Policies []Named
	Boundary *Named // nil: none
}

// AssumableRole is a role as those see it who may assume it.
type AssumableRole struct {
	ARN        string
	ID         string // unique id, "AROA..."
	Name       string
	Trust      *Document
	MaxSession time.Duration
}
