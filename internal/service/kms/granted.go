package kms

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/brookmere/brookmere/internal/awskit/arn"
	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/keyring"
)

// What grants allow. A grant is a statement more in the policy of its key, for its grantee: so a Deny, a permissions
// boundary and the policies of a session limit it as they limit a policy. Its constraints are conditions on keys that
// this service alone answers, since they tell capitals in the names of an encryption context apart, which condition
// keys do not.

const (
	pairKey  = "kms:grantpair/"   // and the name of a pair of the encryption context: its value; both in hexadecimal
	wholeKey = "kms:grantcontext" // the digest of the encryption context as a whole
	limitKey = "kms:grantlimit"   // the digest of the context that a new grant demands as a whole
)

type statement struct {
	Effect    string
	Principal map[string]string
	Action    []string
	Resource  string
	Condition map[string]map[string]any `json:",omitempty"`
}

// contextual are the operations of grants that have an encryption context.
var contextual = []types.GrantOperation{
	types.GrantOperationEncrypt, types.GrantOperationDecrypt, types.GrantOperationGenerateDataKey, types.GrantOperationGenerateDataKeyWithoutPlaintext,
	types.GrantOperationReEncryptFrom, types.GrantOperationReEncryptTo, types.GrantOperationGenerateDataKeyPair,
	types.GrantOperationGenerateDataKeyPairWithoutPlaintext,
}

// operationsOf are the operations that a grant of a key may have.
func operationsOf(k *keyDoc) []types.GrantOperation {
	all := []types.GrantOperation{types.GrantOperationCreateGrant, types.GrantOperationRetireGrant, types.GrantOperationDescribeKey}
	switch types.KeyUsageType(k.Usage) {
	case types.KeyUsageTypeEncryptDecrypt:
		if k.Spec == keyring.Symmetric {
			return append(all, contextual...)
		}
		return append(all, types.GrantOperationEncrypt, types.GrantOperationDecrypt, types.GrantOperationReEncryptFrom, types.GrantOperationReEncryptTo, types.GrantOperationGetPublicKey)
	case types.KeyUsageTypeSignVerify:
		return append(all, types.GrantOperationSign, types.GrantOperationVerify, types.GrantOperationGetPublicKey)
	case types.KeyUsageTypeGenerateVerifyMac:
		return append(all, types.GrantOperationGenerateMac, types.GrantOperationVerifyMac)
	}
	return append(all, types.GrantOperationDeriveSharedSecret, types.GrantOperationGetPublicKey)
}

// maxPairs is how many pairs of an encryption context a constraint has at most.
const maxPairs = 8

// checkGrant refuses what a grant of the key cannot be.
func checkGrant(k *keyDoc, g *grantDoc) error {
	if !isPrincipal(g.Grantee) || g.Retiring != "" && !isPrincipal(g.Retiring) {
		return &types.InvalidArnException{Message: message("ARN does not refer to a valid principal")}
	}
	able, constrained := operationsOf(k), false
	for _, o := range g.Operations {
		if !slices.Contains(able, o) {
			return invalid("Operation %s is not valid for a grant of %s, whose key spec is %s.", o, k.arn(), k.Spec)
		}
		constrained = constrained || slices.Contains(contextual, o)
	}
	l := g.Limits
	if l == nil || l.EncryptionContextEquals == nil && l.EncryptionContextSubset == nil {
		return nil
	}
	if !constrained || k.Spec != keyring.Symmetric {
		return invalid("Grant constraints are for operations of symmetric keys that have an encryption context.")
	}
	for _, pairs := range []map[string]string{l.EncryptionContextEquals, l.EncryptionContextSubset} {
		if len(pairs) > maxPairs {
			return invalid("A grant constraint has at most %d pairs of an encryption context.", maxPairs)
		}
	}
	return nil
}

// isPrincipal reports whether text names a principal of IAM, or a service.
func isPrincipal(text string) bool {
	if strings.HasSuffix(text, ".amazonaws.com") {
		return !strings.ContainsAny(text, "*?/: ")
	}
	a, ok := arn.Parse(text)
	if !ok || a.Service != "iam" && a.Service != "sts" || a.Region != "" || strings.ContainsAny(text, "*?") ||
		len(a.Account) != 12 || strings.Trim(a.Account, "0123456789") != "" {
		return false
	}
	kind, name, _ := strings.Cut(a.Resource, "/")
	return a.Resource == "root" || name != "" && slices.Contains([]string{"user", "role", "assumed-role", "federated-user"}, kind)
}

// concerns reports whether a grant may be for a caller: the policy, which has it as a statement, says whether it is.
func (g *grantDoc) concerns(c awswire.Caller) bool {
	return g.Grantee == c.Principal || c.Session != nil && (g.Grantee == c.Session.Source || g.Grantee == c.Session.Service) ||
		g.Grantee == arn.Global("iam", g.Region, g.Account, "root")
}

func digest(pairs map[string]string) string {
	text, err := json.Marshal(pairs) // in the order of names
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

func encoded(text string) string { return hex.EncodeToString([]byte(text)) }

// conditions are those of a grant's constraints; whole is the key for all of a context.
func (g *grantDoc) conditions(whole string) map[string]map[string]any {
	l := g.Limits
	if l == nil {
		return nil
	}
	equal := map[string]any{}
	for name, value := range l.EncryptionContextSubset {
		equal[pairKey+encoded(name)] = encoded(value)
	}
	if l.EncryptionContextEquals != nil {
		equal[whole] = digest(l.EncryptionContextEquals)
	}
	if len(equal) == 0 {
		return nil
	}
	return map[string]map[string]any{"StringEquals": equal}
}

// statements are what a grant adds to the policy of its key.
func (g *grantDoc) statements() []statement {
	who := map[string]string{"AWS": g.Grantee}
	if strings.HasSuffix(g.Grantee, ".amazonaws.com") {
		who = map[string]string{"Service": g.Grantee}
	}
	var with, without []string
	var list []statement
	for _, o := range g.Operations {
		switch {
		case slices.Contains(contextual, o):
			with = append(with, "kms:"+string(o))
		case o == types.GrantOperationCreateGrant: // of no more than this one allows
			limits := g.conditions(limitKey)
			if limits == nil {
				limits = map[string]map[string]any{}
			}
			limits["ForAllValues:StringEquals"] = map[string]any{"kms:GrantOperations": g.Operations}
			list = append(list, statement{"Allow", who, []string{"kms:CreateGrant"}, "*", limits})
		case o == types.GrantOperationRetireGrant: // of this one, and of no other of the key: mayRetire
		default:
			without = append(without, "kms:"+string(o))
		}
	}
	if len(with) > 0 {
		list = append(list, statement{"Allow", who, with, "*", g.conditions(wholeKey)})
	}
	if len(without) > 0 {
		list = append(list, statement{"Allow", who, without, "*", nil})
	}
	return list
}

// withGrants is a key's policy with what its grants allow the caller of ctx.
func (s *Service) withGrants(ctx context.Context, k *keyDoc) (string, error) {
	c := awswire.CallerFrom(ctx)
	var added []statement
	for item, err := range s.grants.List(k.Account, k.Region, k.ID) {
		if err != nil {
			return "", err
		}
		if g := item.Value; g.concerns(c) {
			added = append(added, g.statements()...)
		}
	}
	if len(added) == 0 {
		return k.Policy, nil
	}
	var doc map[string]json.RawMessage
	if err := json.Unmarshal([]byte(k.Policy), &doc); err != nil {
		return "", err
	}
	var all []json.RawMessage
	if json.Unmarshal(doc["Statement"], &all) != nil {
		all = []json.RawMessage{doc["Statement"]} // a policy may have one, without a list
	}
	for _, st := range added {
		raw, err := json.Marshal(st)
		if err != nil {
			return "", err
		}
		all = append(all, raw)
	}
	raw, err := json.Marshal(all)
	if err != nil {
		return "", err
	}
	doc["Statement"] = raw
	raw, err = json.Marshal(doc)
	return string(raw), err
}

// contextKeys are the condition keys of a call with an encryption context.
func contextKeys(c awswire.Caller, encryption map[string]string) map[string][]string {
	keys := map[string][]string{"kms:CallerAccount": {c.Of()}, wholeKey: {digest(encryption)}}
	if encryption == nil {
		keys[wholeKey] = []string{digest(map[string]string{})}
	}
	for name, value := range encryption {
		keys["kms:EncryptionContext:"+name] = []string{value}
		keys["kms:EncryptionContextKeys"] = append(keys["kms:EncryptionContextKeys"], name)
		keys[pairKey+encoded(name)] = []string{encoded(value)}
	}
	return keys
}

// grantKeys are the condition keys of a new grant.
func grantKeys(c awswire.Caller, grantee, retiring *string, operations []types.GrantOperation, l *types.GrantConstraints) map[string][]string {
	keys := map[string][]string{"kms:CallerAccount": {c.Of()}, "kms:GrantIsForAWSResource": {"false"}}
	if c.Session != nil && c.Session.Service != "" || c.Via != "" {
		keys["kms:GrantIsForAWSResource"] = []string{"true"}
	}
	if grantee != nil {
		keys["kms:GranteePrincipal"] = []string{*grantee}
	}
	if retiring != nil {
		keys["kms:RetiringPrincipal"] = []string{*retiring}
	}
	for _, o := range operations {
		keys["kms:GrantOperations"] = append(keys["kms:GrantOperations"], string(o))
	}
	if l == nil {
		return keys
	}
	add := func(kind string, pairs map[string]string) {
		if pairs == nil {
			return
		}
		keys["kms:GrantConstraintType"] = append(keys["kms:GrantConstraintType"], kind)
		for name, value := range pairs {
			keys[pairKey+encoded(name)] = []string{encoded(value)}
		}
	}
	add("EncryptionContextSubset", l.EncryptionContextSubset)
	add("EncryptionContextEquals", l.EncryptionContextEquals)
	if l.EncryptionContextEquals != nil {
		keys[limitKey] = []string{digest(l.EncryptionContextEquals)}
	}
	return keys
}

// mayRetire returns nil where the caller may retire a grant: its retiring principal, its grantee if it says so, the
// account, and whom the policies allow it.
func (s *Service) mayRetire(ctx context.Context, g *grantDoc) error {
	c := awswire.CallerFrom(ctx)
	is := func(principal string) bool {
		return principal != "" && (principal == c.Principal || c.Session != nil && principal == c.Session.Source ||
			c.Session == nil && c.Principal == "" && !c.Anonymous && principal == arn.Global("iam", g.Region, c.Of(), "root"))
	}
	if is(g.Retiring) || is(g.Grantee) && slices.Contains(g.Operations, types.GrantOperationRetireGrant) || s.decide == nil {
		return nil
	}
	return s.decide(ctx, "kms:RetireGrant", arn.New("kms", g.Region, g.Account, "key/"+g.Key), nil)
}
