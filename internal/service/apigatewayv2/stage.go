package apigatewayv2

import (
	"context"
	"regexp"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"

	"github.com/brookmere/brookmere/internal/awskit/arn"
	"github.com/brookmere/brookmere/internal/awskit/scope"
)

// CreateStage, GetStage, GetStages, UpdateStage, DeleteStage, DeleteRouteSettings, DeleteAccessLogSettings;
// CreateDeployment, GetDeployment, GetDeployments, UpdateDeployment, DeleteDeployment.
//
// Client certificates are refused, and so are execution logs, which HTTP APIs do not have.

var (
	stageName    = regexp.MustCompile(`^(\$default|[A-Za-z0-9_-]{1,128})$`)
	variableName = regexp.MustCompile(`^[A-Za-z0-9_]{1,64}$`)
	variableText = regexp.MustCompile(`^[A-Za-z0-9._~:/?#&=,-]{0,512}$`)
)

// checkStage checks a stage, and gives it its defaults.
func checkStage(st *types.Stage) error {
	if aws.ToString(st.ClientCertificateId) != "" {
		return badRequest("Client certificates are not supported for HTTP APIs")
	}
	if len(aws.ToString(st.Description)) > 1024 {
		return badRequest("Description has a maximum length of 1024 characters")
	}
	st.AutoDeploy = aws.Bool(aws.ToBool(st.AutoDeploy))
	for k, v := range st.StageVariables {
		if !variableName.MatchString(k) || !variableText.MatchString(v) {
			return badRequest("Stage variable %s is invalid: names have letters, digits and underscores, values letters, digits and -._~:/?#&=,", k)
		}
	}
	if l := st.AccessLogSettings; l != nil {
		if l.DestinationArn == nil && l.Format == nil {
			st.AccessLogSettings = nil
		} else if a, ok := arn.Parse(aws.ToString(l.DestinationArn)); !ok || a.Service != "logs" && a.Service != "firehose" {
			return badRequest("Invalid ARN specified in the request. ARNs must start with 'arn:' and be of a log group: %s", aws.ToString(l.DestinationArn))
		} else if a.Service == "firehose" {
			return badRequest("Brookmere writes access logs to log groups: the destination %s is a delivery stream", *l.DestinationArn)
		} else if aws.ToString(l.Format) == "" || len(*l.Format) > 3<<10 {
			return badRequest("Access log format has 1 to 3072 characters")
		}
	}
	if st.DefaultRouteSettings == nil {
		st.DefaultRouteSettings = &types.RouteSettings{DetailedMetricsEnabled: aws.Bool(false)}
	}
	if err := checkSettings("default", *st.DefaultRouteSettings); err != nil {
		return err
	}
	for key, r := range st.RouteSettings {
		if _, _, err := splitKey(key); err != nil {
			return err
		}
		if err := checkSettings(key, r); err != nil {
			return err
		}
	}
	if st.RouteSettings == nil {
		st.RouteSettings = map[string]types.RouteSettings{}
	}
	return nil
}

func checkSettings(key string, r types.RouteSettings) error {
	if aws.ToBool(r.DataTraceEnabled) || r.LoggingLevel != "" && r.LoggingLevel != types.LoggingLevelOff {
		return badRequest("Execution logs are not supported on protocol type HTTP")
	}
	if aws.ToInt32(r.ThrottlingBurstLimit) < 0 || !(aws.ToFloat64(r.ThrottlingRateLimit) >= 0 && aws.ToFloat64(r.ThrottlingRateLimit) <= 1e9) {
		return badRequest("Invalid throttling limits of the route settings %s", key)
	}
	return nil
}

// stage is a stage of an API of the caller's.
func (s *Service) stage(ctx context.Context, api, name *string) (*apiDoc, *stageDoc, error) {
	d, err := s.api(ctx, api)
	if err != nil {
		return nil, nil, err
	}
	if aws.ToString(name) == "" {
		return nil, nil, missing("Stage", "")
	}
	st, err := s.stages.Get(scope.Of(ctx).Key(d.id(), *name)...)
	return d, st, err
}

// CreateStage makes a stage of a deployment, or one that deploys automatically.
func (s *Service) CreateStage(ctx context.Context, in *apigatewayv2.CreateStageInput, _ ...func(*apigatewayv2.Options)) (*apigatewayv2.CreateStageOutput, error) {
	if !stageName.MatchString(aws.ToString(in.StageName)) {
		return nil, badRequest("Stage name only allows a-zA-Z0-9_- and $default")
	}
	if err := checkTags(in.Tags); err != nil {
		return nil, err
	}
	d, err := s.api(ctx, in.ApiId)
	if err != nil {
		return nil, err
	}
	st := &stageDoc{Stage: *filled[types.Stage](in)}
	st.Stage.StageVariables = updateMap(nil, in.StageVariables, isEmpty)
	st.Stage.CreatedDate = aws.Time(s.cfg.Clock.Now().UTC())
	st.Stage.LastUpdatedDate = st.Stage.CreatedDate
	if err := checkStage(&st.Stage); err != nil {
		return nil, err
	}
	if err := s.mayLog(ctx, "logs:CreateLogDelivery", st.Stage.AccessLogSettings); err != nil {
		return nil, err
	}
	sc := scope.Of(ctx)
	if err := s.checkDeployment(sc, d, st, in.DeploymentId); err != nil {
		return nil, err
	}
	n := 0
	for range s.stages.Keys(sc.Key(d.id())...) {
		n++
	}
	if n >= maxStages {
		return nil, badRequest("Maximum number of stages for this API has been reached")
	}
	err = s.stages.Create(ctx, st, sc.Key(d.id(), *in.StageName)...)
	if isExists(err) {
		return nil, conflict("Stage already exists")
	}
	if err != nil {
		return nil, err
	}
	s.cfg.Logger.Info("stage created", "api", d.id(), "stage", *in.StageName, "path", localPath(d.id(), *in.StageName))
	return filled[apigatewayv2.CreateStageOutput](st.output(d)), nil
}

// localPath is where a stage is reached at the node's own address.
func localPath(api, stage string) string {
	if stage == defaultStage {
		return "/_aws/execute-api/" + api + "/"
	}
	return "/_aws/execute-api/" + api + "/" + stage + "/"
}

// checkDeployment checks the deployment that a stage is given, nil for none.
func (s *Service) checkDeployment(sc scope.Scope, d *apiDoc, st *stageDoc, id *string) error {
	switch {
	case aws.ToString(id) == "":
		return nil
	case st.auto():
		return badRequest("Deployment ID cannot be set on a stage with auto-deploy enabled")
	}
	_, err := s.deployments.Get(sc.Key(d.id(), *id)...)
	return err
}

// GetStage returns a stage.
func (s *Service) GetStage(ctx context.Context, in *apigatewayv2.GetStageInput, _ ...func(*apigatewayv2.Options)) (*apigatewayv2.GetStageOutput, error) {
	d, st, err := s.stage(ctx, in.ApiId, in.StageName)
	if err != nil {
		return nil, err
	}
	return filled[apigatewayv2.GetStageOutput](st.output(d)), nil
}

// GetStages lists the stages of an API.
func (s *Service) GetStages(ctx context.Context, in *apigatewayv2.GetStagesInput, _ ...func(*apigatewayv2.Options)) (*apigatewayv2.GetStagesOutput, error) {
	d, err := s.api(ctx, in.ApiId)
	if err != nil {
		return nil, err
	}
	all, err := s.stages.All(scope.Of(ctx).Key(d.id())...)
	if err != nil {
		return nil, err
	}
	list, next, err := pageOf(all, func(st *stageDoc) string { return *st.Stage.StageName }, in.NextToken, in.MaxResults)
	if err != nil {
		return nil, err
	}
	out := &apigatewayv2.GetStagesOutput{Items: []types.Stage{}, NextToken: next}
	for _, st := range list {
		out.Items = append(out.Items, st.output(d))
	}
	return out, nil
}

// UpdateStage changes a stage. One that stops deploying automatically gets a deployment of what it serves.
func (s *Service) UpdateStage(ctx context.Context, in *apigatewayv2.UpdateStageInput, _ ...func(*apigatewayv2.Options)) (*apigatewayv2.UpdateStageOutput, error) {
	d, was, err := s.stage(ctx, in.ApiId, in.StageName)
	if err != nil {
		return nil, err
	}
	if err := s.mayLog(ctx, "logs:UpdateLogDelivery", in.AccessLogSettings); err != nil {
		return nil, err
	}
	sc := scope.Of(ctx)
	pinned := ""
	if was.auto() && in.AutoDeploy != nil && !*in.AutoDeploy && aws.ToString(in.DeploymentId) == "" && len(d.Routes) > 0 {
		pinned = d.Revision
		copied := &deploymentDoc{ID: d.Revision, Created: d.Revised, Auto: true, API: *d}
		if err := s.deployments.Create(ctx, copied, sc.Key(d.id(), copied.ID)...); err != nil && !isExists(err) {
			return nil, err
		}
	}
	st, err := s.stages.Modify(ctx, func(doc *stageDoc) error {
		st := &doc.Stage
		wasAuto := doc.auto()
		deployment := st.DeploymentId
		update(st, in)
		st.StageVariables = updateMap(st.StageVariables, in.StageVariables, isEmpty)
		st.RouteSettings = updateMap(st.RouteSettings, in.RouteSettings, func(types.RouteSettings) bool { return false })
		switch {
		case doc.auto() && aws.ToString(in.DeploymentId) != "" && in.AutoDeploy == nil:
			return badRequest("Deployment ID cannot be set on a stage with auto-deploy enabled")
		case doc.auto():
			st.DeploymentId = nil
		case wasAuto && pinned != "":
			st.DeploymentId = aws.String(pinned)
		case in.DeploymentId != nil:
			if err := s.checkDeployment(sc, d, doc, in.DeploymentId); err != nil {
				return err
			}
		default:
			st.DeploymentId = deployment
		}
		st.LastUpdatedDate = aws.Time(s.cfg.Clock.Now().UTC())
		return checkStage(st)
	}, sc.Key(d.id(), *in.StageName)...)
	if err != nil {
		return nil, err
	}
	return filled[apigatewayv2.UpdateStageOutput](st.output(d)), nil
}

// mayLog refuses access logs to who may not have any delivered.
func (s *Service) mayLog(ctx context.Context, action string, l *types.AccessLogSettings) error {
	if l == nil || l.DestinationArn == nil && l.Format == nil || s.cfg.MayLog == nil {
		return nil
	}
	if err := s.cfg.MayLog(ctx, action); err != nil {
		return badRequest("Insufficient permissions to enable logging: %v", err)
	}
	return nil
}

// DeleteStage removes a stage.
func (s *Service) DeleteStage(ctx context.Context, in *apigatewayv2.DeleteStageInput, _ ...func(*apigatewayv2.Options)) (*apigatewayv2.DeleteStageOutput, error) {
	d, _, err := s.stage(ctx, in.ApiId, in.StageName)
	if err != nil {
		return nil, err
	}
	if err := s.stages.Delete(ctx, scope.Of(ctx).Key(d.id(), *in.StageName)...); err != nil {
		return nil, err
	}
	return &apigatewayv2.DeleteStageOutput{}, nil
}

// DeleteRouteSettings removes the settings of a route from a stage.
func (s *Service) DeleteRouteSettings(ctx context.Context, in *apigatewayv2.DeleteRouteSettingsInput, _ ...func(*apigatewayv2.Options)) (*apigatewayv2.DeleteRouteSettingsOutput, error) {
	err := s.modifyStage(ctx, in.ApiId, in.StageName, func(st *types.Stage) error {
		if _, ok := st.RouteSettings[aws.ToString(in.RouteKey)]; !ok {
			return missing("Route settings", aws.ToString(in.RouteKey))
		}
		rest := map[string]types.RouteSettings{}
		for k, v := range st.RouteSettings {
			if k != *in.RouteKey {
				rest[k] = v
			}
		}
		st.RouteSettings = rest
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &apigatewayv2.DeleteRouteSettingsOutput{}, nil
}

// DeleteAccessLogSettings ends the access log of a stage.
func (s *Service) DeleteAccessLogSettings(ctx context.Context, in *apigatewayv2.DeleteAccessLogSettingsInput, _ ...func(*apigatewayv2.Options)) (*apigatewayv2.DeleteAccessLogSettingsOutput, error) {
	err := s.modifyStage(ctx, in.ApiId, in.StageName, func(st *types.Stage) error {
		st.AccessLogSettings = nil
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &apigatewayv2.DeleteAccessLogSettingsOutput{}, nil
}

func (s *Service) modifyStage(ctx context.Context, api, name *string, f func(*types.Stage) error) error {
	d, _, err := s.stage(ctx, api, name)
	if err != nil {
		return err
	}
	_, err = s.stages.Modify(ctx, func(doc *stageDoc) error {
		doc.Stage.LastUpdatedDate = aws.Time(s.cfg.Clock.Now().UTC())
		return f(&doc.Stage)
	}, scope.Of(ctx).Key(d.id(), *name)...)
	return err
}

// CreateDeployment copies the API as it is, and points a stage to the copy where one is named.
func (s *Service) CreateDeployment(ctx context.Context, in *apigatewayv2.CreateDeploymentInput, _ ...func(*apigatewayv2.Options)) (*apigatewayv2.CreateDeploymentOutput, error) {
	d, err := s.api(ctx, in.ApiId)
	if err != nil {
		return nil, err
	}
	if len(d.Routes) == 0 {
		return nil, badRequest("At least one route is required before deploying the API")
	}
	sc := scope.Of(ctx)
	if aws.ToString(in.StageName) != "" {
		_, st, err := s.stage(ctx, in.ApiId, in.StageName)
		if err != nil {
			return nil, err
		}
		if st.auto() {
			return nil, badRequest("Deployments to a stage with auto-deploy enabled are made automatically")
		}
	}
	doc := &deploymentDoc{ID: newID(8), Description: in.Description, Created: s.cfg.Clock.Now().UTC(), API: *d}
	if err := s.deployments.Create(ctx, doc, sc.Key(d.id(), doc.ID)...); err != nil {
		return nil, err
	}
	if aws.ToString(in.StageName) != "" {
		err := s.modifyStage(ctx, in.ApiId, in.StageName, func(st *types.Stage) error {
			st.DeploymentId = aws.String(doc.ID)
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return filled[apigatewayv2.CreateDeploymentOutput](doc.output()), nil
}

// autoDeployment is the deployment of the API's stages that deploy automatically, nil where it has none.
func (s *Service) autoDeployment(sc scope.Scope, d *apiDoc) (*deploymentDoc, error) {
	if len(d.Routes) == 0 {
		return nil, nil
	}
	all, err := s.stages.All(sc.Key(d.id())...)
	if err != nil {
		return nil, err
	}
	for _, st := range all {
		if st.auto() {
			return &deploymentDoc{ID: d.Revision, Created: d.Revised, Auto: true, Description: aws.String("Automatic deployment triggered by changes to the Api configuration")}, nil
		}
	}
	return nil, nil
}

// deployment is a deployment of an API of the caller's.
func (s *Service) deployment(ctx context.Context, api, id *string) (*deploymentDoc, error) {
	d, err := s.api(ctx, api)
	if err != nil {
		return nil, err
	}
	if aws.ToString(id) == "" {
		return nil, missing("Deployment", "")
	}
	sc := scope.Of(ctx)
	doc, err := s.deployments.Get(sc.Key(d.id(), *id)...)
	if isNotFound(err) && *id == d.Revision {
		if auto, err := s.autoDeployment(sc, d); err != nil || auto != nil {
			return auto, err
		}
	}
	return doc, err
}

// GetDeployment returns a deployment.
func (s *Service) GetDeployment(ctx context.Context, in *apigatewayv2.GetDeploymentInput, _ ...func(*apigatewayv2.Options)) (*apigatewayv2.GetDeploymentOutput, error) {
	doc, err := s.deployment(ctx, in.ApiId, in.DeploymentId)
	if err != nil {
		return nil, err
	}
	return filled[apigatewayv2.GetDeploymentOutput](doc.output()), nil
}

// GetDeployments lists the deployments of an API; of automatic ones the current, and those that stages kept.
func (s *Service) GetDeployments(ctx context.Context, in *apigatewayv2.GetDeploymentsInput, _ ...func(*apigatewayv2.Options)) (*apigatewayv2.GetDeploymentsOutput, error) {
	d, err := s.api(ctx, in.ApiId)
	if err != nil {
		return nil, err
	}
	sc := scope.Of(ctx)
	all, err := s.deployments.All(sc.Key(d.id())...)
	if err != nil {
		return nil, err
	}
	byID := map[string]*deploymentDoc{}
	if auto, err := s.autoDeployment(sc, d); err != nil {
		return nil, err
	} else if auto != nil {
		byID[auto.ID] = auto
	}
	for _, doc := range all {
		byID[doc.ID] = doc
	}
	list, next, err := pageOf(sorted(byID), func(d *deploymentDoc) string { return d.ID }, in.NextToken, in.MaxResults)
	if err != nil {
		return nil, err
	}
	out := &apigatewayv2.GetDeploymentsOutput{Items: []types.Deployment{}, NextToken: next}
	for _, doc := range list {
		out.Items = append(out.Items, doc.output())
	}
	return out, nil
}

// UpdateDeployment changes a deployment's description.
func (s *Service) UpdateDeployment(ctx context.Context, in *apigatewayv2.UpdateDeploymentInput, _ ...func(*apigatewayv2.Options)) (*apigatewayv2.UpdateDeploymentOutput, error) {
	d, err := s.api(ctx, in.ApiId)
	if err != nil {
		return nil, err
	}
	doc, err := s.deployments.Modify(ctx, func(doc *deploymentDoc) error {
		if in.Description != nil {
			doc.Description = in.Description
		}
		return nil
	}, scope.Of(ctx).Key(d.id(), aws.ToString(in.DeploymentId))...)
	if err != nil {
		return nil, err
	}
	return filled[apigatewayv2.UpdateDeploymentOutput](doc.output()), nil
}

// DeleteDeployment removes a deployment that no stage serves.
func (s *Service) DeleteDeployment(ctx context.Context, in *apigatewayv2.DeleteDeploymentInput, _ ...func(*apigatewayv2.Options)) (*apigatewayv2.DeleteDeploymentOutput, error) {
	d, err := s.api(ctx, in.ApiId)
	if err != nil {
		return nil, err
	}
	sc := scope.Of(ctx)
	all, err := s.stages.All(sc.Key(d.id())...)
	if err != nil {
		return nil, err
	}
	for _, st := range all {
		if aws.ToString(st.output(d).DeploymentId) == *in.DeploymentId {
			return nil, badRequest("Active stages pointing to this deployment must be moved or deleted")
		}
	}
	if err := s.deployments.Delete(ctx, sc.Key(d.id(), *in.DeploymentId)...); err != nil {
		return nil, err
	}
	return &apigatewayv2.DeleteDeploymentOutput{}, nil
}
