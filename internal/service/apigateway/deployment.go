package apigateway

import (
	"context"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"

	"github.com/brookmere/brookmere/internal/awskit/arn"
	"github.com/brookmere/brookmere/internal/awskit/scope"
)

// CreateDeployment, GetDeployment, GetDeployments, UpdateDeployment, DeleteDeployment; CreateStage,
// GetStage, GetStages, UpdateStage, DeleteStage, FlushStageCache, FlushStageAuthorizersCache.
//
// Cache clusters, canary settings, client certificates and tracing are stored. An API without a
// method, and a method without an integration, are not deployed.

// What methods have of an account's limits, in calls a second and at once, as long as they have no limits of their own.
const (
	accountRate  = 10_000
	accountBurst = 5_000
)

var stageName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,128}$`)

// CreateDeployment copies the API as it is, and points a stage to the copy where one is named.
func (s *Service) CreateDeployment(ctx context.Context, in *apigateway.CreateDeploymentInput, _ ...func(*apigateway.Options)) (*apigateway.CreateDeploymentOutput, error) {
	api, err := s.api(ctx, in.RestApiId)
	if err != nil {
		return nil, err
	}
	if in.StageName != nil && *in.StageName != "" && !stageName.MatchString(*in.StageName) {
		return nil, badRequest("Stage name only allows a-zA-Z0-9_-")
	}
	if c := in.CanarySettings; c != nil {
		if aws.ToString(in.StageName) == "" {
			given := "null"
			if in.StageName != nil {
				given = *in.StageName
			}
			return nil, badRequest("Invalid deployment content specified.Non null and non empty stageName must be provided for canary deployment. Provided value is %s", given)
		}
		if !(c.PercentTraffic >= 0 && c.PercentTraffic <= 100) {
			return nil, badRequest("Percent traffic of a canary must be between 0.0 and 100.0")
		}
		if _, err := s.stage(ctx, in.RestApiId, in.StageName); isNotFound(err) {
			return nil, badRequest("Invalid deployment content specified.Stage %s must already be created before making a canary release deployment", *in.StageName)
		} else if err != nil {
			return nil, err
		}
	}
	methods := 0
	for _, r := range api.Resources {
		for _, m := range r.Methods {
			methods++
			if m.MethodIntegration == nil {
				return nil, badRequest("No integration defined for method")
			}
		}
	}
	if methods == 0 {
		return nil, badRequest("The REST API doesn't contain any methods")
	}
	d := &deploymentDoc{ID: newID(6), Description: in.Description, Created: s.cfg.Clock.Now().UTC(), API: *api}
	if _, err := s.compile(d); err != nil {
		return nil, badRequest("The REST API cannot be deployed: %v", err)
	}
	sc := scope.Of(ctx)
	if err := s.deployments.Create(ctx, d, sc.Key(api.ID, d.ID)...); err != nil {
		return nil, err
	}
	if name := aws.ToString(in.StageName); name != "" {
		if err := s.deployTo(ctx, api.ID, name, d.ID, in); err != nil {
			return nil, err
		}
	}
	s.cfg.Logger.Info("API deployed", "api", api.ID, "name", api.Name, "stage", aws.ToString(in.StageName), "path", localPath(api.ID, aws.ToString(in.StageName)))
	return &apigateway.CreateDeploymentOutput{Id: aws.String(d.ID), Description: d.Description, CreatedDate: aws.Time(d.Created)}, nil
}

// localPath is where a stage is reached at the node's own address.
func localPath(api, stage string) string { return "/_aws/execute-api/" + api + "/" + stage + "/" }

// deployTo points a stage to a deployment, and makes the stage if it is not there.
func (s *Service) deployTo(ctx context.Context, api, name, deployment string, in *apigateway.CreateDeploymentInput) error {
	key := scope.Of(ctx).Key(api, name)
	now := s.cfg.Clock.Now().UTC()
	set := func(d *stageDoc) error {
		if d.Updated = now; in.CanarySettings == nil {
			d.Deployment = deployment
		} else { // the stage stays where it is, and the canary is the new deployment
			c := in.CanarySettings
			d.Canary = &types.CanarySettings{DeploymentId: aws.String(deployment), PercentTraffic: c.PercentTraffic, StageVariableOverrides: c.StageVariableOverrides, UseStageCache: c.UseStageCache}
		}
		if in.StageDescription != nil {
			d.Description = in.StageDescription
		}
		if in.Variables != nil {
			d.Variables = in.Variables
		}
		if in.TracingEnabled != nil {
			d.Tracing = *in.TracingEnabled
		}
		if in.CacheClusterEnabled != nil {
			d.CacheEnabled, d.CacheSize = *in.CacheClusterEnabled, in.CacheClusterSize
		}
		return nil
	}
	d := &stageDoc{Name: name, Created: now}
	_ = set(d)
	if in.CanarySettings != nil { // of a stage that is there
		_, err := s.stages.Modify(ctx, set, key...)
		return err
	}
	for {
		err := s.stages.Create(ctx, d, key...)
		if err == nil || !isExists(err) {
			return err
		}
		if _, err = s.stages.Modify(ctx, set, key...); !isNotFound(err) {
			return err
		}
	}
}

func (s *Service) deployment(ctx context.Context, api, id *string) (*deploymentDoc, error) {
	a, err := s.api(ctx, api)
	if err != nil {
		return nil, err
	}
	if aws.ToString(id) == "" {
		return nil, invalidDeployment()
	}
	return s.deployments.Get(scope.Of(ctx).Key(a.ID, *id)...)
}

// GetDeployment returns a deployment, with its methods where "apisummary" is to be embedded.
func (s *Service) GetDeployment(ctx context.Context, in *apigateway.GetDeploymentInput, _ ...func(*apigateway.Options)) (*apigateway.GetDeploymentOutput, error) {
	d, err := s.deployment(ctx, in.RestApiId, in.DeploymentId)
	if err != nil {
		return nil, err
	}
	out := &apigateway.GetDeploymentOutput{Id: aws.String(d.ID), Description: d.Description, CreatedDate: aws.Time(d.Created)}
	if slices.Contains(in.Embed, "apisummary") {
		out.ApiSummary = d.summary()
	}
	return out, nil
}

// GetDeployments lists the deployments of an API.
func (s *Service) GetDeployments(ctx context.Context, in *apigateway.GetDeploymentsInput, _ ...func(*apigateway.Options)) (*apigateway.GetDeploymentsOutput, error) {
	a, err := s.api(ctx, in.RestApiId)
	if err != nil {
		return nil, err
	}
	all, err := s.deployments.All(scope.Of(ctx).Key(a.ID)...)
	if err != nil {
		return nil, err
	}
	list, next, err := pageOf(all, func(d *deploymentDoc) string { return d.ID }, in.Position, in.Limit)
	if err != nil {
		return nil, err
	}
	out := &apigateway.GetDeploymentsOutput{Items: []types.Deployment{}, Position: next}
	for _, d := range list {
		out.Items = append(out.Items, types.Deployment{Id: aws.String(d.ID), Description: d.Description, CreatedDate: aws.Time(d.Created)})
	}
	return out, nil
}

// UpdateDeployment changes a deployment's description.
func (s *Service) UpdateDeployment(ctx context.Context, in *apigateway.UpdateDeploymentInput, _ ...func(*apigateway.Options)) (*apigateway.UpdateDeploymentOutput, error) {
	a, err := s.api(ctx, in.RestApiId)
	if err != nil {
		return nil, err
	}
	d, err := s.deployments.Modify(ctx, func(d *deploymentDoc) error {
		return patches{"/description": setText(&d.Description)}.apply(in.PatchOperations)
	}, scope.Of(ctx).Key(a.ID, *in.DeploymentId)...)
	if err != nil {
		return nil, err
	}
	return &apigateway.UpdateDeploymentOutput{Id: aws.String(d.ID), Description: d.Description, CreatedDate: aws.Time(d.Created)}, nil
}

// DeleteDeployment removes a deployment that no stage points to.
func (s *Service) DeleteDeployment(ctx context.Context, in *apigateway.DeleteDeploymentInput, _ ...func(*apigateway.Options)) (*apigateway.DeleteDeploymentOutput, error) {
	d, err := s.deployment(ctx, in.RestApiId, in.DeploymentId)
	if err != nil {
		return nil, err
	}
	stages, err := s.stages.All(scope.Of(ctx).Key(d.API.ID)...)
	if err != nil {
		return nil, err
	}
	for _, st := range stages {
		if st.Deployment == d.ID || st.Canary != nil && aws.ToString(st.Canary.DeploymentId) == d.ID {
			return nil, badRequest("Active stages pointing to this deployment must be moved or deleted")
		}
	}
	if err := s.deployments.Delete(ctx, scope.Of(ctx).Key(d.API.ID, d.ID)...); err != nil {
		return nil, err
	}
	return &apigateway.DeleteDeploymentOutput{}, nil
}

// CreateStage makes a stage of a deployment.
func (s *Service) CreateStage(ctx context.Context, in *apigateway.CreateStageInput, _ ...func(*apigateway.Options)) (*apigateway.CreateStageOutput, error) {
	if !stageName.MatchString(*in.StageName) {
		return nil, badRequest("Stage name only allows a-zA-Z0-9_-")
	}
	if err := checkTags(in.Tags); err != nil {
		return nil, err
	}
	dep, err := s.deployment(ctx, in.RestApiId, in.DeploymentId)
	if err != nil {
		return nil, err
	}
	if err := s.documented(ctx, dep.API.ID, in.DocumentationVersion); err != nil {
		return nil, err
	}
	if in.CanarySettings != nil {
		if err := s.canaryDeployment(ctx, dep.API.ID, in.CanarySettings.DeploymentId); err != nil {
			return nil, err
		}
	}
	now := s.cfg.Clock.Now().UTC()
	d := &stageDoc{
		Name: *in.StageName, Deployment: dep.ID, Description: in.Description, Created: now, Updated: now, Variables: in.Variables, Canary: in.CanarySettings,
		Tracing: in.TracingEnabled, CacheEnabled: in.CacheClusterEnabled, CacheSize: in.CacheClusterSize, Documentation: in.DocumentationVersion, Tags: in.Tags,
	}
	err = s.stages.Create(ctx, d, scope.Of(ctx).Key(dep.API.ID, d.Name)...)
	if isExists(err) {
		return nil, conflict("Stage already exists")
	}
	if err != nil {
		return nil, err
	}
	return (*apigateway.CreateStageOutput)(d.output()), nil
}

func (s *Service) stage(ctx context.Context, api, name *string) (*stageDoc, error) {
	a, err := s.api(ctx, api)
	if err != nil {
		return nil, err
	}
	if aws.ToString(name) == "" {
		return nil, invalidStage()
	}
	return s.stages.Get(scope.Of(ctx).Key(a.ID, *name)...)
}

// GetStage returns a stage.
func (s *Service) GetStage(ctx context.Context, in *apigateway.GetStageInput, _ ...func(*apigateway.Options)) (*apigateway.GetStageOutput, error) {
	d, err := s.stage(ctx, in.RestApiId, in.StageName)
	if err != nil {
		return nil, err
	}
	return d.output(), nil
}

// GetStages lists the stages of an API, those of a deployment where one is named.
func (s *Service) GetStages(ctx context.Context, in *apigateway.GetStagesInput, _ ...func(*apigateway.Options)) (*apigateway.GetStagesOutput, error) {
	a, err := s.api(ctx, in.RestApiId)
	if err != nil {
		return nil, err
	}
	all, err := s.stages.All(scope.Of(ctx).Key(a.ID)...)
	if err != nil {
		return nil, err
	}
	out := &apigateway.GetStagesOutput{Item: []types.Stage{}}
	for _, d := range all {
		if in.DeploymentId == nil || d.Deployment == *in.DeploymentId {
			o := d.output()
			out.Item = append(out.Item, types.Stage{
				StageName: o.StageName, DeploymentId: o.DeploymentId, Description: o.Description, CreatedDate: o.CreatedDate, LastUpdatedDate: o.LastUpdatedDate, Variables: o.Variables,
				MethodSettings: o.MethodSettings, AccessLogSettings: o.AccessLogSettings, CanarySettings: o.CanarySettings, TracingEnabled: o.TracingEnabled, CacheClusterEnabled: o.CacheClusterEnabled,
				CacheClusterSize: o.CacheClusterSize, CacheClusterStatus: o.CacheClusterStatus, DocumentationVersion: o.DocumentationVersion, ClientCertificateId: o.ClientCertificateId, Tags: o.Tags,
			})
		}
	}
	return out, nil
}

// UpdateStage changes settings of a stage, its deployment and the settings of its methods.
func (s *Service) UpdateStage(ctx context.Context, in *apigateway.UpdateStageInput, _ ...func(*apigateway.Options)) (*apigateway.UpdateStageOutput, error) {
	a, err := s.api(ctx, in.RestApiId)
	if err != nil {
		return nil, err
	}
	d, err := s.stages.Modify(ctx, func(d *stageDoc) error {
		deployment, size := &d.Deployment, (*string)(&d.CacheSize)
		log := types.AccessLogSettings{}
		canary := types.CanarySettings{}
		if d.Canary != nil {
			canary = *d.Canary
		}
		if err := checkStageOperations(in.PatchOperations, d); err != nil {
			return err
		}
		if canary.DeploymentId == nil {
			canary.DeploymentId = aws.String(d.Deployment)
		}
		operations, cut := promotions(in.PatchOperations, &canary), false
		if d.AccessLog != nil {
			log = *d.AccessLog
		}
		err := patches{
			"/deploymentId":                     setText(&deployment),
			"/description":                      setText(&d.Description),
			"/tracingEnabled":                   setBool(&d.Tracing),
			"/cacheClusterEnabled":              setBool(&d.CacheEnabled),
			"/cacheClusterSize":                 setText(&size),
			"/clientCertificateId":              setText(&d.Certificate),
			"/documentationVersion":             setText(&d.Documentation),
			"/variables/":                       setMap(&d.Variables),
			"/accessLogSettings/destinationArn": setText(&log.DestinationArn),
			"/accessLogSettings/format":         setText(&log.Format),
			"/accessLogSettings": func(op types.Op, _, _ string) error {
				if op != types.OpRemove {
					return badRequest("Invalid patch path '/accessLogSettings' specified for op '%s'", op)
				}
				log = types.AccessLogSettings{}
				return nil
			},
			"/canarySettings/percentTraffic":          setFloat(&canary.PercentTraffic),
			"/canarySettings/deploymentId":            setText(&canary.DeploymentId),
			"/canarySettings/useStageCache":           setBool(&canary.UseStageCache),
			"/canarySettings/stageVariableOverrides/": setMap(&canary.StageVariableOverrides),
			"/canarySettings": func(op types.Op, _, _ string) error {
				if cut = true; op != types.OpRemove {
					return badRequest("Invalid patch path '/canarySettings' specified for op '%s'", op)
				}
				return nil
			},
			"/": d.setMethodSetting, // /{path}/{method}/{setting}
		}.apply(operations)
		if err != nil {
			return err
		}
		if d.Deployment = aws.ToString(deployment); d.Deployment == "" {
			return invalidDeployment()
		}
		if _, err := s.deployments.Get(scope.Of(ctx).Key(a.ID, d.Deployment)...); err != nil {
			return err
		}
		if d.Documentation = full(d.Documentation); slices.ContainsFunc(in.PatchOperations, func(o types.PatchOperation) bool { return aws.ToString(o.Path) == "/documentationVersion" }) {
			if err := s.documented(ctx, a.ID, d.Documentation); err != nil {
				return err
			}
		}
		d.CacheSize = types.CacheClusterSize(aws.ToString(size))
		if to, ok := arn.Parse(aws.ToString(log.DestinationArn)); ok && to.Account != scope.Of(ctx).Account {
			return badRequest("Access log destination %s must be of the account of the API", *log.DestinationArn)
		}
		if d.AccessLog = &log; log.DestinationArn == nil {
			d.AccessLog = nil
		}
		if err := s.mayLog(ctx, d, in.PatchOperations); err != nil {
			return err
		}
		switch touched := d.Canary != nil || slices.ContainsFunc(operations, func(o types.PatchOperation) bool { return strings.HasPrefix(aws.ToString(o.Path), "/canarySettings") }); {
		case cut:
			d.Canary = nil
		case touched:
			if !(canary.PercentTraffic >= 0 && canary.PercentTraffic <= 100) {
				return badRequest("Percent traffic of a canary must be between 0.0 and 100.0")
			}
			if err := s.canaryDeployment(ctx, a.ID, canary.DeploymentId); err != nil {
				return err
			}
			d.Canary = &canary
		}
		d.Updated = s.cfg.Clock.Now().UTC()
		return nil
	}, scope.Of(ctx).Key(a.ID, *in.StageName)...)
	if err != nil {
		return nil, err
	}
	return (*apigateway.UpdateStageOutput)(d.output()), nil
}

// canaryDeployment checks that an API has the deployment of a canary.
func (s *Service) canaryDeployment(ctx context.Context, api string, id *string) error {
	if aws.ToString(id) == "" {
		return nil
	}
	_, err := s.deployments.Get(scope.Of(ctx).Key(api, *id)...)
	if isNotFound(err) {
		return badRequest("Deployment id does not exist")
	}
	return err
}

// settingPaths are what errors say can be changed of a stage.
var settingPaths = "[/deploymentId, /description, /cacheClusterEnabled, /cacheClusterSize, /clientCertificateId, /accessLogSettings, /accessLogSettings/destinationArn, " +
	"/accessLogSettings/format, /{resourcePath}/{httpMethod}/metrics/enabled, /{resourcePath}/{httpMethod}/logging/dataTrace, /{resourcePath}/{httpMethod}/logging/loglevel, " +
	"/{resourcePath}/{httpMethod}/throttling/burstLimit/{resourcePath}/{httpMethod}/throttling/rateLimit/{resourcePath}/{httpMethod}/caching/ttlInSeconds, " +
	"/{resourcePath}/{httpMethod}/caching/enabled, /{resourcePath}/{httpMethod}/caching/dataEncrypted, /{resourcePath}/{httpMethod}/caching/requireAuthorizationForCacheControl, " +
	"/{resourcePath}/{httpMethod}/caching/unauthorizedCacheControlHeaderStrategy, /*/*/metrics/enabled, /*/*/logging/dataTrace, /*/*/logging/loglevel, /*/*/throttling/burstLimit " +
	"/*/*/throttling/rateLimit /*/*/caching/ttlInSeconds, /*/*/caching/enabled, /*/*/caching/dataEncrypted, /*/*/caching/requireAuthorizationForCacheControl, " +
	"/*/*/caching/unauthorizedCacheControlHeaderStrategy, /variables/{variable_name}, /tracingEnabled]"

// checkStageOperations refuses operations on a stage that do not fit their paths.
func checkStageOperations(operations []types.PatchOperation, d *stageDoc) error {
	canary := d.Canary != nil
	for _, o := range operations {
		path, from := aws.ToString(o.Path), aws.ToString(o.From)
		at, of, isCanary := strings.Cut(path, "/canarySettings")
		isCanary = isCanary && at == "" && (of == "" || of[0] == '/')
		known := of == "" && o.Op == types.OpRemove || of == "/percentTraffic" || of == "/deploymentId" || of == "/useStageCache" || strings.HasPrefix(of, "/stageVariableOverrides/")
		switch {
		case o.Op == types.OpCopy:
			if !(from == "/canarySettings/deploymentId" && path == "/deploymentId" || from == "/canarySettings/stageVariableOverrides" && path == "/variables") {
				return badRequest("Invalid copy operation with path: %s and from %s. Valid copy:path are [/deploymentId, /variables] and valid copy:from are [/canarySettings/deploymentId, /canarySettings/stageVariableOverrides]", path, from)
			}
			if !canary {
				return badRequest("Promotion not available. Canary does not exist.")
			}
		case isCanary && !known && o.Op == types.OpRemove:
			return noSetting(path)
		case isCanary && !known:
			return badRequest("Invalid method setting path: %s. Must be one of: %s", path, settingPaths)
		case isCanary && o.Op == types.OpAdd:
			return badRequest("Invalid add operation with path: %s", path)
		case isCanary:
			canary = o.Op != types.OpRemove || of != ""
		}
	}
	return nil
}

func noSetting(path string) error {
	return badRequest("Cannot remove method setting %s because there is no method setting for this method ", strings.TrimPrefix(path, "/"))
}

// mayLog refuses operations that set up access logs in a log group, or execution logs, of a stage while the account has no
// role to write them as.
func (s *Service) mayLog(ctx context.Context, d *stageDoc, operations []types.PatchOperation) error {
	if s.cfg.LogsNeedRole == nil || !s.cfg.LogsNeedRole() {
		return nil
	}
	sets := slices.ContainsFunc(operations, func(o types.PatchOperation) bool {
		path := aws.ToString(o.Path)
		switch {
		case o.Op == types.OpRemove:
			return false
		case strings.HasPrefix(path, "/accessLogSettings/"):
			to, ok := arn.Parse(aws.ToString(d.access().DestinationArn))
			return ok && to.Service == "logs"
		}
		return strings.HasSuffix(path, "/logging/loglevel") && aws.ToString(o.Value) != "OFF"
	})
	if !sets {
		return nil
	}
	account, err := s.account(ctx)
	if err != nil {
		return err
	}
	if aws.ToString(account.LogRole) == "" {
		return badRequest("CloudWatch Logs role ARN must be set in account settings to enable logging")
	}
	return nil
}

// access are the stage's settings of access logs; zero without any.
func (d *stageDoc) access() types.AccessLogSettings {
	if d.AccessLog == nil {
		return types.AccessLogSettings{}
	}
	return *d.AccessLog
}

// setMethodSetting sets a setting of a method: "~1orders/POST/throttling/rateLimit", or of all by
// "*/*/...".
func (d *stageDoc) setMethodSetting(op types.Op, key, value string) error {
	parts := strings.SplitN(key, "/", 3)
	invalid := badRequest("Invalid method setting path: /%s. Must be one of: %s", key, settingPaths)
	if len(parts) < 2 {
		return invalid
	}
	name := strings.TrimPrefix(unescape(parts[0]), "/") + "/" + parts[1]
	if len(parts) == 2 {
		if op != types.OpRemove {
			return invalid
		}
		if _, ok := d.Settings[name]; !ok {
			return noSetting(name)
		}
		delete(d.Settings, name)
		return nil
	}
	if d.Settings == nil {
		d.Settings = map[string]types.MethodSetting{}
	}
	m, ok := d.Settings[name]
	if !ok {
		if m, ok = d.Settings["*/*"]; !ok { // a method begins with what holds for all
			m = types.MethodSetting{ThrottlingBurstLimit: accountBurst, ThrottlingRateLimit: accountRate, CacheTtlInSeconds: 300, RequireAuthorizationForCacheControl: true, UnauthorizedCacheControlHeaderStrategy: types.UnauthorizedCacheControlHeaderStrategySucceedWithResponseHeader}
		}
	}
	strategy := (*string)(&m.UnauthorizedCacheControlHeaderStrategy)
	err := patches{
		"/metrics/enabled":                                setBool(&m.MetricsEnabled),
		"/logging/loglevel":                               setText(&m.LoggingLevel),
		"/logging/dataTrace":                              setBool(&m.DataTraceEnabled),
		"/throttling/burstLimit":                          setInt32(&m.ThrottlingBurstLimit),
		"/throttling/rateLimit":                           setFloat(&m.ThrottlingRateLimit),
		"/caching/enabled":                                setBool(&m.CachingEnabled),
		"/caching/ttlInSeconds":                           setInt32(&m.CacheTtlInSeconds),
		"/caching/dataEncrypted":                          setBool(&m.CacheDataEncrypted),
		"/caching/requireAuthorizationForCacheControl":    setBool(&m.RequireAuthorizationForCacheControl),
		"/caching/unauthorizedCacheControlHeaderStrategy": setText(&strategy),
	}.apply([]types.PatchOperation{{Op: op, Path: aws.String("/" + parts[2]), Value: aws.String(value)}})
	if err != nil && strings.HasPrefix(err.Error(), badRequest("Invalid patch path").Error()) {
		return invalid
	}
	if err != nil {
		return err
	}
	m.UnauthorizedCacheControlHeaderStrategy = types.UnauthorizedCacheControlHeaderStrategy(aws.ToString(strategy))
	d.Settings[name] = m
	return nil
}

// promotions are operations with those in place that copy from a canary to its stage: its deployment, and its variables,
// which those of the stage that it does not have outlive.
func promotions(operations []types.PatchOperation, c *types.CanarySettings) []types.PatchOperation {
	var out []types.PatchOperation
	for _, o := range operations {
		switch from, path := aws.ToString(o.From), aws.ToString(o.Path); {
		case o.Op == types.OpCopy && from == "/canarySettings/deploymentId" && path == "/deploymentId":
			out = append(out, types.PatchOperation{Op: types.OpReplace, Path: o.Path, Value: c.DeploymentId})
		case o.Op == types.OpCopy && from == "/canarySettings/stageVariableOverrides" && path == "/variables":
			for _, name := range slices.Sorted(maps.Keys(c.StageVariableOverrides)) {
				out = append(out, types.PatchOperation{Op: types.OpReplace, Path: aws.String("/variables/" + escape(name)), Value: aws.String(c.StageVariableOverrides[name])})
			}
		default:
			out = append(out, o)
		}
	}
	return out
}

// DeleteStage removes a stage that no domain name leads to.
func (s *Service) DeleteStage(ctx context.Context, in *apigateway.DeleteStageInput, _ ...func(*apigateway.Options)) (*apigateway.DeleteStageOutput, error) {
	d, err := s.stage(ctx, in.RestApiId, in.StageName)
	if err != nil {
		return nil, err
	}
	if err := s.mapped(ctx, *in.RestApiId, d.Name); err != nil {
		return nil, err
	}
	if err := s.stages.Delete(ctx, scope.Of(ctx).Key(*in.RestApiId, d.Name)...); err != nil {
		return nil, err
	}
	return &apigateway.DeleteStageOutput{}, nil
}

// FlushStageCache empties a stage's cache: there is none.
func (s *Service) FlushStageCache(ctx context.Context, in *apigateway.FlushStageCacheInput, _ ...func(*apigateway.Options)) (*apigateway.FlushStageCacheOutput, error) {
	if _, err := s.stage(ctx, in.RestApiId, in.StageName); err != nil {
		return nil, err
	}
	return &apigateway.FlushStageCacheOutput{}, nil
}

// FlushStageAuthorizersCache forgets what authorizers answered for a stage.
func (s *Service) FlushStageAuthorizersCache(ctx context.Context, in *apigateway.FlushStageAuthorizersCacheInput, _ ...func(*apigateway.Options)) (*apigateway.FlushStageAuthorizersCacheOutput, error) {
	if _, err := s.stage(ctx, in.RestApiId, in.StageName); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.forgetAuthorized(func(a authorized) bool { return a.stage == *in.RestApiId+"/"+*in.StageName })
	return &apigateway.FlushStageAuthorizersCacheOutput{}, nil
}
