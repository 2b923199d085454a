package lambda

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/brookmere/brookmere/internal/awskit/arn"
	"github.com/brookmere/brookmere/internal/awskit/page"
	"github.com/brookmere/brookmere/internal/awskit/scope"
	"github.com/brookmere/brookmere/internal/engine/eventpattern"
)

// Event source mappings: how they are configured. How they run is in run.go.

// The kinds of sources.
const (
	kindKinesis  = "kinesis"
	kindDynamoDB = "dynamodb"
	kindSQS      = "sqs"
)

// mappingDoc is an event source mapping.
type mappingDoc struct {
	Account   string    `json:"account"`
	Region    string    `json:"region"`
	ID        string    `json:"id"`
	Name      string    `json:"name"` // of the function
	Qualifier string    `json:"qualifier,omitempty"`
	Kind      string    `json:"kind"`
	Source    string    `json:"source"` // ARN; of a stream or its consumer, a table's stream, a queue
	Created   time.Time `json:"created"`
	Modified  time.Time `json:"modified"`
	Enabled   bool      `json:"enabled"`

	Batch       int32     `json:"batch"`
	Window      int32     `json:"window"` // seconds
	Start       string    `json:"start,omitempty"`
	StartTime   time.Time `json:"startTime,omitzero"`
	Parallel    int32     `json:"parallel,omitempty"`
	Retries     int32     `json:"retries"` // -1: without end
	MaxAge      int32     `json:"maxAge"`  // seconds; -1: as long as the stream has it
	Bisect      bool      `json:"bisect,omitempty"`
	Partial     bool      `json:"partial,omitempty"` // the function reports items that failed
	OnFailure   string    `json:"onFailure,omitempty"`
	Tumbling    int32     `json:"tumbling,omitempty"` // seconds
	Filters     []string  `json:"filters,omitempty"`
	Concurrency *int32    `json:"concurrency,omitempty"` // of a queue
	KMSKey      string    `json:"kmsKey,omitempty"`
	EventCount  bool      `json:"eventCount,omitempty"` // CloudWatch is told how many events came how far

	Tags map[string]string `json:"tags,omitempty"`
}

func (d *mappingDoc) scope() scope.Scope { return scope.Scope{Account: d.Account, Region: d.Region} }

func (d *mappingDoc) arn() string { return d.scope().ARN("lambda", "event-source-mapping:"+d.ID) }

// stream is the ARN of the stream, also where the source is a consumer of it.
func (d *mappingDoc) stream() string {
	s, _, _ := strings.Cut(d.Source, "/consumer/")
	return s
}

// describeMapping is a mapping as the API has it.
func (s *Service) describeMapping(d *mappingDoc, state string) *types.EventSourceMappingConfiguration {
	fn := functionARN(d.scope(), d.Name, d.Qualifier)
	out := &types.EventSourceMappingConfiguration{
		UUID: &d.ID, EventSourceMappingArn: aws.String(d.arn()), EventSourceArn: &d.Source, FunctionArn: &fn, BatchSize: &d.Batch,
		MaximumBatchingWindowInSeconds: &d.Window, LastModified: aws.Time(d.Modified), State: &state, StateTransitionReason: aws.String("User action"),
		KMSKeyArn: optional(d.KMSKey), FunctionResponseTypes: []types.FunctionResponseType{},
	}
	if d.Partial {
		out.FunctionResponseTypes = append(out.FunctionResponseTypes, types.FunctionResponseTypeReportBatchItemFailures)
	}
	if d.EventCount {
		out.MetricsConfig = &types.EventSourceMappingMetricsConfig{Metrics: []types.EventSourceMappingMetric{types.EventSourceMappingMetricEventCount}}
	}
	if len(d.Filters) > 0 {
		out.FilterCriteria = new(types.FilterCriteria)
		for _, f := range d.Filters {
			out.FilterCriteria.Filters = append(out.FilterCriteria.Filters, types.Filter{Pattern: aws.String(f)})
		}
	}
	if d.Kind == kindSQS {
		out.StateTransitionReason = aws.String("USER_INITIATED")
		if d.Concurrency != nil {
			out.ScalingConfig = &types.ScalingConfig{MaximumConcurrency: d.Concurrency}
		}
		return out
	}
	out.StartingPosition = types.EventSourcePosition(d.Start)
	if !d.StartTime.IsZero() {
		out.StartingPositionTimestamp = aws.Time(d.StartTime)
	}
	out.ParallelizationFactor, out.MaximumRetryAttempts, out.MaximumRecordAgeInSeconds = &d.Parallel, &d.Retries, &d.MaxAge
	out.BisectBatchOnFunctionError, out.TumblingWindowInSeconds = &d.Bisect, &d.Tumbling
	out.DestinationConfig = &types.DestinationConfig{OnFailure: &types.OnFailure{Destination: optional(d.OnFailure)}}
	out.LastProcessingResult = aws.String(s.lastResult(d.ID))
	return out
}

// mappingState is how a mapping is, when nobody changes it.
func (d *mappingDoc) state() string {
	if d.Enabled {
		return "Enabled"
	}
	return "Disabled"
}

// mappingSettings are what CreateEventSourceMapping and UpdateEventSourceMapping set alike.
type mappingSettings struct {
	batch, window, parallel, retries, age, tumbling *int32
	bisect                                          *bool
	responses                                       []types.FunctionResponseType
	destination                                     *types.DestinationConfig
	filters                                         *types.FilterCriteria
	scaling                                         *types.ScalingConfig
	kms                                             *string
	metrics                                         *types.EventSourceMappingMetricsConfig
}

func (s *Service) configureMapping(d *mappingDoc, in mappingSettings) error {
	n := *d
	set := func(to, from *int32, name string, least, most int32) error {
		if from == nil {
			return nil
		}
		if *from < least || *from > most {
			return invalid("%s must be between %d and %d, not %d", name, least, most, *from)
		}
		*to = *from
		return nil
	}
	most := int32(10000)
	if err := set(&n.Batch, in.batch, "BatchSize", 1, most); err != nil {
		return err
	}
	if err := set(&n.Window, in.window, "MaximumBatchingWindowInSeconds", 0, 300); err != nil {
		return err
	}
	if in.metrics != nil {
		n.EventCount = false
		for _, m := range in.metrics.Metrics {
			if m != types.EventSourceMappingMetricEventCount {
				return invalid("The metric %s is not supported for the event source: it is for sources of Kafka.", m)
			}
			n.EventCount = true
		}
	}
	streams := d.Kind != kindSQS
	if !streams {
		for name, given := range map[string]bool{
			"ParallelizationFactor": in.parallel != nil, "MaximumRetryAttempts": in.retries != nil, "MaximumRecordAgeInSeconds": in.age != nil,
			"TumblingWindowInSeconds": aws.ToInt32(in.tumbling) != 0, "BisectBatchOnFunctionError": aws.ToBool(in.bisect),
			"DestinationConfig": in.destination != nil && in.destination.OnFailure != nil && aws.ToString(in.destination.OnFailure.Destination) != "",
		} {
			if given {
				return invalid("Unsupported %s parameter for given event source mapping type.", name)
			}
		}
		if strings.HasSuffix(n.Source, ".fifo") && (n.Batch > 10 || n.Window > 0) {
			return invalid("A FIFO queue has batches of at most 10 messages, and no batching window")
		}
		if n.Batch > 10 && n.Window == 0 {
			return invalid("Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10")
		}
	} else {
		if in.scaling != nil && in.scaling.MaximumConcurrency != nil {
			return invalid("Unsupported ScalingConfig parameter for given event source mapping type.")
		}
		if err := set(&n.Parallel, in.parallel, "ParallelizationFactor", 1, 10); err != nil {
			return err
		}
		if err := set(&n.Retries, in.retries, "MaximumRetryAttempts", -1, 10000); err != nil {
			return err
		}
		if in.age != nil && *in.age != -1 && *in.age < 60 {
			return invalid("MaximumRecordAgeInSeconds must be -1, or between 60 and 604800")
		}
		if err := set(&n.MaxAge, in.age, "MaximumRecordAgeInSeconds", -1, 604800); err != nil {
			return err
		}
		if err := set(&n.Tumbling, in.tumbling, "TumblingWindowInSeconds", 0, 900); err != nil {
			return err
		}
		if in.bisect != nil {
			n.Bisect = *in.bisect
		}
		if in.destination != nil {
			if in.destination.OnSuccess != nil && aws.ToString(in.destination.OnSuccess.Destination) != "" {
				return invalid("Unsupported destination: an event source mapping has none for successes")
			}
			to := ""
			if in.destination.OnFailure != nil {
				to = aws.ToString(in.destination.OnFailure.Destination)
			}
			if a, ok := arn.Parse(to); ok && (a.Service == "lambda" || a.Service == "events") {
				return badDestination(nil, &to)
			}
			if err := s.checkDestination(to, true); errors.Is(err, errNoDestination) {
				return badDestination(nil, &to)
			} else if err != nil {
				return err
			}
			n.OnFailure = to
		}
		if n.Tumbling > 0 && n.Parallel > 1 {
			return invalid("Tumbling windows and a parallelization factor cannot be used together")
		}
	}
	if in.scaling != nil {
		if c := in.scaling.MaximumConcurrency; c != nil && (*c < 2 || *c > 1000) {
			return invalid("MaximumConcurrency must be between 2 and 1000")
		}
		n.Concurrency = in.scaling.MaximumConcurrency
	}
	if in.responses != nil {
		n.Partial = slices.Contains(in.responses, types.FunctionResponseTypeReportBatchItemFailures)
	}
	if in.filters != nil {
		n.Filters = nil
		if len(in.filters.Filters) > 10 {
			return invalid("A mapping has at most 10 filters")
		}
		for _, f := range in.filters.Filters {
			text := aws.ToString(f.Pattern)
			if _, err := eventpattern.Parse(text); err != nil || len(text) > 4096 {
				return invalid("Invalid filter pattern definition. %s", strings.TrimPrefix(errText(err), eventpattern.ErrSyntax.Error()+": "))
			}
			n.Filters = append(n.Filters, text)
		}
	}
	if in.kms != nil {
		n.KMSKey = *in.kms
	}
	*d = n
	return nil
}

func errText(err error) string {
	if err == nil {
		return "It is longer than 4096 characters"
	}
	return err.Error()
}

// CreateEventSourceMapping lets a function be called with the records of a stream or the
// messages of a queue.
func (s *Service) CreateEventSourceMapping(ctx context.Context, in *lambda.CreateEventSourceMappingInput, _ ...func(*lambda.Options)) (*lambda.CreateEventSourceMappingOutput, error) {
	f, t, err := s.find(ctx, in.FunctionName, nil)
	if err != nil && !isNotFound(err) {
		return nil, err
	}
	for what, given := range map[string]bool{
		"Kafka sources are":         in.AmazonManagedKafkaEventSourceConfig != nil || in.SelfManagedEventSource != nil || in.SelfManagedKafkaEventSourceConfig != nil || len(in.Topics) > 0,
		"DocumentDB sources are":    in.DocumentDBEventSourceConfig != nil,
		"Amazon MQ sources are":     len(in.Queues) > 0,
		"Access configurations are": len(in.SourceAccessConfigurations) > 0,
		"Provisioned pollers are":   in.ProvisionedPollerConfig != nil,
	} {
		if given {
			return nil, refused(what)
		}
	}
	switch {
	case aws.ToString(in.EventSourceArn) == "":
		return nil, invalid("Unrecognized event source.")
	case err != nil:
		return nil, errNoMappedFunction
	}
	if err := checkTags(in.Tags); err != nil {
		return nil, err
	}
	now := s.clock.Now().UTC()
	d := &mappingDoc{
		Account: t.Account, Region: t.Region, ID: newID(), Name: t.name, Qualifier: t.qualifier, Source: aws.ToString(in.EventSourceArn), Created: now, Modified: now,
		Enabled: in.Enabled == nil || *in.Enabled, Batch: 100, Parallel: 1, Retries: -1, MaxAge: -1, Tags: in.Tags, Start: string(in.StartingPosition),
	}
	if d.Kind, err = s.sourceKind(ctx, d); err != nil {
		return nil, err
	}
	if d.Kind == kindSQS {
		if err := s.checkVisibility(ctx, d, f); err != nil {
			return nil, err
		}
		d.Batch, d.Parallel = 10, 0
		if d.Start != "" {
			return nil, invalid("StartingPosition is not valid for SQS event sources.")
		}
	} else {
		switch in.StartingPosition {
		case "":
			return nil, invalid("1 validation error detected: Value null at 'startingPosition' failed to satisfy constraint: Member must not be null.")
		case types.EventSourcePositionAtTimestamp:
			if d.Kind != kindKinesis {
				return nil, invalid("Unsupported starting position for arn type: %s", d.Source)
			}
			if in.StartingPositionTimestamp == nil {
				return nil, invalid("StartingPositionTimestamp must be provided when StartingPosition is AT_TIMESTAMP")
			}
			if in.StartingPositionTimestamp.Unix() < 0 {
				return nil, invalid("Received Exception while reading from provided stream. class java.lang.Long can not be converted to a Timestamp")
			}
			d.StartTime = in.StartingPositionTimestamp.UTC()
		default:
			if in.StartingPositionTimestamp != nil {
				return nil, invalid("Timestamp only valid with StartingPosition AT_TIMESTAMP")
			}
		}
	}
	err = s.configureMapping(d, mappingSettings{
		batch: in.BatchSize, window: in.MaximumBatchingWindowInSeconds, parallel: in.ParallelizationFactor, retries: in.MaximumRetryAttempts,
		age: in.MaximumRecordAgeInSeconds, tumbling: in.TumblingWindowInSeconds, bisect: in.BisectBatchOnFunctionError, responses: in.FunctionResponseTypes,
		destination: in.DestinationConfig, filters: in.FilterCriteria, scaling: in.ScalingConfig, kms: in.KMSKeyArn, metrics: in.MetricsConfig,
	})
	if err != nil {
		return nil, err
	}
	if err := s.createMapping(ctx, d); err != nil {
		return nil, err
	}
	c := s.describeMapping(d, "Creating")
	return &lambda.CreateEventSourceMappingOutput{
		UUID: c.UUID, EventSourceMappingArn: c.EventSourceMappingArn, EventSourceArn: c.EventSourceArn, FunctionArn: c.FunctionArn, BatchSize: c.BatchSize,
		MaximumBatchingWindowInSeconds: c.MaximumBatchingWindowInSeconds, LastModified: c.LastModified, State: c.State, StateTransitionReason: c.StateTransitionReason,
		FunctionResponseTypes: c.FunctionResponseTypes, FilterCriteria: c.FilterCriteria, ScalingConfig: c.ScalingConfig, StartingPosition: c.StartingPosition,
		StartingPositionTimestamp: c.StartingPositionTimestamp, ParallelizationFactor: c.ParallelizationFactor, MaximumRetryAttempts: c.MaximumRetryAttempts,
		MaximumRecordAgeInSeconds: c.MaximumRecordAgeInSeconds, BisectBatchOnFunctionError: c.BisectBatchOnFunctionError, TumblingWindowInSeconds: c.TumblingWindowInSeconds,
		DestinationConfig: c.DestinationConfig, LastProcessingResult: c.LastProcessingResult, KMSKeyArn: c.KMSKeyArn, MetricsConfig: c.MetricsConfig,
	}, nil
}

func (d *mappingDoc) key() []string { return d.scope().Key(d.ID) }

// UpdateEventSourceMapping changes a mapping. What runs goes on with the new settings.
func (s *Service) UpdateEventSourceMapping(ctx context.Context, in *lambda.UpdateEventSourceMappingInput, _ ...func(*lambda.Options)) (*lambda.UpdateEventSourceMappingOutput, error) {
	sc := scope.Of(ctx)
	var t target
	var claimed *mappingDoc // as it is to be, where it gets another function
	if in.FunctionName != nil {
		f, to, err := s.find(ctx, in.FunctionName, nil)
		if isNotFound(err) {
			err = errNoMappedFunction
		}
		if err != nil {
			return nil, err
		}
		was, err := s.mappings.Get(sc.Key(aws.ToString(in.UUID))...)
		if err != nil {
			return nil, err
		}
		t = to
		if d := *was; d.Name != t.name || d.Qualifier != t.qualifier { // clients name the function that it has, too
			d.Name, d.Qualifier = t.name, t.qualifier
			if d.Kind == kindSQS {
				if err := s.checkVisibility(ctx, &d, f); err != nil {
					return nil, err
				}
			}
			claimed = &d
		}
	}
	state := "Updating"
	var was mappingDoc
	modify := func(d *mappingDoc) error {
		was = *d
		if in.FunctionName != nil {
			d.Name, d.Qualifier = t.name, t.qualifier
		}
		if in.Enabled != nil {
			switch {
			case *in.Enabled && !d.Enabled:
				state = "Enabling"
			case !*in.Enabled && d.Enabled:
				state = "Disabling"
			}
			d.Enabled = *in.Enabled
		}
		d.Modified = s.clock.Now().UTC()
		return s.configureMapping(d, mappingSettings{
			batch: in.BatchSize, window: in.MaximumBatchingWindowInSeconds, parallel: in.ParallelizationFactor, retries: in.MaximumRetryAttempts,
			age: in.MaximumRecordAgeInSeconds, tumbling: in.TumblingWindowInSeconds, bisect: in.BisectBatchOnFunctionError, responses: in.FunctionResponseTypes,
			destination: in.DestinationConfig, filters: in.FilterCriteria, scaling: in.ScalingConfig, kms: in.KMSKeyArn, metrics: in.MetricsConfig,
		})
	}
	d, err := s.changeMapping(ctx, sc.Key(aws.ToString(in.UUID)), claimed, &was, modify)
	if err != nil {
		return nil, err
	}
	c := s.describeMapping(d, state)
	return &lambda.UpdateEventSourceMappingOutput{
		UUID: c.UUID, EventSourceMappingArn: c.EventSourceMappingArn, EventSourceArn: c.EventSourceArn, FunctionArn: c.FunctionArn, BatchSize: c.BatchSize,
		MaximumBatchingWindowInSeconds: c.MaximumBatchingWindowInSeconds, LastModified: c.LastModified, State: c.State, StateTransitionReason: c.StateTransitionReason,
		FunctionResponseTypes: c.FunctionResponseTypes, FilterCriteria: c.FilterCriteria, ScalingConfig: c.ScalingConfig, StartingPosition: c.StartingPosition,
		StartingPositionTimestamp: c.StartingPositionTimestamp, ParallelizationFactor: c.ParallelizationFactor, MaximumRetryAttempts: c.MaximumRetryAttempts,
		MaximumRecordAgeInSeconds: c.MaximumRecordAgeInSeconds, BisectBatchOnFunctionError: c.BisectBatchOnFunctionError, TumblingWindowInSeconds: c.TumblingWindowInSeconds,
		DestinationConfig: c.DestinationConfig, LastProcessingResult: c.LastProcessingResult, KMSKeyArn: c.KMSKeyArn, MetricsConfig: c.MetricsConfig,
	}, nil
}

// GetEventSourceMapping describes a mapping.
func (s *Service) GetEventSourceMapping(ctx context.Context, in *lambda.GetEventSourceMappingInput, _ ...func(*lambda.Options)) (*lambda.GetEventSourceMappingOutput, error) {
	d, err := s.mappings.Get(scope.Of(ctx).Key(aws.ToString(in.UUID))...)
	if err != nil {
		return nil, err
	}
	c := s.describeMapping(d, d.state())
	return &lambda.GetEventSourceMappingOutput{
		UUID: c.UUID, EventSourceMappingArn: c.EventSourceMappingArn, EventSourceArn: c.EventSourceArn, FunctionArn: c.FunctionArn, BatchSize: c.BatchSize,
		MaximumBatchingWindowInSeconds: c.MaximumBatchingWindowInSeconds, LastModified: c.LastModified, State: c.State, StateTransitionReason: c.StateTransitionReason,
		FunctionResponseTypes: c.FunctionResponseTypes, FilterCriteria: c.FilterCriteria, ScalingConfig: c.ScalingConfig, StartingPosition: c.StartingPosition,
		StartingPositionTimestamp: c.StartingPositionTimestamp, ParallelizationFactor: c.ParallelizationFactor, MaximumRetryAttempts: c.MaximumRetryAttempts,
		MaximumRecordAgeInSeconds: c.MaximumRecordAgeInSeconds, BisectBatchOnFunctionError: c.BisectBatchOnFunctionError, TumblingWindowInSeconds: c.TumblingWindowInSeconds,
		DestinationConfig: c.DestinationConfig, LastProcessingResult: c.LastProcessingResult, KMSKeyArn: c.KMSKeyArn, MetricsConfig: c.MetricsConfig,
	}, nil
}

// ListEventSourceMappings lists mappings, of a function or of a source.
func (s *Service) ListEventSourceMappings(ctx context.Context, in *lambda.ListEventSourceMappingsInput, _ ...func(*lambda.Options)) (*lambda.ListEventSourceMappingsOutput, error) {
	sc := scope.Of(ctx)
	var t target
	if in.FunctionName != nil {
		var err error
		if _, t, err = s.find(ctx, in.FunctionName, nil); err != nil {
			return nil, err
		}
	}
	docs, err := s.mappings.All(sc.Account, sc.Region)
	if err != nil {
		return nil, err
	}
	docs = slices.DeleteFunc(docs, func(d *mappingDoc) bool {
		return in.EventSourceArn != nil && d.Source != *in.EventSourceArn || in.FunctionName != nil && (d.Name != t.name || d.Qualifier != t.qualifier)
	})
	docs, next, err := page.Of(docs, func(d *mappingDoc) string { return d.ID }, page.Request{Token: in.Marker, Max: in.MaxItems, Limit: 100})
	if err != nil {
		return nil, badMarker()
	}
	out := &lambda.ListEventSourceMappingsOutput{NextMarker: next, EventSourceMappings: []types.EventSourceMappingConfiguration{}}
	for _, d := range docs {
		out.EventSourceMappings = append(out.EventSourceMappings, *s.describeMapping(d, d.state()))
	}
	return out, nil
}

// DeleteEventSourceMapping removes a mapping. An invocation that is under way ends by itself.
func (s *Service) DeleteEventSourceMapping(ctx context.Context, in *lambda.DeleteEventSourceMappingInput, _ ...func(*lambda.Options)) (*lambda.DeleteEventSourceMappingOutput, error) {
	key := scope.Of(ctx).Key(aws.ToString(in.UUID))
	d, err := s.mappings.Get(key...)
	if err != nil {
		return nil, err
	}
	if err := s.mappings.Delete(ctx, key...); err != nil {
		return nil, err
	}
	if err := s.positions.DeleteAll(ctx, key...); err != nil {
		return nil, err
	}
	if err := s.release(ctx, d); err != nil {
		return nil, err
	}
	c := s.describeMapping(d, "Deleting")
	return &lambda.DeleteEventSourceMappingOutput{
		UUID: c.UUID, EventSourceMappingArn: c.EventSourceMappingArn, EventSourceArn: c.EventSourceArn, FunctionArn: c.FunctionArn, BatchSize: c.BatchSize,
		MaximumBatchingWindowInSeconds: c.MaximumBatchingWindowInSeconds, LastModified: c.LastModified, State: c.State, StateTransitionReason: c.StateTransitionReason,
		FunctionResponseTypes: c.FunctionResponseTypes, FilterCriteria: c.FilterCriteria, ScalingConfig: c.ScalingConfig, StartingPosition: c.StartingPosition,
		StartingPositionTimestamp: c.StartingPositionTimestamp, ParallelizationFactor: c.ParallelizationFactor, MaximumRetryAttempts: c.MaximumRetryAttempts,
		MaximumRecordAgeInSeconds: c.MaximumRecordAgeInSeconds, BisectBatchOnFunctionError: c.BisectBatchOnFunctionError, TumblingWindowInSeconds: c.TumblingWindowInSeconds,
		DestinationConfig: c.DestinationConfig, LastProcessingResult: c.LastProcessingResult, KMSKeyArn: c.KMSKeyArn, MetricsConfig: c.MetricsConfig,
	}, nil
}
