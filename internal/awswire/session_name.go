package awswire

import "strings"

// sessionName is the name of the session in which a service acts as a role for the resource of an ARN, as AWS's services
// name theirs: it is in the ARN of who calls, which policies and denials name.
func sessionName(service, resource string) string {
	parts := strings.SplitN(resource, ":", 6) // arn:partition:service:region:account:what
	what := parts[len(parts)-1]
	switch service {
	case "lambda.amazonaws.com":
		if name, ok := strings.CutPrefix(what, "function:"); ok {
			name, _, _ = strings.Cut(name, ":")
			return name
		}
	case "glue.amazonaws.com":
		switch {
		case strings.HasPrefix(what, "job/"):
			return "GlueJobRunnerSession"
		case strings.HasPrefix(what, "crawler/"):
			return "AWS-Crawler"
		}
	case "apigateway.amazonaws.com":
		return "BackplaneAssumeRoleSession"
	}
	name, _, _ := strings.Cut(service, ".")
	return name
}
