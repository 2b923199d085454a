package sns

import (
	"encoding/xml"
	"errors"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/smithy-go"

	"github.com/brookmere/brookmere/internal/awskit/arn"
	"github.com/brookmere/brookmere/internal/awswire"
)

// Links that messages have: GET requests without a signature, which whoever has a token or the id of a subscription
// may make.

const namespace = "http://sns.amazonaws.com/doc/2010-03-31/"

// Fronts returns the doors of the service beside its API: the links of messages, and certificates.
func (s *Service) Fronts() []awswire.Front {
	return []awswire.Front{{
		Name: "sns-links", SigningName: "sns",
		Claims: func(r *http.Request) bool {
			if r.Method != http.MethodGet {
				return false
			}
			if strings.HasPrefix(r.URL.Path, certPrefix) {
				return strings.HasSuffix(r.URL.Path, ".pem")
			}
			if r.URL.Path != "/" && r.URL.Path != "" || !strings.Contains(r.URL.RawQuery, "Action=") || r.Header.Get("Authorization") != "" {
				return false
			}
			q := r.URL.Query()
			action := q.Get("Action")
			return q.Get("X-Amz-Signature") == "" && q.Get("Signature") == "" && (action == "ConfirmSubscription" && q.Has("Token") || action == "Unsubscribe" && q.Has("SubscriptionArn"))
		},
		Handler:    http.HandlerFunc(s.serveLink),
		WriteError: func(w http.ResponseWriter, r *http.Request, err error) { writeLinkError(w, r, err) },
	}}
}

type metadata struct {
	RequestID string `xml:"RequestId"`
}

type confirmAnswer struct {
	XMLName xml.Name `xml:"ConfirmSubscriptionResponse"`
	Space   string   `xml:"xmlns,attr"`
	ARN     string   `xml:"ConfirmSubscriptionResult>SubscriptionArn"`
	Meta    metadata `xml:"ResponseMetadata"`
}

type endAnswer struct {
	XMLName xml.Name `xml:"UnsubscribeResponse"`
	Space   string   `xml:"xmlns,attr"`
	Meta    metadata `xml:"ResponseMetadata"`
}

type errorAnswer struct {
	XMLName   xml.Name `xml:"ErrorResponse"`
	Space     string   `xml:"xmlns,attr"`
	Type      string   `xml:"Error>Type"`
	Code      string   `xml:"Error>Code"`
	Message   string   `xml:"Error>Message"`
	RequestID string   `xml:"RequestId"`
}

func (s *Service) serveLink(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, certPrefix) {
		s.serveCertificate(w, r)
		return
	}
	q := r.URL.Query()
	c := awswire.CallerFrom(r.Context())
	c.Anonymous = true
	meta := metadata{c.RequestID}
	if q.Get("Action") == "Unsubscribe" {
		in := &sns.UnsubscribeInput{SubscriptionArn: aws.String(q.Get("SubscriptionArn"))}
		if _, err := s.Unsubscribe(awswire.WithCaller(r.Context(), c), in); err != nil {
			writeLinkError(w, r, err)
			return
		}
		writeXML(w, http.StatusOK, endAnswer{Space: namespace, Meta: meta})
		return
	}
	if a, ok := arn.Parse(q.Get("TopicArn")); ok {
		c.Region = a.Region
	}
	out, err := s.ConfirmSubscription(awswire.WithCaller(r.Context(), c), &sns.ConfirmSubscriptionInput{TopicArn: aws.String(q.Get("TopicArn")), Token: aws.String(q.Get("Token"))})
	if err != nil {
		writeLinkError(w, r, err)
		return
	}
	writeXML(w, http.StatusOK, confirmAnswer{Space: namespace, ARN: aws.ToString(out.SubscriptionArn), Meta: meta})
}

func (s *Service) serveCertificate(w http.ResponseWriter, r *http.Request) {
	text, err := s.certificate(r.URL.Path)
	switch {
	case err != nil:
		s.log.Error("certificate of signatures", "error", err)
		http.Error(w, "The certificate cannot be read: the node's log tells why.", http.StatusInternalServerError)
	case text == nil:
		http.NotFound(w, r)
	default:
		w.Header().Set("Content-Type", "application/x-pem-file")
		_, _ = w.Write(text)
	}
}

func writeLinkError(w http.ResponseWriter, r *http.Request, err error) {
	e := errorAnswer{Space: namespace, Type: "Receiver", Code: "InternalError", Message: "The request could not be done.", RequestID: awswire.CallerFrom(r.Context()).RequestID}
	status := http.StatusInternalServerError
	var api smithy.APIError
	if errors.As(err, &api) {
		e.Type, e.Code, e.Message, status = "Sender", api.ErrorCode(), api.ErrorMessage(), http.StatusBadRequest
		switch e.Code {
		case "NotFound":
			status = http.StatusNotFound
		case "AuthorizationError":
			status = http.StatusForbidden
		}
	}
	writeXML(w, status, e)
}

func writeXML(w http.ResponseWriter, status int, v any) {
	b, err := xml.MarshalIndent(v, "", "  ")
	if err != nil {
		http.Error(w, "InternalError", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/xml")
	w.WriteHeader(status)
	_, _ = w.Write(append(b, '\n'))
}
