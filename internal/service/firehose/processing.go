package firehose

import (
	"encoding/base64"
	"regexp"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/firehose/types"
)

// processingConfig is what becomes of records before they are delivered. The order of its
// processors does not matter: each type has its place in the pipeline.
type processingConfig struct {
	Enabled    bool              `json:"enabled"`
	Processors []processorConfig `json:"processors,omitempty"`
}

type processorConfig struct {
	Type       string        `json:"type"`
	Parameters []paramConfig `json:"parameters,omitempty"`
}

type paramConfig struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

func newProcessing(p *types.ProcessingConfiguration) *processingConfig {
	c := &processingConfig{Enabled: aws.ToBool(p.Enabled)}
	for _, q := range p.Processors {
		pc := processorConfig{Type: string(q.Type)}
		for _, a := range q.Parameters {
			pc.Parameters = append(pc.Parameters, paramConfig{string(a.ParameterName), aws.ToString(a.ParameterValue)})
		}
		c.Processors = append(c.Processors, pc)
	}
	return c
}

// find is the first processor of the type if processing is enabled, or nil.
func (c *processingConfig) find(t types.ProcessorType) *processorConfig {
	if c == nil || !c.Enabled {
		return nil
	}
	for i := range c.Processors {
		if c.Processors[i].Type == string(t) {
			return &c.Processors[i]
		}
	}
	return nil
}

func (p *processorConfig) param(name types.ProcessorParameterName) string {
	for _, q := range p.Parameters {
		if q.Name == string(name) {
			return q.Value
		}
	}
	return ""
}

// number is a parameter that validate has checked.
func (p *processorConfig) number(name types.ProcessorParameterName, def float64) float64 {
	if v, err := strconv.ParseFloat(p.param(name), 64); err == nil {
		return v
	}
	return def
}

// describe shows the processors; a function with the parameters that AWS fills in, in the
// order that AWS puts them.
func (c *processingConfig) describe(role string) *types.ProcessingConfiguration {
	out := &types.ProcessingConfiguration{Enabled: aws.Bool(false), Processors: []types.Processor{}}
	if c == nil {
		return out
	}
	out.Enabled = aws.Bool(c.Enabled)
	for i := range c.Processors {
		p := &c.Processors[i]
		t := types.Processor{Type: types.ProcessorType(p.Type), Parameters: []types.ProcessorParameter{}}
		add := func(name types.ProcessorParameterName, value string) {
			t.Parameters = append(t.Parameters, types.ProcessorParameter{ParameterName: name, ParameterValue: &value})
		}
		shown := make(map[string]bool)
		if t.Type == types.ProcessorTypeLambda {
			for _, a := range []struct {
				name  types.ProcessorParameterName
				value string
			}{
				{types.ProcessorParameterNameLambdaArn, ""}, {types.ProcessorParameterNameLambdaNumberOfRetries, "3"}, {types.ProcessorParameterNameRoleArn, role},
				{types.ProcessorParameterNameBufferSizeInMb, "1"}, {types.ProcessorParameterNameBufferIntervalInSeconds, "60"},
			} {
				value := p.param(a.name)
				if value == "" {
					value = a.value
				}
				if value != "" {
					add(a.name, value)
				}
				shown[string(a.name)] = true
			}
		}
		for _, a := range p.Parameters {
			if !shown[a.Name] {
				add(types.ProcessorParameterName(a.Name), a.Value)
			}
		}
		out.Processors = append(out.Processors, t)
	}
	return out
}

// maxProcessors is the most that a delivery stream has.
const maxProcessors = 5

func (c *processingConfig) validate() error {
	if c == nil || !c.Enabled {
		return nil
	}
	if n := len(c.Processors); n < 1 || n > maxProcessors {
		return invalid("A maximum of %d and a minimum of 1 processor needs to be supplied when processing is enabled.", maxProcessors)
	}
	seen := make(map[string]bool)
	for i := range c.Processors {
		p := &c.Processors[i]
		names := make(map[string]bool)
		for _, a := range p.Parameters {
			if names[a.Name] {
				return invalid("Duplicate ProcessorParameter passed to ProcessingConfiguration.")
			}
			names[a.Name] = true
		}
		if seen[p.Type] {
			return invalid("Cannot have more than 1 %s processor.", p.Type)
		}
		seen[p.Type] = true
		if err := p.validate(); err != nil {
			return err
		}
	}
	if c.find(types.ProcessorTypeCloudWatchLogProcessing) != nil && c.find(types.ProcessorTypeDecompression) == nil {
		return invalid("CloudWatchLogProcessingProcessor can only be enabled with DecompressionProcessor")
	}
	return nil
}

func (p *processorConfig) validate() error {
	switch types.ProcessorType(p.Type) {
	case types.ProcessorTypeMetadataExtraction:
		if p.param(types.ProcessorParameterNameJsonParsingEngine) != "JQ-1.6" {
			return invalid("MetaDataExtraction JSON Parsing Engine has to be one of JQ-1.6")
		}
		if p.param(types.ProcessorParameterNameMetadataExtractionQuery) == "" {
			return invalid("MetadataExtractionQuery parameter is required for the MetadataExtraction processor")
		}
	case types.ProcessorTypeRecordDeAggregation:
		switch p.param(types.ProcessorParameterNameSubRecordType) {
		case "JSON":
		case "DELIMITED":
			at := p.param(types.ProcessorParameterNameDelimiter)
			if at == "" {
				return invalid("Delimiter should be present for DELIMITED")
			}
			if b, err := base64.StdEncoding.DecodeString(at); err != nil || len(b) == 0 {
				return invalid("Delimiter should be base64 encoded for DELIMITED")
			}
		default:
			return invalid("SubRecordType has to be one of JSON, DELIMITED")
		}
	case types.ProcessorTypeAppendDelimiterToRecord:
	case types.ProcessorTypeDecompression:
		if f := p.param(types.ProcessorParameterNameCompressionFormat); f != "" && f != "GZIP" {
			return invalid("CompressionFormat has to be GZIP")
		}
	case types.ProcessorTypeCloudWatchLogProcessing:
		if v := p.param(types.ProcessorParameterNameDataMessageExtraction); !strings.EqualFold(v, "true") && !strings.EqualFold(v, "false") {
			return invalid("Invalid parameter value for DataMessageExtraction. Allowed values are True and False.")
		}
	case types.ProcessorTypeLambda:
		return p.validateLambda()
	default:
		return invalid("Processor type %s is not supported by Brookmere", p.Type)
	}
	return nil
}

// lambdaARN is the ARN of a function, with a qualifier perhaps.
var lambdaARN = regexp.MustCompile(`^arn:[\w-]+:lambda:[\w-]+:\d{12}:function:[A-Za-z0-9_-]{1,140}(:(\$LATEST|[A-Za-z0-9_-]+))?$`)

// validateLambda checks the parameters of a function, which are all strings. Whether
// there is such a function is not asked.
func (p *processorConfig) validateLambda() error {
	arn := p.param(types.ProcessorParameterNameLambdaArn)
	if arn == "" {
		return invalid("LambdaArn is required when Lambda processor is used.")
	}
	if !lambdaARN.MatchString(arn) {
		return invalid("Invalid lambda ARN.")
	}
	size, interval := p.param(types.ProcessorParameterNameBufferSizeInMb), p.param(types.ProcessorParameterNameBufferIntervalInSeconds)
	if (size == "") != (interval == "") {
		return invalid("Both BufferSizeInMBs and BufferIntervalInSeconds are required to configure buffering for lambda processor.")
	}
	for _, q := range []struct {
		what, text string
		min, max   float64
		whole      bool
	}{
		{"Number of retries for lambda", p.param(types.ProcessorParameterNameLambdaNumberOfRetries), 0, 300, true},
		{"BufferSizeInMBs for lambda processor", size, 0.2, lambdaMaxBuffer, false},
		{"BufferIntervalInSeconds for lambda processor", interval, 0, 900, true},
	} {
		if q.text == "" {
			continue
		}
		v, err := strconv.ParseFloat(q.text, 64)
		if err != nil || !(v >= q.min && v <= q.max) || q.whole && v != float64(int(v)) {
			return invalid("%s must be between %v and %v.", q.what, q.min, q.max)
		}
	}
	return nil
}
