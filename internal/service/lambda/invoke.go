package lambda

import (
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/function"
)

// Limits of payloads.
const (
	maxSync  = 6 << 20
	maxAsync = 1 << 20
)

// Invoke runs a function and answers with what it returned (RequestResponse), or accepts an
// event for it (Event), or checks that it could (DryRun).
func (s *Service) Invoke(ctx context.Context, in *lambda.InvokeInput, _ ...func(*lambda.Options)) (*lambda.InvokeOutput, error) {
	if in.DurableExecutionName != nil {
		return nil, refused("Durable functions are")
	}
	if in.TenantId != nil {
		return nil, refused("Tenants are")
	}
	d, t, err := s.find(ctx, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	payload := in.Payload
	limit := maxSync
	if in.InvocationType == types.InvocationTypeEvent {
		limit = maxAsync
	}
	if len(payload) > limit {
		return nil, tooLarge(limit, "Invoke")
	}
	if err := checkPayload(payload); err != nil {
		return nil, err
	}
	about, err := clientContext(in.ClientContext)
	if err != nil {
		return nil, err
	}
	if s.stateOf(d, &d.Latest) == pending {
		return nil, conflict("The operation cannot be performed at this time. The function is currently in the following state: Pending")
	}
	switch in.InvocationType {
	case types.InvocationTypeDryRun:
		return &lambda.InvokeOutput{StatusCode: 204}, nil
	case types.InvocationTypeEvent:
		if err := s.async.accept(ctx, t, payload); err != nil {
			return nil, err
		}
		return &lambda.InvokeOutput{StatusCode: 202}, nil
	}
	r, err := s.call(ctx, d, t, &function.Request{ID: requestID(ctx), Payload: payload, ClientContext: about})
	if err != nil {
		return nil, err
	}
	out := &lambda.InvokeOutput{StatusCode: 200, Payload: r.Payload, ExecutedVersion: &r.version}
	if r.Failed {
		out.FunctionError = aws.String("Unhandled")
	}
	if in.LogType == types.LogTypeTail {
		out.LogResult = aws.String(base64.StdEncoding.EncodeToString(r.Log))
	}
	return out, nil
}

// InvokeAsync is the first form of an Event.
func (s *Service) InvokeAsync(ctx context.Context, in *lambda.InvokeAsyncInput, _ ...func(*lambda.Options)) (*lambda.InvokeAsyncOutput, error) {
	var payload []byte
	if in.InvokeArgs != nil {
		var err error
		if payload, err = io.ReadAll(io.LimitReader(in.InvokeArgs, maxAsync+1)); err != nil {
			return nil, err
		}
	}
	out, err := s.Invoke(ctx, &lambda.InvokeInput{FunctionName: in.FunctionName, InvocationType: types.InvocationTypeEvent, Payload: payload})
	if err != nil {
		return nil, err
	}
	return &lambda.InvokeAsyncOutput{Status: out.StatusCode}, nil
}

// InvokeWithResponseStream runs a function and passes its answer on while it is made.
func (s *Service) InvokeWithResponseStream(ctx context.Context, in *lambda.InvokeWithResponseStreamInput) (*lambda.InvokeWithResponseStreamOutput, iter.Seq2[types.InvokeWithResponseStreamResponseEvent, error], error) {
	d, t, err := s.find(ctx, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, nil, err
	}
	if len(in.Payload) > maxSync {
		return nil, nil, tooLarge(maxSync, "InvokeWithResponseStream")
	}
	if err := checkPayload(in.Payload); err != nil {
		return nil, nil, err
	}
	if in.InvocationType == types.ResponseStreamingInvocationTypeDryRun {
		return &lambda.InvokeWithResponseStreamOutput{StatusCode: 204}, func(func(types.InvokeWithResponseStreamResponseEvent, error) bool) {}, nil
	}
	about, err := clientContext(in.ClientContext)
	if err != nil {
		return nil, nil, err
	}
	r, err := s.call(ctx, d, t, &function.Request{ID: requestID(ctx), Payload: in.Payload, ClientContext: about, Stream: true})
	if err != nil {
		return nil, nil, err
	}
	out := &lambda.InvokeWithResponseStreamOutput{StatusCode: 200, ExecutedVersion: &r.version, ResponseStreamContentType: aws.String("application/octet-stream")}
	if r.ContentType != "" {
		out.ResponseStreamContentType = &r.ContentType
	}
	return out, func(yield func(types.InvokeWithResponseStreamResponseEvent, error) bool) {
		complete := types.InvokeWithResponseStreamCompleteEvent{}
		chunk := func(b []byte) bool {
			return yield(&types.InvokeWithResponseStreamResponseEventMemberPayloadChunk{Value: types.InvokeResponseStreamUpdate{Payload: b}}, nil)
		}
		switch {
		case r.Body != nil:
			defer r.Body.Close()
			for {
				b := make([]byte, 32<<10)
				n, err := r.Body.Read(b)
				if n > 0 && !chunk(b[:n]) {
					return
				}
				if err == nil {
					continue
				}
				var failed *function.StreamError
				if errors.As(err, &failed) {
					complete.ErrorCode, complete.ErrorDetails = &failed.Type, aws.String(string(failed.Payload))
				} else if !errors.Is(err, io.EOF) {
					complete.ErrorCode, complete.ErrorDetails = aws.String("Runtime.TruncatedResponse"), aws.String("The function ended in the middle of its response")
				}
				break
			}
		case r.Failed:
			complete.ErrorCode, complete.ErrorDetails = aws.String("Unhandled"), aws.String(string(r.Payload))
		default:
			for b := r.Payload; len(b) > 0; {
				n := min(len(b), 512<<10)
				if !chunk(b[:n]) {
					return
				}
				b = b[n:]
			}
		}
		if in.LogType == types.LogTypeTail {
			log := r.Log
			if r.Body != nil {
				select {
				case log = <-r.logged:
				case <-ctx.Done(): // nobody waits for it
				}
			}
			complete.LogResult = aws.String(base64.StdEncoding.EncodeToString(log))
		}
		yield(&types.InvokeWithResponseStreamResponseEventMemberInvokeComplete{Value: complete}, nil)
	}, nil
}

// checkPayload refuses what is not JSON. No payload is an empty one.
func checkPayload(b []byte) error {
	if len(b) == 0 || json.Valid(b) {
		return nil
	}
	return badPayload("Could not parse request body into json: Could not parse payload into json: the %d bytes are not a JSON document", len(b))
}

func requestID(ctx context.Context) string {
	if id := awswire.CallerFrom(ctx).RequestID; id != "" {
		return id
	}
	return newID()
}

// maxContext is the limit of a client's context, in base64.
const maxContext = 3583

// clientContext is the JSON in the base64 that clients send, in one line, as it goes in a header.
func clientContext(text *string) (string, error) {
	if text == nil {
		return "", nil
	}
	b, err := base64.StdEncoding.DecodeString(*text)
	var line bytes.Buffer
	switch {
	case len(*text) > maxContext:
		return "", badPayload("Client context must be no more than %d bytes when base64-encoded.", maxContext)
	case err != nil || json.Compact(&line, b) != nil || line.Len() == 0 || line.Bytes()[0] != '{':
		return "", badPayload("Client context must be a valid Base64-encoded JSON object.")
	}
	return line.String(), nil
}

// result is what a function came to, and the version that did.
type result struct {
	*function.Result
	version string
	logged  <-chan []byte // of an answer that is streamed: the last of the log, when the invocation has ended
}

// call runs a function once. Errors are the API's.
func (s *Service) call(ctx context.Context, d *functionDoc, t target, r *function.Request) (result, error) {
	c, err := s.version(d, t.pick(d))
	if err != nil {
		return result{}, err
	}
	r.ARN = t.arn()
	var nth int
	if r.Trace, nth = nextTrace(awswire.CallerFrom(ctx).Trace, d.group(), s.clock.Now()); nth >= maxLoop && d.Recursion != string(types.RecursiveLoopAllow) {
		s.dropLoop(d)
		return result{}, recursive(d)
	}
	if len(r.Payload) == 0 {
		r.Payload = []byte("{}")
	}
	running := s.begin(d)
	out, err := s.cfg.Engine.Invoke(ctx, s.engineFunction(d, c), r)
	if err == nil && out.Body != nil {
		return s.streamed(running, out, c), nil
	}
	running.end(out, err)
	if err != nil {
		return result{}, s.callError(d, err)
	}
	if len(out.Payload) == 0 {
		out.Payload = []byte("null")
	}
	return result{Result: out, version: c.Version}, nil
}

// streamed is the result of a call whose answer is being made. The call is counted when it has ended.
func (s *Service) streamed(running running, out *function.Result, c *config) result {
	logged := make(chan []byte, 1)
	ended := func(context.Context) error {
		all := <-out.Ending // it comes: the engine ends all that it runs
		running.end(all, nil)
		logged <- all.Log
		return nil
	}
	if !s.group.Go("streamed answer", ended) { // the service is closed
		running.end(out, nil)
		logged <- nil
	}
	return result{Result: out, version: c.Version, logged: logged}
}

// pick is the qualifier of the version that runs, by an alias's weights.
func (t target) pick(d *functionDoc) string {
	a := d.Aliases[t.qualifier]
	if a == nil {
		return t.qualifier
	}
	at := rand.Float64()
	for _, v := range sortedKeys(a.Weights) {
		if at -= a.Weights[v]; at < 0 {
			return v
		}
	}
	return a.Version
}

func (s *Service) callError(d *functionDoc, err error) error {
	switch {
	case errors.Is(err, function.ErrThrottled) && d.Reserved != nil:
		return throttled(types.ThrottleReasonReservedFunctionConcurrentInvocationLimitExceeded)
	case errors.Is(err, function.ErrThrottled), errors.Is(err, function.ErrBusy):
		return throttled(types.ThrottleReasonConcurrentInvocationLimitExceeded)
	case errors.Is(err, function.ErrRuntime):
		return &types.InvalidRuntimeException{Type: service, Message: aws.String(strings.TrimPrefix(err.Error(), function.ErrRuntime.Error()+": "))}
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return failure("The request was interrupted")
	case errors.Is(err, function.ErrClosed):
		return awswire.Errorf("ServiceUnavailable", "The node is stopping.")
	}
	s.log.Error("a function could not be run", "function", d.Name, "account", d.Account, "region", d.Region, "error", err)
	return failure("The function could not be run: the log of the node says why")
}

// key is the engine's key of a version; with an empty build the beginning of it.
func (d *functionDoc) key(c *config) string { return d.group() + "/" + c.Version + "/" + c.Build }

// logPlace is where a function's log goes.
type logPlace struct {
	account, region, group string
	function               string // the engine's group
	role                   string
	arn                    string
}

// engineFunction is a version as the engine runs it.
func (s *Service) engineFunction(d *functionDoc, c *config) *function.Function {
	f := &function.Function{
		Key: d.key(c), Group: d.group(), Owner: d.owner(), Name: d.Name, Version: c.Version, Runtime: c.Runtime, Handler: c.Handler, Code: c.Code,
		Timeout: time.Duration(c.Timeout) * time.Second, Memory: int(c.Memory), Storage: int(c.Storage), Reserved: -1,
		Context: logPlace{d.Account, d.Region, *c.logging(d.Name).LogGroup, d.group(), c.Role, functionARN(d.scope(), d.Name, "")},
	}
	if l := c.logging(d.Name); l.LogFormat == types.LogFormatJson {
		f.JSON = &function.JSONLog{System: string(l.SystemLogLevel), Application: string(l.ApplicationLogLevel)}
	}
	if d.Reserved != nil {
		f.Reserved = int(*d.Reserved)
	}
	for _, l := range c.Layers {
		f.Layers = append(f.Layers, l.Digest)
	}
	f.Env = func(ctx context.Context, instance string) ([]string, error) {
		return s.environment(ctx, d, c, instance)
	}
	return f
}

// logStream names the stream of an instance's log.
func logStream(now time.Time, version, instance string) string {
	return now.UTC().Format("2006/01/02") + "/[" + version + "]" + instance
}

// environment is that of an instance.
func (s *Service) environment(ctx context.Context, d *functionDoc, c *config, instance string) ([]string, error) {
	var env []string
	for _, name := range sortedKeys(c.Env) {
		env = append(env, name+"="+c.Env[name])
	}
	set := func(name, value string) {
		if value != "" {
			env = append(env, name+"="+value)
		}
	}
	set("AWS_REGION", d.Region)
	set("AWS_DEFAULT_REGION", d.Region)
	set("AWS_EXECUTION_ENV", "AWS_Lambda_"+c.Runtime)
	set("AWS_LAMBDA_FUNCTION_NAME", d.Name)
	set("AWS_LAMBDA_FUNCTION_VERSION", c.Version)
	set("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", strconv.Itoa(int(c.Memory)))
	set("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand")
	set("AWS_LAMBDA_LOG_GROUP_NAME", *c.logging(d.Name).LogGroup)
	if l := c.logging(d.Name); l.LogFormat == types.LogFormatJson {
		set("AWS_LAMBDA_LOG_FORMAT", "JSON")
		set("AWS_LAMBDA_LOG_LEVEL", cmp.Or(string(l.ApplicationLogLevel), "INFO"))
	}
	set("AWS_LAMBDA_LOG_STREAM_NAME", logStream(s.clock.Now(), c.Version, instance))
	if c.Env["AWS_ENDPOINT_URL"] == "" {
		set("AWS_ENDPOINT_URL", s.cfg.Inside())
	}
	if s.cfg.Credentials != nil {
		key, secret, token, err := s.cfg.Credentials(ctx, d.Account, c.Role, d.Name)
		if err != nil {
			return nil, fmt.Errorf("credentials of %s: %w", c.Role, err)
		}
		set("AWS_ACCESS_KEY_ID", key)
		set("AWS_SECRET_ACCESS_KEY", secret)
		set("AWS_SESSION_TOKEN", token)
	}
	return env, nil
}
