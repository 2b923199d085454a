package lambda

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"

	"github.com/brookmere/brookmere/internal/awskit/page"
	"github.com/brookmere/brookmere/internal/awskit/scope"
	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/function"
	"github.com/brookmere/brookmere/internal/engine/state"
)

// Limits of functions.
const (
	maxZip     = 50 << 20 // of a package in a request
	maxEnv     = 4 << 10  // of all variables, as JSON
	maxLayers  = 5
	maxTimeout = 900
	minMemory  = 128
	maxMemory  = 10240
	minStorage = 512
	maxStorage = 10240
)

// CreateFunction makes a function from a zip package, inline or in S3.
func (s *Service) CreateFunction(ctx context.Context, in *lambda.CreateFunctionInput, _ ...func(*lambda.Options)) (*lambda.CreateFunctionOutput, error) {
	t, err := parse(ctx, in.FunctionName, nil)
	if owner := ownerOf(aws.ToString(in.FunctionName)); owner != "" && owner != t.Account && isNotFound(err) {
		return nil, &smithy.GenericAPIError{Code: "AccessDeniedException", Fault: smithy.FaultClient}
	}
	if err != nil {
		return nil, err
	}
	if t.qualifier != "" {
		return nil, invalid("Invalid function name: %s", aws.ToString(in.FunctionName))
	}
	if err := checkTags(in.Tags); err != nil {
		return nil, err
	}
	switch {
	case in.PackageType == types.PackageTypeImage || in.ImageConfig != nil || in.Code != nil && in.Code.ImageUri != nil:
		return nil, refused("Container images are")
	case in.CodeSigningConfigArn != nil:
		return nil, refused("Code signing configurations are")
	case in.DurableConfig != nil:
		return nil, refused("Durable functions are")
	case in.CapacityProviderConfig != nil:
		return nil, refused("Capacity providers are")
	case in.TenancyConfig != nil:
		return nil, refused("Tenants are")
	case in.PublishTo != "":
		return nil, refused("PublishTo is")
	case in.Runtime == "" || aws.ToString(in.Handler) == "":
		return nil, invalid("Runtime and Handler are mandatory parameters for functions created with deployment packages.")
	case in.Code == nil:
		return nil, invalid("Please provide a source for function code.")
	}
	if _, err := s.functions.Get(t.Key(t.name)...); err == nil {
		return nil, conflict("Function already exist: %s", t.name)
	}
	now := s.clock.Now().UTC()
	d := &functionDoc{Account: t.Account, Region: t.Region, Name: t.name, Created: now, Tags: maps.Clone(in.Tags)}
	d.Latest = config{
		Version: latest, Build: newToken(8), Revision: newID(), Modified: now, Timeout: 3, Memory: minMemory, Storage: minStorage,
		Tracing: string(types.TracingModePassThrough), Architectures: []string{string(types.ArchitectureX8664)}, SnapStart: string(types.SnapStartApplyOnNone),
	}
	if err := s.checkRole(ctx, t, in.Role); err != nil {
		return nil, err
	}
	err = s.configure(t.Scope, &d.Latest, &settings{
		role: in.Role, runtime: in.Runtime, handler: in.Handler, description: in.Description, timeout: in.Timeout, memory: in.MemorySize,
		env: in.Environment, storage: in.EphemeralStorage, layers: in.Layers, layersSet: in.Layers != nil, dead: in.DeadLetterConfig, tracing: in.TracingConfig,
		kms: in.KMSKeyArn, vpc: in.VpcConfig, files: in.FileSystemConfigs, snap: in.SnapStart, logging: in.LoggingConfig,
	})
	if err != nil {
		return nil, err
	}
	if err := d.Latest.setArchitectures(in.Architectures); err != nil {
		return nil, err
	}
	s.installing.RLock()
	defer s.installing.RUnlock()
	if err := s.install(ctx, &d.Latest, source{zip: in.Code.ZipFile, bucket: in.Code.S3Bucket, key: in.Code.S3Key, version: in.Code.S3ObjectVersion}, "CreateFunction"); err != nil {
		return nil, err
	}
	if err := s.functions.Create(ctx, d, t.Key(t.name)...); err != nil {
		return nil, err
	}
	s.learn(d)
	if in.Publish {
		v, err := s.publish(ctx, t, nil, nil, nil)
		if err != nil {
			return nil, err
		}
		return created(s.describe(d, v, true)), nil
	}
	return created(s.describe(d, &d.Latest, false)), nil
}

// settings are what CreateFunction and UpdateFunctionConfiguration set alike. Nil is unset.
type settings struct {
	role, handler, description, kms *string
	runtime                         types.Runtime
	timeout, memory                 *int32
	env                             *types.Environment
	storage                         *types.EphemeralStorage
	layers                          []string
	layersSet                       bool
	dead                            *types.DeadLetterConfig
	tracing                         *types.TracingConfig
	vpc                             *types.VpcConfig
	files                           []types.FileSystemConfig
	snap                            *types.SnapStart
	logging                         *types.LoggingConfig
}

// checkRole refuses a role that Lambda may not act as: one that is not there, by its whole ARN, or that does not trust it.
func (s *Service) checkRole(ctx context.Context, t target, role *string) error {
	if role == nil || s.cfg.Assumable == nil {
		return nil
	}
	err := s.cfg.Assumable(awswire.Acting(ctx, t.Account, t.Region, "lambda.amazonaws.com", *role, t.arn()))
	var denied smithy.APIError
	if errors.As(err, &denied) {
		return invalid("The role defined for the function cannot be assumed by Lambda.")
	}
	return err
}

// configure checks settings and puts them into c, all or none of them.
func (s *Service) configure(sc scope.Scope, c *config, in *settings) error {
	n := *c
	if in.runtime != "" {
		if err := s.cfg.Engine.CheckRuntime(string(in.runtime)); err != nil {
			return invalid("The runtime parameter of %s cannot be used: %s", in.runtime, strings.TrimPrefix(err.Error(), function.ErrRuntime.Error()+": "))
		}
		n.Runtime = string(in.runtime)
	}
	set := func(to *string, from *string) {
		if from != nil {
			*to = *from
		}
	}
	set(&n.Role, in.role)
	set(&n.Handler, in.handler)
	set(&n.Description, in.description)
	set(&n.KMSKey, in.kms)
	number := func(what string, to, from *int32, least, most int32) error {
		if from == nil {
			return nil
		}
		switch {
		case *from < least:
			return violation(strconv.Itoa(int(*from)), what, fmt.Sprintf("Member must have value greater than or equal to %d", least))
		case *from > most:
			return violation(strconv.Itoa(int(*from)), what, fmt.Sprintf("Member must have value less than or equal to %d", most))
		}
		*to = *from
		return nil
	}
	if err := number("timeout", &n.Timeout, in.timeout, 1, maxTimeout); err != nil {
		return err
	}
	if err := number("memorySize", &n.Memory, in.memory, minMemory, maxMemory); err != nil {
		return err
	}
	if in.storage != nil {
		if err := number("ephemeralStorage.size", &n.Storage, in.storage.Size, minStorage, maxStorage); err != nil {
			return err
		}
	}
	if in.env != nil {
		if err := checkEnv(in.env.Variables); err != nil {
			return err
		}
		n.Env = maps.Clone(in.env.Variables)
	}
	if in.layersSet {
		layers, err := s.findLayers(sc, in.layers)
		if err != nil {
			return err
		}
		n.Layers = layers
	}
	if in.dead != nil {
		to := aws.ToString(in.dead.TargetArn)
		if err := s.checkDeadLetter(to); err != nil {
			return err
		}
		n.DeadLetter = to
	}
	if in.tracing != nil && in.tracing.Mode != "" {
		n.Tracing = string(in.tracing.Mode)
	}
	if len(in.files) > 0 {
		return refused("File systems are")
	}
	if in.snap != nil && in.snap.ApplyOn != "" {
		n.SnapStart = string(in.snap.ApplyOn)
	}
	if in.logging != nil {
		l := *in.logging
		if l.LogFormat != types.LogFormatJson && (l.ApplicationLogLevel != "" || l.SystemLogLevel != "") {
			return invalid("Log levels can be set for the log format JSON alone, not for Text")
		}
		n.Logging = &l
	}
	if in.vpc != nil {
		n.VPC = &vpcDoc{Subnets: in.vpc.SubnetIds, Groups: in.vpc.SecurityGroupIds, IPv6: aws.ToBool(in.vpc.Ipv6AllowedForDualStack)}
		if len(n.VPC.Subnets) == 0 && len(n.VPC.Groups) == 0 {
			n.VPC = nil
		}
	}
	*c = n
	return nil
}

// reservedEnv are variables that a function gets from this service alone.
var reservedEnv = map[string]bool{
	"_HANDLER": true, "_X_AMZN_TRACE_ID": true, "AWS_DEFAULT_REGION": true, "AWS_REGION": true, "AWS_EXECUTION_ENV": true, "AWS_LAMBDA_FUNCTION_NAME": true,
	"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": true, "AWS_LAMBDA_FUNCTION_VERSION": true, "AWS_LAMBDA_INITIALIZATION_TYPE": true, "AWS_LAMBDA_LOG_GROUP_NAME": true,
	"AWS_LAMBDA_LOG_STREAM_NAME": true, "AWS_ACCESS_KEY": true, "AWS_ACCESS_KEY_ID": true, "AWS_SECRET_ACCESS_KEY": true, "AWS_SESSION_TOKEN": true,
	"AWS_LAMBDA_RUNTIME_API": true, "LAMBDA_TASK_ROOT": true, "LAMBDA_RUNTIME_DIR": true,
}

func checkEnv(env map[string]string) error {
	var reserved []string
	for name, value := range env {
		if reservedEnv[name] {
			reserved = append(reserved, name)
		}
		if strings.ContainsRune(name, 0) || strings.ContainsRune(value, 0) || strings.Contains(name, "=") {
			return invalid("Environment variable %q has a character that no environment can have", name)
		}
	}
	if len(reserved) > 0 {
		slices.Sort(reserved)
		return invalid("Lambda was unable to configure your environment variables because the environment variables you have provided contains reserved keys that are currently not supported for modification. Reserved keys used in this request: %s", strings.Join(reserved, ", "))
	}
	text, err := json.Marshal(env)
	if err != nil {
		return err
	}
	if len(text) > maxEnv {
		return invalid("Lambda was unable to configure your environment variables because the environment variables you have provided exceeded the 4KB limit. String measured: %s", text)
	}
	return nil
}

func (c *config) setArchitectures(list []types.Architecture) error {
	if len(list) > 1 {
		return violation(fmt.Sprint(list), "architectures", "Member must have length less than or equal to 1")
	}
	if len(list) == 1 {
		c.Architectures = []string{string(list[0])}
	}
	return nil
}

// source is where a package is.
type source struct {
	zip                  []byte
	bucket, key, version *string
}

// install takes a package over into the engine and c.
func (s *Service) install(ctx context.Context, c *config, from source, operation string) error {
	data := from.zip
	switch {
	case len(data) > 0 && (from.bucket != nil || from.key != nil):
		return invalid("Please do not provide other FunctionCode parameters when providing a ZipFile.")
	case len(data) > maxZip:
		return largeZip()
	case len(data) > 0:
	case from.bucket != nil && from.key != nil:
		var err error
		if data, err = s.fetch(ctx, from); err != nil {
			return err
		}
	default:
		return invalid("Please provide a source for function code.")
	}
	p, err := s.cfg.Engine.PutPackage(data)
	if errors.Is(err, function.ErrPackage) {
		return invalid("%s", strings.TrimPrefix(err.Error(), function.ErrPackage.Error()+": "))
	}
	if err != nil {
		return fmt.Errorf("keep a package: %w", err)
	}
	if err := checkUnzipped(p.Unzipped, c.Layers); err != nil {
		return err
	}
	c.Code, c.CodeSize, c.Unzipped = p.Digest, p.Size, p.Unzipped
	return nil
}

// fetch reads a package from S3, with the standing of the caller.
func (s *Service) fetch(ctx context.Context, from source) ([]byte, error) {
	if s.cfg.S3 == nil {
		return nil, refused("Packages in S3 are")
	}
	out, err := s.cfg.S3.GetObject(ctx, &s3.GetObjectInput{Bucket: from.bucket, Key: from.key, VersionId: from.version})
	if err != nil {
		code, message := "Unknown", err.Error()
		var api smithy.APIError
		if errors.As(err, &api) {
			code, message = api.ErrorCode(), api.ErrorMessage()
		}
		return nil, invalid("Error occurred while GetObject. S3 Error Code: %s. S3 Error Message: %s", code, message)
	}
	defer out.Body.Close()
	data, err := io.ReadAll(io.LimitReader(out.Body, function.MaxUnzipped+1))
	if err != nil {
		return nil, fmt.Errorf("read s3://%s/%s: %w", *from.bucket, *from.key, err)
	}
	if len(data) > function.MaxUnzipped {
		return nil, invalid("Unzipped size must be smaller than %d bytes", function.MaxUnzipped)
	}
	return data, nil
}

// ready refuses to change a function that is being changed.
func (s *Service) ready(d *functionDoc) error {
	switch s.stateOf(d, &d.Latest) {
	case pending:
		return conflict("The operation cannot be performed at this time. The function is currently in the following state: Pending")
	case updating:
		return conflict("The operation cannot be performed at this time. An update is in progress for resource: %s", d.arn(""))
	}
	return nil
}

// UpdateFunctionConfiguration changes the configuration of $LATEST.
func (s *Service) UpdateFunctionConfiguration(ctx context.Context, in *lambda.UpdateFunctionConfigurationInput, _ ...func(*lambda.Options)) (*lambda.UpdateFunctionConfigurationOutput, error) {
	t, err := s.unqualified(ctx, in.FunctionName)
	if err != nil {
		return nil, err
	}
	switch {
	case in.ImageConfig != nil:
		return nil, refused("Container images are")
	case in.DurableConfig != nil:
		return nil, refused("Durable functions are")
	case in.CapacityProviderConfig != nil:
		return nil, refused("Capacity providers are")
	}
	if err := s.checkRole(ctx, t, in.Role); err != nil {
		return nil, err
	}
	d, err := s.functions.Modify(ctx, func(d *functionDoc) error {
		if err := s.ready(d); err != nil {
			return err
		}
		c := &d.Latest
		if r := in.RevisionId; r != nil && *r != c.Revision {
			return stale("GetFunction/GetAlias")
		}
		err := s.configure(t.Scope, c, &settings{
			role: in.Role, runtime: in.Runtime, handler: in.Handler, description: in.Description, timeout: in.Timeout, memory: in.MemorySize,
			env: in.Environment, storage: in.EphemeralStorage, layers: in.Layers, layersSet: in.Layers != nil, dead: in.DeadLetterConfig, tracing: in.TracingConfig,
			kms: in.KMSKeyArn, vpc: in.VpcConfig, files: in.FileSystemConfigs, snap: in.SnapStart, logging: in.LoggingConfig,
		})
		if err != nil {
			return err
		}
		if err := checkUnzipped(c.Unzipped, c.Layers); err != nil {
			return err
		}
		c.touch(s)
		return nil
	}, t.Key(t.name)...)
	if err != nil {
		return nil, err
	}
	s.stopOld(d)
	return configured(s.describe(d, &d.Latest, false)), nil
}

// touch gives a configuration that has changed its marks.
func (c *config) touch(s *Service) {
	c.Build, c.Revision, c.Modified = newToken(8), newID(), s.clock.Now().UTC()
}

// stopOld stops the instances of earlier builds of $LATEST.
func (s *Service) stopOld(d *functionDoc) {
	group, key := d.group(), d.key(&d.Latest)
	s.cfg.Engine.Stop(func(f *function.Function) bool { return f.Group == group && f.Version == latest && f.Key != key })
}

// UpdateFunctionCode gives $LATEST another package.
func (s *Service) UpdateFunctionCode(ctx context.Context, in *lambda.UpdateFunctionCodeInput, _ ...func(*lambda.Options)) (*lambda.UpdateFunctionCodeOutput, error) {
	t, err := s.unqualified(ctx, in.FunctionName)
	if err != nil {
		return nil, err
	}
	switch {
	case in.ImageUri != nil:
		return nil, invalid("Please don't provide ImageUri when updating a function with packageType Zip.")
	case in.PublishTo != "":
		return nil, refused("PublishTo is")
	}
	d, err := s.functions.Get(t.Key(t.name)...)
	if err != nil {
		return nil, err
	}
	if err := s.ready(d); err != nil {
		return nil, err
	}
	s.installing.RLock()
	defer s.installing.RUnlock()
	change := func(d *functionDoc, code *config) error {
		if err := s.ready(d); err != nil {
			return err
		}
		c := &d.Latest
		if r := in.RevisionId; r != nil && *r != c.Revision {
			return stale("GetFunction/GetAlias")
		}
		if err := checkUnzipped(code.Unzipped, c.Layers); err != nil {
			return err
		}
		was := *c
		c.Code, c.CodeSize, c.Unzipped = code.Code, code.CodeSize, code.Unzipped
		if err := c.setArchitectures(in.Architectures); err != nil {
			return err
		}
		c.touch(s)
		if c.Code == was.Code && slices.Equal(c.Architectures, was.Architectures) {
			c.Build = was.Build // the same code once more is no other version
		}
		return nil
	}
	code := d.Latest
	if err := s.install(ctx, &code, source{zip: in.ZipFile, bucket: in.S3Bucket, key: in.S3Key, version: in.S3ObjectVersion}, "UpdateFunctionCode"); err != nil {
		return nil, err
	}
	if in.DryRun {
		try := *d
		if err := change(&try, &code); err != nil {
			return nil, err
		}
		return updated(s.describe(&try, &try.Latest, false)), nil
	}
	d, err = s.functions.Modify(ctx, func(d *functionDoc) error { return change(d, &code) }, t.Key(t.name)...)
	if err != nil {
		return nil, err
	}
	s.stopOld(d)
	if in.Publish {
		v, err := s.publish(ctx, t, nil, nil, nil)
		if err != nil {
			return nil, err
		}
		return updated(s.describe(d, v, true)), nil
	}
	return updated(s.describe(d, &d.Latest, false)), nil
}

// GetFunction describes a function or a version, with a URL of its package.
func (s *Service) GetFunction(ctx context.Context, in *lambda.GetFunctionInput, _ ...func(*lambda.Options)) (*lambda.GetFunctionOutput, error) {
	d, t, err := s.find(ctx, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	c, err := s.version(d, t.qualifier)
	if err != nil {
		return nil, err
	}
	out := &lambda.GetFunctionOutput{
		Configuration: s.describe(d, c, t.qualifier != ""),
		Code:          &types.FunctionCodeLocation{RepositoryType: aws.String("S3"), Location: aws.String(s.downloadURL(c.Code))},
	}
	if t.qualifier == "" || t.qualifier == latest {
		if len(d.Tags) > 0 {
			out.Tags = maps.Clone(d.Tags)
		}
		if d.Reserved != nil {
			out.Concurrency = &types.Concurrency{ReservedConcurrentExecutions: d.Reserved}
		}
	}
	return out, nil
}

// GetFunctionConfiguration describes a function or a version.
func (s *Service) GetFunctionConfiguration(ctx context.Context, in *lambda.GetFunctionConfigurationInput, _ ...func(*lambda.Options)) (*lambda.GetFunctionConfigurationOutput, error) {
	d, t, err := s.find(ctx, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	c, err := s.version(d, t.qualifier)
	if err != nil {
		return nil, err
	}
	return configuration(s.describe(d, c, t.qualifier != "")), nil
}

// ListFunctions lists functions by name; with ALL also their versions.
func (s *Service) ListFunctions(ctx context.Context, in *lambda.ListFunctionsInput, _ ...func(*lambda.Options)) (*lambda.ListFunctionsOutput, error) {
	sc := scope.Of(ctx)
	type item struct {
		d *functionDoc
		c *config
	}
	var all []item
	docs, err := s.functions.All(sc.Account, sc.Region)
	if err != nil {
		return nil, err
	}
	for _, d := range docs {
		all = append(all, item{d, &d.Latest})
		if in.FunctionVersion == types.FunctionVersionAll {
			versions, err := s.versionsOf(d)
			if err != nil {
				return nil, err
			}
			for _, v := range versions {
				all = append(all, item{d, v})
			}
		}
	}
	key := func(i item) string {
		if i.c.Version == latest {
			return i.d.Name + ":"
		}
		return i.d.Name + ":" + versionKey(i.c.Version)
	}
	slices.SortFunc(all, func(a, b item) int { return strings.Compare(key(a), key(b)) })
	items, next, err := page.Of(all, key, page.Request{Token: in.Marker, Max: in.MaxItems, Limit: 50})
	if err != nil {
		return nil, badMarker()
	}
	out := &lambda.ListFunctionsOutput{NextMarker: next, Functions: []types.FunctionConfiguration{}}
	for _, i := range items {
		out.Functions = append(out.Functions, *s.describe(i.d, i.c, in.FunctionVersion == types.FunctionVersionAll))
	}
	return out, nil
}

func badMarker() error { return invalid("Invalid Marker") }

// DeleteFunction removes a function with all of it, or one version.
func (s *Service) DeleteFunction(ctx context.Context, in *lambda.DeleteFunctionInput, _ ...func(*lambda.Options)) (*lambda.DeleteFunctionOutput, error) {
	d, t, err := s.find(ctx, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	out := &lambda.DeleteFunctionOutput{StatusCode: 204}
	switch {
	case t.qualifier == latest:
		return nil, invalid("$LATEST version cannot be deleted without deleting the function.")
	case t.qualifier != "" && !isVersion(t.qualifier):
		return nil, invalid("Deletion of aliases is not currently supported.")
	case t.qualifier != "":
		for _, name := range sortedKeys(d.Aliases) {
			a := d.Aliases[name]
			if _, named := a.Weights[t.qualifier]; named || a.Version == t.qualifier {
				return nil, conflict("Version: %s is referenced by aliases. Aliases: [%s]", t.qualifier, name)
			}
		}
		key := d.key(&config{Version: t.qualifier})
		if err := s.versions.Delete(ctx, t.Key(t.name, t.qualifier)...); err != nil {
			return nil, err
		}
		s.cfg.Engine.Stop(func(f *function.Function) bool { return strings.HasPrefix(f.Key, key) })
		return out, nil
	}
	if err := s.functions.Delete(ctx, t.Key(t.name)...); err != nil {
		return nil, err
	}
	if err := s.versions.DeleteAll(ctx, t.Key(t.name)...); err != nil && !errors.Is(err, state.ErrNotFound) {
		return nil, err
	}
	for _, u := range d.URLs {
		s.urls.Delete(u.ID)
	}
	group := d.group()
	s.cfg.Engine.Reserve(d.owner(), group, -1)
	s.cfg.Engine.Stop(func(f *function.Function) bool { return f.Group == group })
	s.recent.forget(group)
	return out, nil
}

// sha is a digest as the API has it.
func sha(digest string) string {
	b, _ := hex.DecodeString(digest) // the engine's
	return base64.StdEncoding.EncodeToString(b)
}

func checkUnzipped(size int64, layers []layerRef) error {
	for _, l := range layers {
		size += l.Size // at least
	}
	if size > function.MaxUnzipped {
		return invalid("Function code combined with layers exceeds the maximum allowed size of %d bytes. The actual size is %d bytes.", function.MaxUnzipped, size)
	}
	return nil
}
