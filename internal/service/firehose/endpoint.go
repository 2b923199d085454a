package firehose

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"time"

	"github.com/klauspost/compress/gzip"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/firehose/types"

	"github.com/brookmere/brookmere/internal/engine/delivery"
	"github.com/brookmere/brookmere/internal/engine/outbound"
	"github.com/brookmere/brookmere/internal/engine/recordplan"
)

// httpConfig is an HTTP endpoint destination with the defaults filled in. The bucket of
// what it does not take, or of all, is the stream's S3 configuration.
type httpConfig struct {
	URL        string            `json:"url"`
	Name       *string           `json:"name,omitempty"`
	AccessKey  string            `json:"accessKey,omitempty"`
	RoleARN    *string           `json:"roleArn,omitempty"`
	SizeMB     int32             `json:"sizeMB"`
	Seconds    int32             `json:"seconds"`
	Retry      int32             `json:"retry"` // seconds
	BackupMode string            `json:"backupMode"`
	Encoding   string            `json:"encoding"`
	Attributes []httpAttribute   `json:"attributes,omitempty"`
	Processing *processingConfig `json:"processing,omitempty"`
	Logging    *loggingConfig    `json:"logging,omitempty"`
	Secrets    bool              `json:"secrets,omitempty"` // SecretsManagerConfiguration was given, and not enabled
}

type httpAttribute struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// configure takes a destination from the API's form: what is absent stays.
func (c *httpConfig) configure(in *types.HttpEndpointDestinationUpdate) {
	if c.Retry == 0 && c.SizeMB == 0 {
		*c = httpConfig{
			SizeMB: 5, Seconds: 300, Retry: 300, BackupMode: string(types.HttpEndpointS3BackupModeFailedDataOnly),
			Encoding: string(types.ContentEncodingNone),
		}
	}
	if e := in.EndpointConfiguration; e != nil {
		set(&c.URL, e.Url)
		setp(&c.Name, e.Name)
		set(&c.AccessKey, e.AccessKey)
	}
	if h := in.BufferingHints; h != nil {
		set(&c.SizeMB, h.SizeInMBs)
		set(&c.Seconds, h.IntervalInSeconds)
	}
	if r := in.RetryOptions; r != nil {
		set(&c.Retry, r.DurationInSeconds)
	}
	if in.S3BackupMode != "" {
		c.BackupMode = string(in.S3BackupMode)
	}
	setp(&c.RoleARN, in.RoleARN)
	if r := in.RequestConfiguration; r != nil {
		if r.ContentEncoding != "" {
			c.Encoding = string(r.ContentEncoding)
		}
		if r.CommonAttributes != nil {
			c.Attributes = nil
			for _, a := range r.CommonAttributes {
				c.Attributes = append(c.Attributes, httpAttribute{aws.ToString(a.AttributeName), aws.ToString(a.AttributeValue)})
			}
		}
	}
	if p := in.ProcessingConfiguration; p != nil {
		c.Processing = newProcessing(p)
	}
	if l := in.CloudWatchLoggingOptions; l != nil {
		c.Logging = &loggingConfig{Enabled: aws.ToBool(l.Enabled), Group: l.LogGroupName, Stream: l.LogStreamName}
	}
	if m := in.SecretsManagerConfiguration; m != nil {
		c.Secrets = true
	}
}

func (c *httpConfig) validate(in *types.SecretsManagerConfiguration) error {
	u, err := url.Parse(c.URL)
	if err != nil || u.Scheme != "https" || u.Host == "" {
		return invalid("Url of the EndpointConfiguration is not a valid https URL")
	}
	if in != nil && aws.ToBool(in.Enabled) {
		return invalid("SecretsManagerConfiguration is not supported by Brookmere; give the AccessKey in EndpointConfiguration")
	}
	seen := make(map[string]bool)
	for _, a := range c.Attributes {
		if seen[a.Name] {
			return invalid("Http Endpoint Common Attributes have duplicate name %s", a.Name)
		}
		seen[a.Name] = true
	}
	return nil
}

func (c *httpConfig) describe(d *streamDoc) *types.HttpEndpointDestinationDescription {
	out := &types.HttpEndpointDestinationDescription{
		EndpointConfiguration:    &types.HttpEndpointDescription{Url: &c.URL, Name: c.Name},
		BufferingHints:           &types.HttpEndpointBufferingHints{SizeInMBs: &c.SizeMB, IntervalInSeconds: &c.Seconds},
		RetryOptions:             &types.HttpEndpointRetryOptions{DurationInSeconds: &c.Retry},
		RequestConfiguration:     &types.HttpEndpointRequestConfiguration{ContentEncoding: types.ContentEncoding(c.Encoding), CommonAttributes: []types.HttpEndpointCommonAttribute{}},
		ProcessingConfiguration:  c.Processing.describe(aws.ToString(c.RoleARN)),
		CloudWatchLoggingOptions: c.Logging.describe(),
		RoleARN:                  c.RoleARN,
		S3BackupMode:             types.HttpEndpointS3BackupMode(c.BackupMode),
		S3DestinationDescription: d.S3.describePlain(),
	}
	for _, a := range c.Attributes {
		out.RequestConfiguration.CommonAttributes = append(out.RequestConfiguration.CommonAttributes, types.HttpEndpointCommonAttribute{AttributeName: &a.Name, AttributeValue: &a.Value})
	}
	if c.Secrets {
		out.SecretsManagerConfiguration = &types.SecretsManagerConfiguration{Enabled: aws.Bool(false)}
	}
	return out
}

// Facts of the request's form.
// https://docs.aws.amazon.com/firehose/latest/dev/httpdeliveryrequestresponse.html
const (
	httpMaxResponse = 1 << 20
	httpInMemory    = 4 << 20 // a body of more rows goes to a temporary file
	httpFailed      = "http-endpoint-failed"
)

// HTTPTimeout is how long an endpoint may take for its answer.
const HTTPTimeout = 3 * time.Minute

// endpointError is why an endpoint has not taken a request.
type endpointError struct {
	code    string
	message string
	final   bool // trying again does not help
}

func (e *endpointError) Error() string { return e.code + ": " + e.message }

// newHTTPClient is the client for endpoints where none is configured: as a node on loopback
// has it, but that it does not know what the node is.
func newHTTPClient() *outbound.Client {
	return outbound.New(outbound.Options{Loopback: true, Timeout: HTTPTimeout})
}

// checkEndpoint refuses an endpoint that the node does not connect to.
func (s *Service) checkEndpoint(c *httpConfig) error {
	if c == nil {
		return nil
	}
	u, err := url.Parse(c.URL)
	if err == nil {
		err = s.http.CheckURL(u)
	}
	if err != nil {
		return invalid("Url of the EndpointConfiguration is refused: %v", err)
	}
	return nil
}

// post sends the rows of an object to the endpoint, again and again for as long as the
// configuration says, always under the same request id. What the endpoint does not take
// goes to the bucket. Done is done either way; an error is S3's.
func (o objects) post(ctx context.Context, obj delivery.Object) error {
	st := o.l.st
	clock := st.s.clock
	arrival := clock.Now()
	for f := range recordplan.Frames(obj.Body) {
		arrival = f.Arrival
		break
	}
	var waited time.Duration
	var last *endpointError
	wait := time.Second
	attempts := 0
	for {
		attempts++
		last = o.postOnce(ctx, obj)
		if last == nil {
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		o.l.retrying(last, attempts, wait)
		limit := time.Duration(st.doc.Load().HTTP.Retry) * time.Second
		if waited >= limit || last.final {
			break
		}
		w := min(time.Duration(float64(wait)*(0.85+0.3*rand.Float64())), limit-waited)
		t := clock.NewTimer(w)
		select {
		case <-t.Chan():
		case <-ctx.Done():
			t.Stop()
			return ctx.Err()
		}
		waited += w
		wait = min(2*wait, 2*time.Minute)
	}
	return o.postFailed(ctx, obj, arrival, attempts, last)
}

// postFailed puts what the endpoint did not take into the bucket.
func (o objects) postFailed(ctx context.Context, obj delivery.Object, arrival time.Time, attempts int, last *endpointError) error {
	st := o.l.st
	d := st.doc.Load()
	spec := d.S3.spec(d)
	spec.ID = d.base() + "/" + o.l.name
	key, err := recordplan.FailedKey(*spec, httpFailed, arrival, obj.Key)
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(st.s.cfg.TempDir, "delivery-*")
	if err != nil {
		return fmt.Errorf("firehose: keep what an endpoint did not take: %w", err)
	}
	defer f.Close()
	if err := os.Remove(f.Name()); err != nil {
		return err
	}
	if _, err := obj.Body.Seek(0, io.SeekStart); err != nil {
		return err
	}
	w, closeW, encoding := io.Writer(f), func() error { return nil }, ""
	if spec.Compression == recordplan.Gzip {
		z := gzip.NewWriter(f)
		w, closeW, encoding = z, z.Close, "gzip"
	}
	var line []byte
	ended := st.s.clock.Now()
	rows := 0
	for fr, err := range recordplan.Frames(obj.Body) {
		if err != nil {
			return err
		}
		e := recordplan.ErrorRecord{Attempts: attempts, Arrival: fr.Arrival, Ended: ended, Code: last.code, Message: last.message, Raw: fr.Data}
		line = e.Append(line[:0])
		if _, err := w.Write(line); err != nil {
			return err
		}
		rows++
	}
	if err := closeW(); err != nil {
		return err
	}
	size, err := f.Seek(0, io.SeekCurrent)
	if err != nil {
		return err
	}
	st.s.log.Warn("an endpoint did not take a request, whose records are now in the bucket", "stream", d.Name, "request", obj.Key, "err", last)
	st.s.metrics.rejected.Add(float64(rows))
	st.s.logError(d, last.code, last.message)
	return o.put(ctx, delivery.Object{Bucket: o.bucket(), Key: key, Body: io.NewSectionReader(f, 0, size), Size: size, Encoding: encoding})
}

// postOnce makes one attempt.
func (o objects) postOnce(ctx context.Context, obj delivery.Object) *endpointError {
	st := o.l.st
	d := st.doc.Load()
	c := d.HTTP
	broken := func(err error) *endpointError {
		return &endpointError{code: "HttpEndpoint.DestinationException", message: err.Error()}
	}
	body, size, done, err := o.requestBody(obj, c)
	if err != nil {
		return broken(err)
	}
	defer done()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.URL, body)
	if err != nil {
		return broken(err)
	}
	r.ContentLength = size
	h := r.Header
	h.Set("Content-Type", "application/json")
	h.Set("User-Agent", "Amazon Kinesis Data Firehose Agent/1.0")
	h.Set("X-Amz-Firehose-Protocol-Version", "1.0")
	h.Set("X-Amz-Firehose-Request-Id", obj.Key)
	h.Set("X-Amz-Firehose-Source-Arn", d.arn())
	if c.AccessKey != "" {
		h.Set("X-Amz-Firehose-Access-Key", c.AccessKey)
	}
	if c.Encoding == string(types.ContentEncodingGzip) {
		h.Set("Content-Encoding", "gzip")
	}
	if len(c.Attributes) > 0 {
		all := make(map[string]string)
		for _, a := range c.Attributes {
			all[a.Name] = a.Value
		}
		b, err := json.Marshal(map[string]any{"commonAttributes": all})
		if err != nil {
			return broken(err)
		}
		h.Set("X-Amz-Firehose-Common-Attributes", string(b))
	}
	resp, err := st.s.http.Do(r)
	if err != nil {
		if outbound.IsRefused(err) {
			return &endpointError{code: "HttpEndpoint.ConnectionFailed", message: err.Error(), final: true}
		}
		var ne net.Error
		var ce *tls.CertificateVerificationError
		switch {
		case errors.As(err, &ne) && ne.Timeout():
			return &endpointError{code: "HttpEndpoint.RequestTimeout", message: "The delivery timed out before a response was received and will be retried."}
		case errors.As(err, &ce):
			return &endpointError{code: "HttpEndpoint.SSLHandshakeFailure", message: err.Error()}
		}
		var oe *net.OpError
		if errors.As(err, &oe) && oe.Op == "dial" {
			return &endpointError{code: "HttpEndpoint.ConnectionFailed", message: "Unable to connect to the destination endpoint. Contact the owner of the endpoint to resolve this issue. " + err.Error()}
		}
		return &endpointError{code: "HttpEndpoint.ConnectionReset", message: "Unable to maintain connection with the endpoint. Contact the owner of the endpoint to resolve this issue. " + err.Error()}
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, httpMaxResponse+1))
	switch {
	case err != nil:
		return broken(err)
	case len(text) > httpMaxResponse:
		return &endpointError{code: "HttpEndpoint.ResponseTooLarge", message: "The response received from the endpoint is too large. Contact the owner of the endpoint to resolve this issue."}
	}
	return checkAnswer(resp, text, obj.Key)
}

// requestBody writes the body of a request, to a file if it is large.
func (o objects) requestBody(obj delivery.Object, c *httpConfig) (body io.Reader, size int64, done func(), err error) {
	if _, err := obj.Body.Seek(0, io.SeekStart); err != nil {
		return nil, 0, nil, err
	}
	var buf bytes.Buffer
	var file *os.File
	out := io.Writer(&buf)
	done = func() {}
	if obj.Size > httpInMemory {
		if file, err = os.CreateTemp(o.l.st.s.cfg.TempDir, "delivery-*"); err != nil {
			return nil, 0, nil, err
		}
		done = func() { file.Close() }
		if err = os.Remove(file.Name()); err != nil {
			done()
			return nil, 0, nil, err
		}
		out = file
	}
	w, closeW := out, func() error { return nil }
	if c.Encoding == string(types.ContentEncodingGzip) {
		z, zerr := gzip.NewWriterLevel(out, gzip.BestSpeed)
		if zerr != nil {
			done()
			return nil, 0, nil, zerr
		}
		w, closeW = z, z.Close
	}
	line := append([]byte(`{"requestId":"`), obj.Key...)
	line = append(line, `","timestamp":`...)
	line = strconv.AppendInt(line, o.l.st.s.clock.Now().UnixMilli(), 10)
	line = append(line, `,"records":[`...)
	first := true
	for f, ferr := range recordplan.Frames(obj.Body) {
		if err = ferr; err != nil {
			break
		}
		if !first {
			line = append(line, ',')
		}
		first = false
		line = append(line, `{"data":"`...)
		line = base64.StdEncoding.AppendEncode(line, f.Data)
		line = append(line, `"}`...)
		if len(line) > 64<<10 {
			if _, err = w.Write(line); err != nil {
				break
			}
			line = line[:0]
		}
	}
	if err == nil {
		_, err = w.Write(append(line, `]}`...))
	}
	if err == nil {
		err = closeW()
	}
	if err != nil {
		done()
		return nil, 0, nil, err
	}
	if file == nil {
		return &buf, int64(buf.Len()), done, nil
	}
	if size, err = file.Seek(0, io.SeekCurrent); err != nil {
		done()
		return nil, 0, nil, err
	}
	return io.NewSectionReader(file, 0, size), size, done, nil
}
