package lambda

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/brookmere/brookmere/internal/awskit/scope"
)

const latest = "$LATEST"

// functionDoc is a function, whatever its versions.
type functionDoc struct {
	Account string    `json:"account"`
	Region  string    `json:"region"`
	Name    string    `json:"name"`
	Created time.Time `json:"created"`

	Latest   config            `json:"latest"`
	Versions int64             `json:"versions"` // the number of the last one published
	Aliases  map[string]*alias `json:"aliases,omitempty"`
	Tags     map[string]string `json:"tags,omitempty"`
	Reserved *int32            `json:"reserved,omitempty"`

	// By qualifier; "" is the function itself.
	Policies    map[string]*policyDoc   `json:"policies,omitempty"`
	URLs        map[string]*urlDoc      `json:"urls,omitempty"`
	Invocation  map[string]*invokeDoc   `json:"invocation,omitempty"` // by qualifier, $LATEST for the function itself
	Provisioned map[string]*provisioned `json:"provisioned,omitempty"`
	Updates     map[string]*updatesDoc  `json:"updates,omitempty"`
	Recursion   string                  `json:"recursion,omitempty"`
}

// config is what one version runs with.
type config struct {
	Version     string            `json:"version"`
	Build       string            `json:"build"` // changes with all that an instance depends on
	Revision    string            `json:"revision"`
	Modified    time.Time         `json:"modified"`
	Description string            `json:"description,omitempty"`
	Role        string            `json:"role"`
	Runtime     string            `json:"runtime"`
	Handler     string            `json:"handler"`
	Timeout     int32             `json:"timeout"`      // seconds
	Memory      int32             `json:"memory"`       // MB
	Storage     int32             `json:"storage"`      // MB
	Env         map[string]string `json:"env,omitzero"` // nil: none were ever given
	Layers      []layerRef        `json:"layers,omitempty"`

	Code     string `json:"code"` // digest of the package
	CodeSize int64  `json:"codeSize"`
	Unzipped int64  `json:"unzipped"`

	DeadLetter    string               `json:"deadLetter,omitempty"`
	Tracing       string               `json:"tracing,omitempty"`
	KMSKey        string               `json:"kmsKey,omitempty"`
	Architectures []string             `json:"architectures,omitempty"`
	SnapStart     string               `json:"snapStart,omitempty"`
	Logging       *types.LoggingConfig `json:"logging,omitempty"`
	VPC           *vpcDoc              `json:"vpc,omitempty"`
}

type vpcDoc struct {
	Subnets []string `json:"subnets,omitempty"`
	Groups  []string `json:"groups,omitempty"`
	IPv6    bool     `json:"ipv6,omitempty"`
}

type layerRef struct {
	ARN    string `json:"arn"`
	Digest string `json:"digest"`
	Size   int64  `json:"size"`
}

type versionDoc struct {
	Account string `json:"account"`
	Region  string `json:"region"`
	Name    string `json:"name"`
	Config  config `json:"config"`
}

type alias struct {
	Version     string             `json:"version"`
	Description string             `json:"description,omitempty"`
	Weights     map[string]float64 `json:"weights,omitempty"` // of other versions
	Revision    string             `json:"revision"`
}

type policyDoc struct {
	Revision   string      `json:"revision"`
	Statements []statement `json:"statements"`
}

type statement struct {
	ID   string          `json:"id"`
	Text json.RawMessage `json:"text"`
}

type urlDoc struct {
	ID       string      `json:"id"`
	Auth     string      `json:"auth"`
	Mode     string      `json:"mode"`
	CORS     *types.Cors `json:"cors,omitempty"`
	Created  time.Time   `json:"created"`
	Modified time.Time   `json:"modified"`
}

type invokeDoc struct {
	MaxAge    *int32    `json:"maxAge,omitempty"` // seconds
	Retries   *int32    `json:"retries,omitempty"`
	OnSuccess string    `json:"onSuccess,omitempty"`
	OnFailure string    `json:"onFailure,omitempty"`
	Modified  time.Time `json:"modified"`
}

type provisioned struct {
	Requested int32     `json:"requested"`
	Modified  time.Time `json:"modified"`
}

type updatesDoc struct {
	On      string `json:"on"`
	Version string `json:"version,omitempty"`
}

func (d *functionDoc) scope() scope.Scope { return scope.Scope{Account: d.Account, Region: d.Region} }

// arn is the function's name; with a qualifier, of a version or an alias.
func (d *functionDoc) arn(qualifier string) string { return functionARN(d.scope(), d.Name, qualifier) }

func functionARN(s scope.Scope, name, qualifier string) string {
	a := s.ARN("lambda", "function:"+name)
	if qualifier != "" {
		a += ":" + qualifier
	}
	return a
}

// modifiedForm is that of LastModified.
const modifiedForm = "2006-01-02T15:04:05.000-0700"

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// describe is a version as the API has it. qualified: with the version in its ARN.
func (s *Service) describe(d *functionDoc, c *config, qualified bool) *types.FunctionConfiguration {
	arn := d.arn("")
	if qualified || c.Version != latest {
		arn = d.arn(c.Version)
	}
	digest, _ := hex.DecodeString(c.Code) // the engine's
	out := &types.FunctionConfiguration{
		FunctionName: &d.Name, FunctionArn: &arn, Runtime: types.Runtime(c.Runtime), Role: &c.Role, Handler: &c.Handler,
		CodeSize: c.CodeSize, CodeSha256: aws.String(base64.StdEncoding.EncodeToString(digest)), Description: aws.String(c.Description),
		Timeout: &c.Timeout, MemorySize: &c.Memory, LastModified: aws.String(c.Modified.UTC().Format(modifiedForm)), Version: &c.Version,
		RevisionId: &c.Revision, PackageType: types.PackageTypeZip, KMSKeyArn: optional(c.KMSKey),
		TracingConfig:    &types.TracingConfigResponse{Mode: types.TracingMode(c.Tracing)},
		EphemeralStorage: &types.EphemeralStorage{Size: &c.Storage},
		SnapStart:        &types.SnapStartResponse{ApplyOn: types.SnapStartApplyOn(c.SnapStart), OptimizationStatus: types.SnapStartOptimizationStatusOff},
		LoggingConfig:    c.logging(d.Name),
		State:            types.StateActive, LastUpdateStatus: types.LastUpdateStatusSuccessful,
	}
	for _, a := range c.Architectures {
		out.Architectures = append(out.Architectures, types.Architecture(a))
	}
	if c.Env != nil {
		out.Environment = &types.EnvironmentResponse{Variables: c.Env}
	}
	for _, l := range c.Layers {
		out.Layers = append(out.Layers, types.Layer{Arn: aws.String(l.ARN), CodeSize: l.Size})
	}
	if c.DeadLetter != "" {
		out.DeadLetterConfig = &types.DeadLetterConfig{TargetArn: &c.DeadLetter}
	}
	if v := c.VPC; v != nil {
		out.VpcConfig = &types.VpcConfigResponse{SubnetIds: v.Subnets, SecurityGroupIds: v.Groups, VpcId: aws.String(""), Ipv6AllowedForDualStack: &v.IPv6}
	}
	switch s.stateOf(d, c) {
	case pending:
		out.State, out.StateReason, out.StateReasonCode = types.StatePending, aws.String("The function is being created."), types.StateReasonCodeCreating
		out.LastUpdateStatus = ""
	case updating:
		out.LastUpdateStatus = types.LastUpdateStatusInProgress
		out.LastUpdateStatusReason, out.LastUpdateStatusReasonCode = aws.String("The function is being created."), "Creating"
	}
	return out
}

type functionState int

const (
	active functionState = iota
	pending
	updating
)

// stateOf is where a function is in its life: by the time that creations and updates are
// configured to take.
func (s *Service) stateOf(d *functionDoc, c *config) functionState {
	now := s.clock.Now()
	switch {
	case s.cfg.ControlDelay <= 0 || c.Version != latest:
		return active
	case now.Before(d.Created.Add(s.cfg.ControlDelay)):
		return pending
	case now.Before(c.Modified.Add(s.cfg.ControlDelay)):
		return updating
	}
	return active
}

func (c *config) logging(name string) *types.LoggingConfig {
	l := types.LoggingConfig{LogFormat: types.LogFormatText}
	if c.Logging != nil {
		l = *c.Logging
	}
	if l.LogGroup == nil {
		l.LogGroup = aws.String("/aws/lambda/" + name)
	}
	if l.LogFormat == "" {
		l.LogFormat = types.LogFormatText
	}
	return &l
}

// versionKey orders versions by number.
func versionKey(version string) string {
	n, _ := strconv.ParseInt(version, 10, 64)
	return strconv.FormatInt(1e18+n, 10)
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
