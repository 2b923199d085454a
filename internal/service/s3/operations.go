package s3

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/brookmere/brookmere/internal/awswire"
)

// level is what an operation is about.
type level int

const (
	onService level = iota
	onBucket
	onObject
)

// operation is an operation of the API.
type operation struct {
	name   string
	method string
	level  level
	sub    string // sub-resource that tells it; "a&b": both are there; "" for the plain one
	action string // of a policy
	mode   string
	run    func(*call) error
}

func (o *operation) refused() bool { return o.run == nil }

// do runs the operation, within what is set around every call.
func (o *operation) do(c *call) error {
	if o.run == nil {
		return errNotImplemented
	}
	chain := c.s.interceptors.Load()
	if chain == nil || len(*chain) == 0 {
		return o.run(c)
	}
	f := awswire.Facts{Service: "s3", Operation: o.name, Mode: awswire.ModeExecutes, HTTP: c.r, Decided: c.s.cfg.Decide != nil}
	if o.mode == stores {
		f.Mode = awswire.ModeStores
	}
	if o.action != "" && o.name != "PostObject" { // which asks for whom its body says, about the key there
		f.Actions = []string{o.action}
	}
	if c.b != nil {
		f.Resources = []string{arnOf(c.b, c.key)}
	} else if c.bucket != "" {
		f.Resources = []string{"arn:" + partitionOf(c.caller.Region) + ":s3:::" + c.bucket}
	}
	return awswire.Intercept(c.ctx, *chain, f, func(ctx context.Context) error {
		c.ctx = ctx
		err := o.run(c)
		if err == nil {
			return nil
		}
		if _, ok := errors.AsType[*Error](err); ok {
			return err
		}
		if e, known := errorOf(err, c.bucket, c.key); known {
			return e
		}
		return err
	})
}

const (
	executes = "executes"
	stores   = "stores"
	refuses  = "refuses"
)

// operations in the order in which they are looked for.
var operations []operation

func init() { // they refer to what refers to them
	makeSettings()
	operations = append(objectOperations(), bucketOperations()...)
	for _, t := range settingTable {
		operations = append(operations, t.operations()...)
	}
	operations = append(operations, plainOperations()...)
}

func objectOperations() []operation {
	get, put, post, del, head := http.MethodGet, http.MethodPut, http.MethodPost, http.MethodDelete, http.MethodHead
	return []operation{
		{"GetObjectAnnotation", get, onObject, "annotation&annotationName", "", refuses, nil},
		{"ListObjectAnnotations", get, onObject, "annotation", "", refuses, nil},
		{"PutObjectAnnotation", put, onObject, "annotation", "", refuses, nil},
		{"DeleteObjectAnnotation", del, onObject, "annotation", "", refuses, nil},
		{"CompleteMultipartUpload", post, onObject, "uploadId", "s3:PutObject", executes, (*call).completeUpload},
		{"CreateMultipartUpload", post, onObject, "uploads", "s3:PutObject", executes, (*call).createUpload},
		{"UploadPartCopy", put, onObject, "uploadId&partNumber&copy", "s3:PutObject", executes, (*call).uploadPartCopy},
		{"UploadPart", put, onObject, "uploadId&partNumber", "s3:PutObject", executes, (*call).uploadPart},
		{"ListParts", get, onObject, "uploadId", "s3:ListMultipartUploadParts", executes, (*call).listParts},
		{"AbortMultipartUpload", del, onObject, "uploadId", "s3:AbortMultipartUpload", executes, (*call).abortUpload},
		{"GetObjectAcl", get, onObject, "acl", "s3:GetObjectAcl", executes, (*call).getObjectACL},
		{"PutObjectAcl", put, onObject, "acl", "s3:PutObjectAcl", executes, (*call).putObjectACL},
		{"GetObjectTagging", get, onObject, "tagging", "s3:GetObjectTagging", executes, (*call).getObjectTagging},
		{"PutObjectTagging", put, onObject, "tagging", "s3:PutObjectTagging", executes, (*call).putObjectTagging},
		{"DeleteObjectTagging", del, onObject, "tagging", "s3:DeleteObjectTagging", executes, (*call).deleteObjectTagging},
		{"GetObjectRetention", get, onObject, "retention", "s3:GetObjectRetention", executes, (*call).getRetention},
		{"PutObjectRetention", put, onObject, "retention", "s3:PutObjectRetention", executes, (*call).putRetention},
		{"GetObjectLegalHold", get, onObject, "legal-hold", "s3:GetObjectLegalHold", executes, (*call).getLegalHold},
		{"PutObjectLegalHold", put, onObject, "legal-hold", "s3:PutObjectLegalHold", executes, (*call).putLegalHold},
		{"GetObjectAttributes", get, onObject, "attributes", "s3:GetObjectAttributes", executes, (*call).getAttributes},
		{"GetObjectTorrent", get, onObject, "torrent", "s3:GetObjectTorrent", refuses, nil},
		{"RestoreObject", post, onObject, "restore", "s3:RestoreObject", executes, (*call).restore},
		{"SelectObjectContent", post, onObject, "select", "s3:GetObject", executes, (*call).selectContent},
		{"RenameObject", put, onObject, "renameObject", "s3:PutObject", refuses, nil},
		{"UpdateObjectEncryption", put, onObject, "encryption", "s3:UpdateObjectEncryption", executes, (*call).updateEncryption},
		{"CopyObject", put, onObject, "copy", "s3:PutObject", executes, (*call).copyObject},
		{"GetObject", get, onObject, "", "s3:GetObject", executes, (*call).getObject},
		{"HeadObject", head, onObject, "", "s3:GetObject", executes, (*call).getObject},
		{"PutObject", put, onObject, "", "s3:PutObject", executes, (*call).putObject},
		{"DeleteObject", del, onObject, "", "s3:DeleteObject", executes, (*call).deleteObject},
		{"WriteGetObjectResponse", post, onService, "WriteGetObjectResponse", "s3:WriteGetObjectResponse", refuses, nil},
	}
}

func bucketOperations() []operation {
	get, put, post, del, head := http.MethodGet, http.MethodPut, http.MethodPost, http.MethodDelete, http.MethodHead
	return []operation{
		{"DeleteObjects", post, onBucket, "delete", "", executes, (*call).deleteObjects},
		{"GetBucketLocation", get, onBucket, "location", "s3:GetBucketLocation", executes, (*call).getLocation},
		{"GetBucketPolicyStatus", get, onBucket, "policyStatus", "s3:GetBucketPolicyStatus", executes, (*call).getPolicyStatus},
		{"GetBucketAcl", get, onBucket, "acl", "s3:GetBucketAcl", executes, (*call).getBucketACL},
		{"PutBucketAcl", put, onBucket, "acl", "s3:PutBucketAcl", executes, (*call).putBucketACL},
		{"ListMultipartUploads", get, onBucket, "uploads", "s3:ListBucketMultipartUploads", executes, (*call).listUploads},
		{"ListObjectVersions", get, onBucket, "versions", "s3:ListBucketVersions", executes, (*call).listVersions},
		{"CreateSession", get, onBucket, "session", "s3:CreateSession", refuses, nil},
		{"CreateBucketMetadataConfiguration", post, onBucket, "metadataConfiguration", "", refuses, nil},
		{"GetBucketMetadataConfiguration", get, onBucket, "metadataConfiguration", "", refuses, nil},
		{"DeleteBucketMetadataConfiguration", del, onBucket, "metadataConfiguration", "", refuses, nil},
		{"CreateBucketMetadataTableConfiguration", post, onBucket, "metadataTable", "", refuses, nil},
		{"GetBucketMetadataTableConfiguration", get, onBucket, "metadataTable", "", refuses, nil},
		{"DeleteBucketMetadataTableConfiguration", del, onBucket, "metadataTable", "", refuses, nil},
		{"UpdateBucketMetadataAnnotationTableConfiguration", put, onBucket, "metadataAnnotationTable", "", refuses, nil},
		{"UpdateBucketMetadataInventoryTableConfiguration", put, onBucket, "metadataInventoryTable", "", refuses, nil},
		{"UpdateBucketMetadataJournalTableConfiguration", put, onBucket, "metadataJournalTable", "", refuses, nil},
		{"ListObjectsV2", get, onBucket, "list-type", "s3:ListBucket", executes, (*call).listObjectsV2},
		{"HeadBucket", head, onBucket, "", "s3:ListBucket", executes, (*call).headBucket},
	}
}

// plainOperations are those that are meant when the query says nothing else.
func plainOperations() []operation {
	return []operation{
		{"ListObjects", http.MethodGet, onBucket, "", "s3:ListBucket", executes, (*call).listObjects},
		{"CreateBucket", http.MethodPut, onBucket, "", "s3:CreateBucket", executes, (*call).createBucket},
		{"DeleteBucket", http.MethodDelete, onBucket, "", "s3:DeleteBucket", executes, (*call).deleteBucket},
		{"PostObject", http.MethodPost, onBucket, "", "s3:PutObject", executes, (*call).postObject},
		{"ListDirectoryBuckets", http.MethodGet, onService, "directory", "", refuses, nil},
		{"ListBuckets", http.MethodGet, onService, "", "s3:ListAllMyBuckets", executes, (*call).listBuckets},
	}
}

// findOperation returns the operation that a request is for, nil if there is none.
func findOperation(c *call, at level) *operation {
	for i := range operations {
		o := &operations[i]
		if o.level == at && o.method == c.r.Method && o.told(c) {
			return o
		}
	}
	return nil
}

// told reports whether a request has what tells the operation.
func (o *operation) told(c *call) bool {
	if o.sub == "" {
		return true
	}
	for sub := range strings.SplitSeq(o.sub, "&") {
		ok := c.has(sub)
		switch sub {
		case "copy":
			ok = c.header("X-Amz-Copy-Source") != ""
		case "list-type":
			ok = c.query.Get(sub) == "2"
		}
		if !ok {
			return false
		}
	}
	return true
}

// OperationsTable returns the rows of the operations table.
func OperationsTable() []awswire.TableRow {
	var rows []awswire.TableRow
	seen := map[string]bool{}
	for _, o := range operations {
		if o.name == "PostObject" || seen[o.name] {
			continue
		}
		seen[o.name] = true
		rows = append(rows, awswire.TableRow{Service: "S3", Operation: o.name, Does: o.mode})
	}
	for name, as := range map[string]string{"GetBucketLifecycle": executes, "PutBucketLifecycle": executes,
		"GetBucketNotification": executes, "PutBucketNotification": executes} { // older names
		rows = append(rows, awswire.TableRow{Service: "S3", Operation: name, Does: as})
	}
	slices.SortFunc(rows, func(a, b awswire.TableRow) int { return strings.Compare(a.Operation, b.Operation) })
	return rows
}
