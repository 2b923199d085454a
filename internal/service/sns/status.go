package sns

import (
	"crypto/md5" //nolint:gosec // what the log has
	"encoding/hex"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"github.com/aws/smithy-go"
	"github.com/google/uuid"
)

// LogPlace is where the status of deliveries is written, as the role that the topic names for it.
type LogPlace struct {
	Account, Region string // the topic's
	Group, Stream   string
	Role            string // ARN
	Topic           string // ARN
}

// LogSink takes lines about deliveries. Log does not wait for them to be written.
type LogSink interface {
	Log(p LogPlace, at time.Time, line string)
}

// answer is what an endpoint said about a message.
type answer struct {
	status int // of HTTP; 0: there is none
	text   string
}

// maxAnswer bounds the text of an answer, in bytes.
const maxAnswer = 1 << 10

// deliveryStatus is a line about a message that was taken, or given up.
type deliveryStatus struct {
	Notification struct {
		MD5   string `json:"messageMD5Sum"`
		ID    string `json:"messageId"`
		Topic string `json:"topicArn"`
		Time  string `json:"timestamp"`
	} `json:"notification"`
	Delivery struct {
		ID          string `json:"deliveryId"`
		Destination string `json:"destination"`
		Response    string `json:"providerResponse"`
		Dwell       int64  `json:"dwellTimeMs"`
		Attempts    int    `json:"attempts"`
		StatusCode  int    `json:"statusCode,omitempty"`
	} `json:"delivery"`
	Status string `json:"status"`
}

// feedbackPrefix is what the attributes of a topic about a protocol's logs begin with.
var feedbackPrefix = map[string]string{"http": "HTTP", "https": "HTTP", "firehose": "Firehose", "lambda": "Lambda", "sqs": "SQS"}

// logStatus writes the status of a message that was taken, or given up, where the topic has a role for that: of those that
// were taken, as many in a hundred as it says.
func (s *Service) logStatus(t *topicDoc, d *subscriptionDoc, o *outgoing) {
	prefix := feedbackPrefix[d.Protocol]
	if s.cfg.Logs == nil || o.p.Type != "" || prefix == "" {
		return
	}
	place := LogPlace{Account: t.Account, Region: t.Region, Group: "sns/" + t.Region + "/" + t.Account + "/" + t.Name, Stream: d.UUID, Topic: t.arn()}
	status := deliveryStatus{Status: "SUCCESS"}
	if o.err == nil {
		place.Role = t.Attributes[prefix+"SuccessFeedbackRoleArn"]
		if rate, err := strconv.Atoi(t.Attributes[prefix+"SuccessFeedbackSampleRate"]); err != nil || rand.IntN(100) >= rate {
			return
		}
	} else {
		place.Group += "/Failure"
		place.Role = t.Attributes[prefix+"FailureFeedbackRoleArn"]
		status.Status = "FAILURE"
	}
	if place.Role == "" {
		return
	}
	now := s.clock.Now()
	text := o.p.text(d.Protocol)
	sum := md5.Sum([]byte(text)) //nolint:gosec // what the log has
	n := &status.Notification
	n.MD5, n.ID, n.Topic, n.Time = hex.EncodeToString(sum[:]), o.p.ID, o.p.Topic, time.UnixMilli(o.p.Time).UTC().Format("2006-01-02 15:04:05.000")
	e := &status.Delivery
	e.ID, e.Destination, e.Dwell, e.Attempts = uuid.NewString(), d.Endpoint, max(now.UnixMilli()-o.p.Time, 0), o.m.Count
	e.Response, e.StatusCode = o.answer.text, o.answer.status
	if o.err != nil {
		e.Response, e.StatusCode = failure(o)
	}
	line, err := json.Marshal(&status)
	if err != nil {
		return // there are texts and numbers alone
	}
	s.cfg.Logs.Log(place, now, string(line))
}

// failure is why a message was not taken, as its log has it.
func failure(o *outgoing) (text string, status int) {
	var api smithy.APIError
	if !errors.As(o.err, &api) {
		if o.answer.status != 0 {
			return o.answer.text, o.answer.status
		}
		return o.err.Error(), 0
	}
	if status = 400; api.ErrorFault() == smithy.FaultServer {
		status = 500
	}
	return told(map[string]string{"ErrorCode": api.ErrorCode(), "ErrorMessage": api.ErrorMessage()}), status
}

// told is an answer of members as a text.
func told(members map[string]string) string {
	b, _ := json.Marshal(members) // of texts alone
	return string(b)
}

// readable is a part of what an endpoint said that fits a log.
func readable(b []byte) string { return strings.ToValidUTF8(string(b[:min(len(b), maxAnswer)]), "?") }
