package firehose

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
)

// maxAnswerShown is how much of an answer is told in an error.
const maxAnswerShown = 8192

// checkAnswer holds the answer to a request against AWS's specification: 200 alone is
// success, and only with a JSON body, not encoded, that has the id of the request and a
// timestamp, and beside them an errorMessage at most.
// https://docs.aws.amazon.com/firehose/latest/dev/httpdeliveryrequestresponse.html
func checkAnswer(resp *http.Response, text []byte, request string) *endpointError {
	shown := strings.ToValidUTF8(string(text[:min(len(text), maxAnswerShown)]), "\uFFFD")
	if resp.StatusCode != http.StatusOK {
		// What is too large once always is. Firehose drops it; here it goes to the bucket.
		return &endpointError{code: "HttpEndpoint.DestinationException",
			message: fmt.Sprintf("The following response was received from the endpoint destination. %d: %s", resp.StatusCode, shown),
			final:   resp.StatusCode == http.StatusRequestEntityTooLarge}
	}
	reason := ""
	if media, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type")); media != "application/json" {
		reason = "does not have the content type application/json"
	} else if resp.Header.Get("Content-Encoding") != "" {
		reason = "is content-encoded"
	} else {
		reason = invalidAnswer(text, request)
	}
	if reason == "" {
		return nil
	}
	return &endpointError{code: "HttpEndpoint.InvalidResponseFromDestination",
		message: fmt.Sprintf("The response received from the specified endpoint is invalid. Contact the owner of the endpoint to resolve the issue. "+
			"Response for request %s %s. Raw response received: %d %s", request, reason, resp.StatusCode, shown)}
}

// invalidAnswer says what is wrong with the body of an answer.
func invalidAnswer(text []byte, request string) string {
	const notJSON = "is not recognized as valid JSON or has unexpected fields"
	var answer struct {
		RequestID    *string         `json:"requestId"`
		Timestamp    json.RawMessage `json:"timestamp"`
		ErrorMessage *string         `json:"errorMessage"`
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&answer); err != nil {
		return notJSON
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return notJSON
	}
	var at json.Number
	switch {
	case answer.RequestID == nil:
		return "does not have a requestId"
	case *answer.RequestID != request:
		return "has another requestId"
	case len(answer.Timestamp) == 0 || string(answer.Timestamp) == "null":
		return "does not have a timestamp"
	case answer.Timestamp[0] == '"' || json.Unmarshal(answer.Timestamp, &at) != nil:
		return "has a timestamp that is not a number"
	}
	return ""
}
