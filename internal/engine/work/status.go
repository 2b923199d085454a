package work

import "time"

// State is what a worker does.
type State string

const (
	Leasing   State = "leasing"   // it waits for the lease of its key
	Elsewhere State = "elsewhere" // another process has the lease; it waits for that
	Queued    State = "queued"    // it waits for one of the Limit to end
	Running   State = "running"   // Run has been called
	Waiting   State = "waiting"   // Run asked to be called again later
	Failing   State = "failing"   // Run failed and is called again at Next
	Stopping  State = "stopping"  // Run is still to return, since its document has gone or changed
	Done      State = "done"      // Run returned nil
	Invalid   State = "invalid"   // the document cannot be decoded
)

// Status reports how a document's work is.
type Status struct {
	Key      Key
	State    State
	Since    time.Time // when it came into the state
	Epoch    uint64    // of its lease; 0 without
	Failures int       // in a row
	Err      error     // of the last call of Run, if that failed, or of decoding
	Next     time.Time // of the next call; zero unless Waiting or Failing
	Parts    []PartStatus
}

// PartStatus reports how a part of a job is: one that runs for the first time has zero values
// behind its name.
type PartStatus struct {
	Name     string
	Failures int       // in a row
	Err      error     // of the last call, if that failed
	Next     time.Time // when it was or is called after that
}
