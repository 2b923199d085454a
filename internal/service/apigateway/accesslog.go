package apigateway

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/brookmere/brookmere/internal/awskit/arn"
	"github.com/brookmere/brookmere/internal/awskit/executeapi"
)

// logAccess writes a line of the stage's access log, in its format: a text in which $context.x
// stands for a variable, "-" where it has none.
func (x *exchange) logAccess() {
	l := x.stage.AccessLog
	if l == nil || x.s.cfg.Logs == nil || aws.ToString(l.Format) == "" {
		return
	}
	if a, ok := arn.Parse(aws.ToString(l.DestinationArn)); ok && a.Account != x.scope.Account {
		x.s.cfg.Logger.Warn("an access log is not written: its group is another account's", "api", x.address.api, "stage", x.address.stage)
		return
	}
	x.vars.Put("status", itoa(x.status))
	x.vars.Put("responseLength", itoa(x.sent))
	x.vars.Put("responseLatency", itoa(int(x.s.cfg.Clock.Since(x.received).Milliseconds())))
	line := executeapi.FormatAccess(*l.Format, func(path string) string {
		v, ok := lookup(x.vars, path)
		if !ok {
			return "-"
		}
		if path == "error.messageString" { // a text of JSON as it is
			return v
		}
		return executeapi.LogText(v)
	})
	ctx := context.WithoutCancel(x.ctx)
	if err := x.s.cfg.Logs.Log(ctx, x.logRole(), x.apiARN(), aws.ToString(l.DestinationArn), x.address.api+"/"+x.address.stage, line); err != nil {
		x.s.cfg.Logger.Warn("an access log is not written", "api", x.address.api, "stage", x.address.stage, "error", err)
	}
}

// logExecution writes the lines of a request's execution log, where the stage has one for its method: at the level
// INFO of every request, at ERROR of those that failed.
func (x *exchange) logExecution(failed error) {
	if x.s.cfg.Logs == nil || x.route == nil {
		return
	}
	level, path, method := "OFF", x.route.node.path, aws.ToString(x.route.method.HttpMethod)
	for _, name := range []string{"*/*", strings.TrimPrefix(path, "/") + "/" + method} {
		if m, has := x.stage.Settings[name]; has && aws.ToString(m.LoggingLevel) != "" {
			level = *m.LoggingLevel
		}
	}
	if level != "INFO" && (level != "ERROR" || x.status < 400) {
		return
	}
	id := "(" + x.caller.RequestID + ") "
	lines := []string{
		"Extended Request Id: " + x.extended,
		"Starting execution for request: " + x.caller.RequestID,
		"HTTP Method: " + method + ", Resource Path: " + path,
	}
	if level == "ERROR" {
		lines = nil
	}
	if failed != nil {
		lines = append(lines, "Execution failed due to an error: "+failed.Error())
	} else if level == "INFO" {
		lines = append(lines, "Successfully completed execution")
	}
	lines = append(lines, "Method completed with status: "+itoa(x.status))
	group := x.scope.ARN("logs", "log-group:API-Gateway-Execution-Logs_"+x.address.api+"/"+x.address.stage)
	ctx, role, api := context.WithoutCancel(x.ctx), x.logRole(), x.apiARN()
	for _, l := range lines {
		if err := x.s.cfg.Logs.Log(ctx, role, api, group, executionStream, id+l); err != nil {
			x.s.cfg.Logger.Warn("an execution log is not written", "api", x.address.api, "stage", x.address.stage, "error", err)
			return
		}
	}
}

// logRole is the role of the account by which logs are written; empty if it has none.
func (x *exchange) logRole() string {
	d, err := x.s.accounts.Get(x.scope.Key()...)
	if err != nil {
		return ""
	}
	return aws.ToString(d.LogRole)
}

// apiARN is the ARN of the API, for the conditions of a role's trust policy.
func (x *exchange) apiARN() string {
	return apiARN(x.scope, "/restapis/"+x.address.api)
}

// executionStream is the stream of execution logs. AWS spreads them over many.
const executionStream = "execution"
