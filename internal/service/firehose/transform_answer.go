package firehose

import (
	"encoding/base64"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/brookmere/brookmere/internal/engine/recordplan"
)

// lambdaAnswer makes outcomes of what a function returned.
//
// A record that was sent must be returned once: one that is missing or returned twice has
// failed. One that was not sent is another row of the record that it came with: people
// write functions that make several rows of a record, with IDs as "ID", "ID_1", "ID_2". It is
// of the record whose ID its own begins with, else of the one that was returned before it.
type lambdaAnswer struct {
	f        *lambdaFunction
	batch    []recordplan.Outcome // what was sent, with what failed before
	sent     map[string]int       // record ID -> place in the batch
	attempts int
}

func (a *lambdaAnswer) fail(o *recordplan.Outcome, code, message string) {
	o.Result, o.Code, o.Message, o.Function = recordplan.Failed, code, message, a.f.arn
	o.Attempts, o.Ended, o.Keys = a.attempts, a.f.st.s.clock.Now().UnixMilli(), nil
}

// outcomes has the outcome of each record of the batch, in its order, followed by those of
// its other rows, in the order in which they were returned.
func (a *lambdaAnswer) outcomes(answer *lambdaResponse) []recordplan.Outcome {
	returned := make(map[int]int, len(a.sent)) // times, by place
	for _, r := range answer.Records {
		if i, ok := a.sent[aws.ToString(r.ID)]; ok {
			returned[i]++
		}
	}
	out := make([]recordplan.Outcome, len(a.batch))
	copy(out, a.batch)
	more := make(map[int][]recordplan.Outcome)
	first := len(a.batch)
	for _, i := range a.sent {
		first = min(first, i)
	}
	last := first
	for k := range answer.Records {
		r := &answer.Records[k]
		id := aws.ToString(r.ID)
		if i, ok := a.sent[id]; ok {
			last = i
			if returned[i] == 1 {
				a.apply(&out[i], r)
			} else if out[i].Code == "" {
				a.fail(&out[i], "Lambda.DuplicatedRecordId", "Multiple records were returned with the same record Id. Ensure that the Lambda function returns a unique record Id for each record.")
			}
			continue
		}
		owner := last
		if len(id) > recordIDLength {
			if i, ok := a.sent[id[:recordIDLength]]; ok {
				owner = i
			}
		}
		a.f.st.saidMore.Do(func() {
			a.f.st.s.log.Info("the function of a delivery stream returns records that it was not given; each is delivered as another row of the record that it came with",
				"stream", a.f.d.Name, "function", a.f.arn, "record", truncated(id, 100))
		})
		o := a.batch[owner]
		a.apply(&o, r)
		more[owner] = append(more[owner], o)
	}
	for _, i := range a.sent {
		if returned[i] == 0 {
			a.fail(&out[i], "Lambda.MissingRecordId", "One or more record Ids were not returned. Ensure that the Lambda function returns all received record Ids.")
		}
	}
	if len(more) == 0 {
		return out
	}
	all := make([]recordplan.Outcome, 0, len(answer.Records))
	for i := range out {
		all = append(append(all, out[i]), more[i]...)
	}
	return all
}

// recordIDLength is that of the IDs that are sent.
const recordIDLength = 54

// apply makes an outcome, which is that of the record before, the one that was returned.
func (a *lambdaAnswer) apply(o *recordplan.Outcome, r *lambdaResponseRecord) {
	switch r.Result {
	case "Dropped":
		o.Result = recordplan.Dropped
	case "Ok":
		if r.Data == nil {
			a.fail(o, "Lambda.InvalidReturnFormat", "The data field cannot be null when the SourceType is DirectPut or KinesisStreamAsSource and processing result is Ok. The value field cannot be null when the SourceType is MSKAsSource and processing result is Ok.")
			return
		}
		data, err := base64.StdEncoding.DecodeString(*r.Data)
		if err != nil {
			a.fail(o, "Lambda.InvalidReturnFormat", "The data of the record that the function returned is not base64")
			return
		}
		keys, err := lambdaKeys(r.Metadata)
		if err != nil {
			a.fail(o, "Lambda.InvalidPartitionKeys", err.Error())
			return
		}
		o.Data, o.Keys = data, keys
	case "ProcessingFailed":
		a.fail(o, "Lambda.ProcessingFailedStatus", "ProcessingFailed status set for record")
	default:
		a.fail(o, "Lambda.InvalidReturnFormat", "The result of the record is none of Ok, Dropped and ProcessingFailed: "+truncated(strings.ToValidUTF8(r.Result, "?"), 100))
	}
}
