package s3

import (
	"slices"
	"strings"
	"sync"
)

// Actions that a bucket's policy may name, by what they are done to. The source is S3's page in the Service
// Authorization Reference.

// objectActions are done to objects.
var objectActions = strings.Fields(`AbortMultipartUpload BypassGovernanceRetention DeleteObject DeleteObjectTagging DeleteObjectVersion
	DeleteObjectVersionTagging GetObject GetObjectAcl GetObjectAttributes GetObjectLegalHold GetObjectRetention GetObjectTagging
	GetObjectTorrent GetObjectVersion GetObjectVersionAcl GetObjectVersionAttributes GetObjectVersionForReplication
	GetObjectVersionTagging GetObjectVersionTorrent InitiateReplication ListMultipartUploadParts ObjectOwnerOverrideToBucketOwner
	PutObject PutObjectAcl PutObjectLegalHold PutObjectRetention PutObjectTagging PutObjectVersionAcl PutObjectVersionTagging
	ReplicateDelete ReplicateObject ReplicateTags RestoreObject UpdateObjectEncryption`)

// bucketActions are done to buckets.
var bucketActions = strings.Fields(`CreateBucket CreateBucketMetadataTableConfiguration DeleteBucket DeleteBucketMetadataTableConfiguration
	DeleteBucketPolicy DeleteBucketWebsite GetAccelerateConfiguration GetAnalyticsConfiguration GetBucketAbac GetBucketAcl GetBucketCORS
	GetBucketLocation GetBucketLogging GetBucketMetadataTableConfiguration GetBucketNotification GetBucketObjectLockConfiguration
	GetBucketOwnershipControls GetBucketPolicy GetBucketPolicyStatus GetBucketPublicAccessBlock GetBucketRequestPayment GetBucketTagging
	GetBucketVersioning GetBucketWebsite GetEncryptionConfiguration GetIntelligentTieringConfiguration GetInventoryConfiguration
	GetLifecycleConfiguration GetMetricsConfiguration GetReplicationConfiguration ListBucket ListBucketMultipartUploads
	ListBucketVersions ListTagsForResource PauseReplication PutAccelerateConfiguration PutAnalyticsConfiguration PutBucketAbac
	PutBucketAcl PutBucketCORS PutBucketLogging PutBucketNotification PutBucketObjectLockConfiguration PutBucketOwnershipControls
	PutBucketPolicy PutBucketPublicAccessBlock PutBucketRequestPayment PutBucketTagging PutBucketVersioning PutBucketWebsite
	PutEncryptionConfiguration PutIntelligentTieringConfiguration PutInventoryConfiguration PutLifecycleConfiguration
	PutMetricsConfiguration PutReplicationConfiguration TagResource UntagResource
	UpdateBucketMetadataAnnotationTableConfiguration UpdateBucketMetadataInventoryTableConfiguration
	UpdateBucketMetadataJournalTableConfiguration`)

// otherActions are done to accounts, access points, jobs and what else is no bucket of this kind.
var otherActions = strings.Fields(`AssociateAccessGrantsIdentityCenter CreateAccessGrant CreateAccessGrantsInstance
	CreateAccessGrantsLocation CreateAccessPoint CreateAccessPointForObjectLambda CreateJob CreateMultiRegionAccessPoint
	CreateStorageLensGroup DeleteAccessGrant DeleteAccessGrantsInstance DeleteAccessGrantsInstanceResourcePolicy
	DeleteAccessGrantsLocation DeleteAccessPoint DeleteAccessPointForObjectLambda DeleteAccessPointPolicy
	DeleteAccessPointPolicyForObjectLambda DeleteJobTagging DeleteMultiRegionAccessPoint DeleteStorageLensConfiguration
	DeleteStorageLensConfigurationTagging DeleteStorageLensGroup DescribeJob DescribeMultiRegionAccessPointOperation
	DissociateAccessGrantsIdentityCenter GetAccessGrant GetAccessGrantsInstance GetAccessGrantsInstanceForPrefix
	GetAccessGrantsInstanceResourcePolicy GetAccessGrantsLocation GetAccessPoint GetAccessPointConfigurationForObjectLambda
	GetAccessPointForObjectLambda GetAccessPointPolicy GetAccessPointPolicyForObjectLambda GetAccessPointPolicyStatus
	GetAccessPointPolicyStatusForObjectLambda GetAccountPublicAccessBlock GetDataAccess GetJobTagging GetMultiRegionAccessPoint
	GetMultiRegionAccessPointPolicy GetMultiRegionAccessPointPolicyStatus GetMultiRegionAccessPointRoutes
	GetStorageLensConfiguration GetStorageLensConfigurationTagging GetStorageLensDashboard GetStorageLensGroup ListAccessGrants
	ListAccessGrantsInstances ListAccessGrantsLocations ListAccessPoints ListAccessPointsForObjectLambda ListAllMyBuckets
	ListCallerAccessGrants ListJobs ListMultiRegionAccessPoints ListStorageLensConfigurations ListStorageLensGroups
	PutAccessGrantsInstanceResourcePolicy PutAccessPointConfigurationForObjectLambda PutAccessPointPolicy
	PutAccessPointPolicyForObjectLambda PutAccessPointPublicAccessBlock PutAccountPublicAccessBlock PutJobTagging
	PutMultiRegionAccessPointPolicy PutStorageLensConfiguration PutStorageLensConfigurationTagging SubmitMultiRegionAccessPointRoutes
	UpdateAccessGrantsLocation UpdateJobPriority UpdateJobStatus UpdateStorageLensGroup`)

// lowered are the three lists as patterns are compared with them.
var lowered = sync.OnceValue(func() (l [3][]string) {
	for i, list := range [][]string{bucketActions, objectActions, otherActions} {
		for _, a := range list {
			l[i] = append(l[i], "s3:"+strings.ToLower(a))
		}
	}
	return l
})

// actionKinds reports whether an action of a policy, which may be a pattern, is one that S3 has, and whether it is
// done to buckets and to objects.
func actionKinds(action string) (known, bucket, object bool) {
	pattern := strings.ToLower(action)
	has := func(list []string) bool {
		return slices.ContainsFunc(list, func(a string) bool { return wildcardMatch(pattern, a) })
	}
	l := lowered()
	bucket, object = has(l[0]), has(l[1])
	return bucket || object || has(l[2]), bucket, object
}

// checkActions refuses actions that S3 does not have, and ones that no resource of their statement could be the
// object of.
func checkActions(actions, resources []string) error {
	buckets, objects := false, false
	for _, r := range resources {
		name := r
		if _, path, ok := strings.Cut(r, ":::"); ok { // keys, and variables in them, may have colons
			name = path
		}
		slash := strings.Contains(name, "/")
		objects = objects || slash || strings.ContainsAny(name, "*?")
		buckets = buckets || !slash
	}
	for _, action := range actions {
		if strings.HasPrefix(strings.ToLower(action), "s3-object-lambda:") {
			continue
		}
		known, bucket, object := actionKinds(action)
		if !known {
			return malformedPolicy("Policy has invalid action")
		}
		if len(resources) > 0 && !(bucket && buckets) && !(object && objects) {
			return malformedPolicy("Action does not apply to any resource(s) in statement")
		}
	}
	return nil
}
