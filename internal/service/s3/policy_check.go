package s3

import (
	"encoding/json"
	"errors"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"github.com/brookmere/brookmere/internal/engine/policy"
)

// What S3 says of a policy that it does not take, in its own words and order: what the document has and lacks, then its
// principals, actions, resources and conditions. (Source: what S3 has been seen to answer to such policies.)

// statementFields are what a statement may have, by what it must have one of.
var statementFields = map[string]string{
	"Effect": "Effect", "Principal": "Principal", "NotPrincipal": "Principal", "Action": "Action", "NotAction": "Action",
	"Resource": "Resource", "NotResource": "Resource", "Sid": "", "Condition": "",
}

// requiredFields are what a statement must have, in the order in which S3 misses it.
var requiredFields = []string{"Effect", "Principal", "Action", "Resource"}

var errPolicySyntax = malformedPolicy("Invalid policy syntax.")

// checkFields refuses a policy whose elements are not those of a policy.
func checkFields(text string) error {
	var top map[string]json.RawMessage
	if json.Unmarshal([]byte(text), &top) != nil {
		return malformedPolicy("This policy contains invalid Json")
	}
	for _, name := range slices.Sorted(maps.Keys(top)) {
		switch name {
		case "Version", "Id", "Statement":
		default:
			return malformedPolicy("Unknown field " + name)
		}
	}
	if top["Statement"] == nil {
		return malformedPolicy("Missing required field Statement")
	}
	var list []map[string]json.RawMessage
	if json.Unmarshal(top["Statement"], &list) != nil {
		list = make([]map[string]json.RawMessage, 1)
		if json.Unmarshal(top["Statement"], &list[0]) != nil {
			return errPolicySyntax
		}
	}
	if len(list) == 0 {
		return malformedPolicy("Could not parse the policy: Statement is empty!")
	}
	for _, s := range list {
		has := map[string]bool{}
		for _, name := range slices.Sorted(maps.Keys(s)) {
			field, known := statementFields[name]
			if !known {
				return malformedPolicy("Unknown field " + name)
			}
			has[field] = true
		}
		for _, name := range requiredFields {
			if !has[name] {
				return malformedPolicy("Missing required field " + name)
			}
		}
		var effect string
		if json.Unmarshal(s["Effect"], &effect) != nil {
			return errPolicySyntax
		}
		if effect != "Allow" && effect != "Deny" {
			return malformedPolicy("Invalid effect: " + effect)
		}
	}
	return nil
}

// keyUses says of condition keys of S3 which actions they are for: those that list, or those that write.
var (
	listingKeys = []string{"s3:prefix", "s3:delimiter", "s3:max-keys"}
	writingKeys = []string{"s3:x-amz-acl", "s3:x-amz-copy-source", "s3:x-amz-metadata-directive", "s3:x-amz-server-side-encryption",
		"s3:x-amz-server-side-encryption-aws-kms-key-id", "s3:x-amz-server-side-encryption-customer-algorithm", "s3:x-amz-storage-class",
		"s3:x-amz-grant-full-control", "s3:x-amz-grant-read", "s3:x-amz-grant-read-acp", "s3:x-amz-grant-write", "s3:x-amz-grant-write-acp",
		"s3:x-amz-website-redirect-location"}
	otherKeys = []string{"s3:accessgrantsinstancearn", "s3:accessgrantscope", "s3:accesspointnetworkorigin", "s3:accesspointtag", "s3:annotationname",
		"s3:annotationprefix", "s3:authtype", "s3:buckettag", "s3:dataaccesspointaccount", "s3:dataaccesspointarn", "s3:destinationregion",
		"s3:existingjoboperation", "s3:existingjobpriority", "s3:existingobjecttag", "s3:if-match", "s3:if-none-match",
		"s3:inventoryaccessibleoptionalfields", "s3:isreplicationpauserequest", "s3:jobsuspendedcause", "s3:locationconstraint",
		"s3:object-lock-legal-hold", "s3:object-lock-mode", "s3:object-lock-retain-until-date", "s3:requestobjecttagkeys",
		"s3:object-lock-remaining-retention-days", "s3:objectcreationoperation", "s3:requestjoboperation", "s3:requestjobpriority",
		"s3:requestobjecttag", "s3:resourceaccount", "s3:signatureage", "s3:signatureversion", "s3:tlsversion", "s3:versionid",
		"s3:x-amz-bucket-namespace", "s3:x-amz-content-sha256", "s3:x-amz-object-ownership", "s3:x-amz-sdk-checksum-algorithm"}
)

// checkConditions refuses operators and keys that S3 does not know, values that are no addresses, and keys that say nothing
// of the actions of their statement.
func checkConditions(actions oneOrMany, conditions map[string]map[string]any) error {
	for _, operator := range slices.Sorted(maps.Keys(conditions)) {
		if !policy.IsOperator(operator) {
			return malformedPolicy("Invalid Condition type : " + operator)
		}
		for _, name := range slices.Sorted(maps.Keys(conditions[operator])) {
			key := strings.ToLower(name)
			if base, _, tagged := strings.Cut(key, "/"); tagged {
				key = base
			}
			of := map[bool]string{true: "list", false: ""}[slices.Contains(listingKeys, key)]
			switch {
			case slices.Contains(writingKeys, key):
				of = "write"
			case of == "" && strings.HasPrefix(key, "s3:") && !slices.Contains(otherKeys, key):
				return malformedPolicy("Policy has an invalid condition key")
			}
			for _, action := range actions {
				if of != "" && isOther(strings.ToLower(action), of) {
					return malformedPolicy("Conditions do not apply to combination of actions and resources in statement")
				}
			}
			if strings.Contains(strings.ToLower(operator), "ipaddress") && !addresses(conditions[operator][name]) {
				return malformedPolicy("Invalid IP address in Conditions")
			}
		}
	}
	return nil
}

// isOther reports whether an action, which is no pattern, is one of those that keys for listing, or for writing, say nothing of.
func isOther(action, of string) bool {
	switch {
	case strings.ContainsAny(action, "*?"):
		return false
	case action == "s3:getobject", action == "s3:getobjectversion", action == "s3:deleteobject", action == "s3:deleteobjectversion":
		return true
	case of == "list":
		return action == "s3:putobject" || action == "s3:putobjectacl"
	}
	return action == "s3:listbucket" || action == "s3:listbucketversions"
}

// addresses reports whether values are addresses, or ranges of them, or variables that may become some.
func addresses(values any) bool {
	list, ok := values.([]any)
	if !ok {
		list = []any{values}
	}
	for _, v := range list {
		text, ok := v.(string)
		if !ok {
			return false
		}
		if strings.Contains(text, "${") {
			continue
		}
		_, aerr := netip.ParseAddr(text)
		_, perr := netip.ParsePrefix(text)
		if aerr != nil && perr != nil {
			return false
		}
	}
	return true
}

// checkPolicy validates a bucket's policy.
func checkPolicy(b *bucket, text string) error {
	if err := checkFields(text); err != nil {
		return err
	}
	var doc policyDocument
	if err := json.Unmarshal([]byte(text), &doc); err != nil {
		return errPolicySyntax
	}
	for _, s := range doc.Statement {
		for _, resource := range s.Resource {
			name := resource
			if _, path, ok := strings.Cut(resource, ":::"); ok {
				name = path
			}
			name, _, _ = strings.Cut(name, "/")
			if !strings.HasPrefix(resource, "arn:") && resource != "*" || resource != "*" && !wildcardMatch(name, b.Name) {
				return malformedPolicy("Policy has invalid resource")
			}
		}
		if err := checkActions(s.Action, s.Resource); err != nil {
			return err
		}
		if err := checkConditions(s.Action, s.Condition); err != nil {
			return err
		}
	}
	if _, err := policy.Parse(withoutCanonical(text), policy.Resource); err != nil {
		message := err.Error()
		if e, ok := errors.AsType[*policy.SyntaxError](err); ok {
			message = e.Message
		}
		switch {
		case strings.Contains(strings.ToLower(message), "principal"):
			message = "Invalid principal in policy"
		case message == "Syntax errors in policy.":
			return errPolicySyntax
		case strings.HasPrefix(message, "Statement IDs"):
			message = "The Statement Ids in the policy are not unique"
		case message == "Policy statement must contain actions.":
			message = "Policy has invalid action"
		case message == "Policy statement must contain resources.":
			message = "Policy has invalid resource"
		}
		return malformedPolicy(message)
	}
	return nil
}
