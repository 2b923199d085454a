package policy

import "strings"

// partitions are those that AWS's endpoints have. Decisions tell none from another: see the package comment.
var partitions = []string{"aws", "aws-cn", "aws-us-gov", "aws-iso", "aws-iso-b", "aws-iso-e", "aws-iso-f", "aws-eusc"}

// splitPartition takes the partition out of an ARN: "arn:" + partition + ":" + rest. It returns false for a text that is
// not the ARN of a partition.
func splitPartition(arn string) (partition, rest string, ok bool) {
	after, ok := strings.CutPrefix(arn, "arn:")
	if !ok {
		return "", "", false
	}
	partition, rest, ok = strings.Cut(after, ":")
	return partition, rest, ok && isPartition(partition)
}

func isPartition(s string) bool { return s == "aws" || strings.HasPrefix(s, "aws-") }

// canonicalARN is the ARN in the partition "aws"; a text that is not an ARN is returned as it is.
func canonicalARN(arn string) string {
	partition, rest, ok := splitPartition(arn)
	if !ok || partition == "aws" {
		return arn
	}
	return "arn:aws:" + rest
}

// hasARN reports whether a list of canonical ARNs has one, by the name of whichever partition.
func hasARN(list []string, arn string) bool {
	return len(list) > 0 && has(list, canonicalARN(arn))
}

// matchesPartition reports whether the pattern of an ARN's second part matches: one that admits a partition admits all.
func (g *glob) matchesPartition(partition string, keys Keys) bool {
	if !isPartition(partition) {
		return g.matches(partition, keys, false)
	}
	if g.exact && isPartition(g.text) {
		return true
	}
	if g.matches(partition, keys, false) {
		return true
	}
	for _, name := range partitions {
		if g.matches(name, keys, false) {
			return true
		}
	}
	return false
}

// arnKeys are the condition keys that hold ARNs and whose names do not end with "arn".
var arnKeys = map[string]bool{
	"iam:permissionsboundary": true, "aws:federatedprovider": true, "lambda:layer": true, "sns:endpoint": true, "kms:granteeprincipal": true,
	"kms:retiringprincipal": true, "s3:x-amz-server-side-encryption-aws-kms-key-id": true,
}

// holdsARNs reports whether the values of a condition key, in lower case, are ARNs. Those of tags, of encryption
// contexts and of the claims of a token are whatever somebody wrote.
func holdsARNs(key string) bool {
	vendor, name, _ := strings.Cut(key, ":")
	return arnKeys[key] || strings.HasSuffix(name, "arn") && !strings.ContainsAny(name, ":/") && !strings.Contains(vendor, ".")
}

// anyPartition has a comparison with a text hold for an ARN if it holds for one of its names: the same ARN in another
// partition.
func anyPartition(text string, compare comparison) comparison {
	names := partitions
	if written, _, ok := splitPartition(strings.ToLower(text)); ok && !strings.ContainsAny(written, "*?$") {
		names = []string{written} // the others cannot be what it is compared with
	}
	return func(v string, keys Keys) bool {
		if compare(v, keys) {
			return true
		}
		given, rest, ok := splitPartition(v)
		if !ok {
			return false
		}
		for _, name := range names {
			if name != given && compare("arn:"+name+":"+rest, keys) {
				return true
			}
		}
		return false
	}
}
