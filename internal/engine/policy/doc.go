// Package policy evaluates policy documents in the language of IAM.
//
// Parse compiles a document once; Evaluate is a pure function of a request and the policies that
// apply to it, and names the statement that decided. Nothing here does I/O, and a Document is never
// changed after Parse, so all of it may be used by any number of goroutines.
//
// # How a request is decided
//
// A statement applies when its principal (in policies of resources), action, resource and conditions
// all match. Then, in this order:
//
//  1. A Deny that applies, in whichever policy, denies.
//  2. The account's root is allowed in its own account.
//  3. In one account a resource's policy is enough by itself when it names the user, the session, or
//     everyone. What it grants to a role, or to the user behind a federated user, still needs the
//     boundary (of the role) and the session policies. What it grants to the account is a delegation: the
//     identity's own policies must allow as well.
//  4. Otherwise the identity's policies must allow, and its permissions boundary and session policies,
//     where there are any, must too.
//  5. Across accounts both sides must allow: the resource's policy, and the identity's as in 4.
//
// A resource whose policy is the only door (the trust policy of a role) says so in the request: then
// the policies of the identity alone never suffice.
//
// # Matching
//
// Actions match without regard to case. "*" stands for any text, "?" for one character. An ARN's six
// parts are matched one by one, so that a wildcard does not cross into the next part; a resource with
// fewer parts is completed with wildcards. The text that a policy variable stands for is literal:
// wildcards in it are none. A variable without a value, and without a default, makes its pattern match
// nothing.
//
// The partition of an ARN decides nothing. A node is one partition, whose resources answer to the names of all: which
// one an ARN names follows from the region that a request was signed for, which its sender chooses, so that a Deny of
// arn:aws:s3:::lake/* would be passed by who signs for cn-north-1. "aws", "aws-cn", "aws-us-gov" and their like are one
// in resources, in principals and providers, and in conditions: in those on ARNs, and in those on the text of a key
// that holds an ARN (aws:PrincipalArn, aws:SourceArn, iam:PolicyARN), which hold if they hold for one of its names, and
// negated if for none. Texts that may be anything, as tags and keys of items, are compared as they are.
//
// A key that a request does not have fails an operator, satisfies a negated one, one with IfExists, and
// one with ForAllValues. Without a set operator a key of several values matches when one of them does,
// and a negated operator when none does.
package policy
