package policy

// Grants is what is known of a user or role at the time of a request.
type Grants struct {
	ARN      string // of the user, or of the role
	ID       string // unique id, "AIDA..." or "AROA..."
	Tags     map[string]string
	Policies []Named
	Boundary *Named // nil: none
}
