package lambda

import (
	"context"
	"regexp"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/brookmere/brookmere/internal/awskit/arn"
	"github.com/brookmere/brookmere/internal/awskit/scope"
)

const maxName = 64 // of a function, without what is around it in an ARN

var (
	nameForm      = regexp.MustCompile(`^[a-zA-Z0-9-_]+$`)
	qualifierForm = regexp.MustCompile(`^(\$LATEST(\.PUBLISHED)?|[a-zA-Z0-9-_]{1,128})$`)
)

// target is a function as a caller names it.
type target struct {
	scope.Scope
	name      string
	qualifier string // "": none was given
}

// parse takes a function's name, ARN or partial ARN apart.
func parse(ctx context.Context, name, qualifier *string) (target, error) {
	return parseIn(scope.Of(ctx), name, qualifier)
}

func parseIn(sc scope.Scope, name, qualifier *string) (target, error) {
	t := target{Scope: sc}
	given := aws.ToString(name)
	rest := given
	switch {
	case strings.HasPrefix(given, "arn:"):
		a, ok := arn.Parse(given)
		if !ok || a.Service != "lambda" {
			return t, invalid("Invalid function name: %s", given)
		}
		if rest, ok = a.After("function:"); !ok {
			return t, invalid("Invalid function name: %s", given)
		}
		if a.Region != t.Region {
			return t, notFound("Functions from '%s' are not reachable in this region ('%s')", a.Region, t.Region)
		}
		if a.Account != t.Account {
			return t, noFunction(given)
		}
	case strings.Contains(given, ":function:"):
		account, after, _ := strings.Cut(given, ":function:")
		if account != t.Account {
			return t, noFunction(given)
		}
		rest = after
	}
	var ok bool
	if t.name, t.qualifier, ok = strings.Cut(rest, ":"); ok && t.qualifier == "" {
		return t, invalid("Invalid function name: %s", given)
	}
	if q := aws.ToString(qualifier); q != "" {
		if t.qualifier != "" && t.qualifier != q {
			return t, invalid("The derived qualifier from the function name does not match the specified qualifier.")
		}
		t.qualifier = q
	}
	if len(t.name) > maxName {
		return t, invalid("1 validation error detected: Value '%s' at 'functionName' failed to satisfy constraint: Member must have length less than or equal to %d", t.name, maxName)
	}
	if !nameForm.MatchString(t.name) || t.qualifier != "" && !qualifierForm.MatchString(t.qualifier) {
		return t, invalid("Invalid function name: %s", given)
	}
	return t, nil
}

// ownerOf is the account in a function's ARN or partial ARN; empty in its name alone.
func ownerOf(given string) string {
	account, _, ok := strings.Cut(given, ":function:")
	if a, is := arn.Parse(given); is {
		account = a.Account
	}
	if !ok || !accountForm.MatchString(account) {
		return ""
	}
	return account
}

func (t target) arn() string { return functionARN(t.Scope, t.name, t.qualifier) }

// isVersion reports whether a qualifier is a number, and so not an alias.
func isVersion(qualifier string) bool {
	n, err := strconv.ParseInt(qualifier, 10, 64)
	return err == nil && n >= 0
}

// find returns the function that a caller names, and checks its qualifier.
func (s *Service) find(ctx context.Context, name, qualifier *string) (*functionDoc, target, error) {
	t, err := parse(ctx, name, qualifier)
	if err != nil {
		return nil, t, err
	}
	d, err := s.functions.Get(t.Key(t.name)...)
	if err != nil {
		return nil, t, err
	}
	return d, t, s.checkQualifier(d, t)
}

// checkQualifier refuses a qualifier that names nothing.
func (s *Service) checkQualifier(d *functionDoc, t target) error {
	switch {
	case t.qualifier == "" || t.qualifier == latest:
		return nil
	case isVersion(t.qualifier):
		_, err := s.versions.Get(t.Key(t.name, t.qualifier)...)
		return err
	case d.Aliases[t.qualifier] == nil:
		return noFunction(t.arn())
	}
	return nil
}

// version is the configuration that a qualifier means; of an alias, that of its main version.
func (s *Service) version(d *functionDoc, qualifier string) (*config, error) {
	if a := d.Aliases[qualifier]; a != nil {
		qualifier = a.Version
	}
	if qualifier == "" || qualifier == latest {
		return &d.Latest, nil
	}
	v, err := s.versions.Get(d.scope().Key(d.Name, qualifier)...)
	if err != nil {
		return nil, err
	}
	return &v.Config, nil
}

// unqualified parses a name that takes no qualifier but $LATEST.
func (s *Service) unqualified(ctx context.Context, name *string) (target, error) {
	t, err := parse(ctx, name, nil)
	if err == nil && t.qualifier != "" && t.qualifier != latest {
		return t, invalid("This operation is permitted on Lambda functions only. Aliases and versions do not support this operation. Please specify either a function name or an unqualified function ARN.")
	}
	return t, err
}
