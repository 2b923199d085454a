package athena

import (
	"encoding/json"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/athena/types"
)

// EventSink takes events for the default bus of an account and region. The same id is the same event; the detail is a JSON
// object.
type EventSink interface {
	PutServiceEvent(account, region, source, detailType, id string, at time.Time, resources []string, detail []byte) error
}

// tell puts an event about a state that an execution has come to, the sequence-th of its states, from another; empty: it is
// the first. As on AWS such events are best effort: a kill loses those that were about to be put.
func (e *executions) tell(sc scope, d executionDoc, was types.QueryExecutionState, sequence int) {
	if e.events == nil {
		return
	}
	detail, err := json.Marshal(struct { // in AWS's order
		Version   string                    `json:"versionId"`
		State     types.QueryExecutionState `json:"currentState"`
		Before    types.QueryExecutionState `json:"previousState,omitempty"`
		Type      string                    `json:"statementType"`
		ID        string                    `json:"queryExecutionId"`
		WorkGroup string                    `json:"workgroupName"`
		Sequence  string                    `json:"sequenceNumber"`
	}{"0", d.State, was, d.Type, d.ID, d.WorkGroup, strconv.Itoa(sequence)})
	if err == nil {
		err = e.events.PutServiceEvent(sc.account, sc.region, "aws.athena", "Athena Query State Change", d.ID+"/"+string(d.State), e.now(), nil, detail)
	}
	if err != nil {
		e.logger.Warn("the event of a query is lost", "id", d.ID, "state", d.State, "error", err)
	}
}
