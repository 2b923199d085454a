package s3

import (
	"slices"
	"strings"

	"github.com/brookmere/brookmere/internal/awswire"
)

// What is done with each operation of the API, for the operations table: S3 is not
// bound operation by operation as the other services are. Reading and deleting a setting
// is what writing it is.
var (
	executed = []string{
		"AbortMultipartUpload", "CompleteMultipartUpload", "CopyObject", "CreateBucket", "CreateMultipartUpload",
		"DeleteBucket", "DeleteBucketTagging", "DeleteObject", "DeleteObjectTagging", "DeleteObjects",
		"GetBucketLocation", "GetBucketTagging", "GetBucketVersioning", "GetObject", "GetObjectAttributes",
		"GetObjectLegalHold", "GetObjectLockConfiguration", "GetObjectRetention", "GetObjectTagging",
		"HeadBucket", "HeadObject", "ListBuckets", "ListMultipartUploads", "ListObjectVersions", "ListObjects",
		"ListObjectsV2", "ListParts", "PutBucketTagging", "PutBucketVersioning", "PutObject", "PutObjectLegalHold",
		"PutObjectLockConfiguration", "PutObjectRetention", "PutObjectTagging", "UploadPart", "UploadPartCopy",
	}
	stored = []string{
		"DeleteBucketAnalyticsConfiguration", "DeleteBucketCors", "DeleteBucketEncryption",
		"DeleteBucketIntelligentTieringConfiguration", "DeleteBucketInventoryConfiguration", "DeleteBucketLifecycle",
		"DeleteBucketMetricsConfiguration", "DeleteBucketOwnershipControls", "DeleteBucketPolicy",
		"DeleteBucketReplication", "DeleteBucketWebsite", "DeletePublicAccessBlock",
		"GetBucketAbac", "GetBucketAccelerateConfiguration", "GetBucketAcl", "GetBucketAnalyticsConfiguration",
		"GetBucketCors", "GetBucketEncryption", "GetBucketIntelligentTieringConfiguration",
		"GetBucketInventoryConfiguration", "GetBucketLifecycle", "GetBucketLifecycleConfiguration", "GetBucketLogging",
		"GetBucketMetricsConfiguration", "GetBucketNotification", "GetBucketNotificationConfiguration",
		"GetBucketOwnershipControls", "GetBucketPolicy", "GetBucketPolicyStatus", "GetBucketReplication",
		"GetBucketRequestPayment", "GetBucketWebsite", "GetObjectAcl", "GetPublicAccessBlock",
		"ListBucketAnalyticsConfigurations", "ListBucketIntelligentTieringConfigurations",
		"ListBucketInventoryConfigurations", "ListBucketMetricsConfigurations",
		"PutBucketAbac", "PutBucketAccelerateConfiguration", "PutBucketAcl", "PutBucketAnalyticsConfiguration",
		"PutBucketCors", "PutBucketEncryption", "PutBucketIntelligentTieringConfiguration",
		"PutBucketInventoryConfiguration", "PutBucketLifecycle", "PutBucketLifecycleConfiguration", "PutBucketLogging",
		"PutBucketMetricsConfiguration", "PutBucketNotification", "PutBucketNotificationConfiguration",
		"PutBucketOwnershipControls", "PutBucketPolicy", "PutBucketReplication", "PutBucketRequestPayment",
		"PutBucketWebsite", "PutObjectAcl", "PutPublicAccessBlock",
	}
	refused = []string{
		"CreateBucketMetadataConfiguration", "CreateBucketMetadataTableConfiguration", "CreateSession",
		"DeleteBucketMetadataConfiguration", "DeleteBucketMetadataTableConfiguration",
		"GetBucketMetadataConfiguration", "GetBucketMetadataTableConfiguration", "GetObjectTorrent",
		"ListDirectoryBuckets", "RenameObject", "RestoreObject", "SelectObjectContent",
		"UpdateBucketMetadataInventoryTableConfiguration", "UpdateBucketMetadataJournalTableConfiguration",
		"UpdateObjectEncryption", "WriteGetObjectResponse",
	}
)

// OperationsTable returns the rows of the operations table.
func OperationsTable() []awswire.TableRow {
	var rows []awswire.TableRow
	for does, names := range map[string][]string{
		awswire.ModeExecutes.String(): executed,
		awswire.ModeStores.String():   stored,
		"refuses":                     refused,
	} {
		for _, name := range names {
			rows = append(rows, awswire.TableRow{Service: "S3", Operation: name, Does: does})
		}
	}
	slices.SortFunc(rows, func(a, b awswire.TableRow) int { return strings.Compare(a.Operation, b.Operation) })
	return rows
}
