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

// subResources are those that the query of a request names, of which there can be one.
func (c *call) subResources() []string {
	var subs []string
	for i := range operations {
		sub, _, _ := strings.Cut(operations[i].sub, "&")
		if sub != "" && sub != "copy" && sub != "list-type" && operations[i].level != onService && c.has(sub) && !slices.Contains(subs, sub) {
			subs = append(subs, sub)
		}
	}
	slices.Sort(subs)
	return subs
}

// misplaced refuses a request for a plain operation whose query names a sub-resource: the operation that it means is none, and the
// plain one would write, or delete, what it is not about. (Source: what S3 has been seen to answer.)
func (c *call) misplaced(at level) error {
	if subs := c.subResources(); len(subs) > 1 {
		return invalidArgument("Conflicting query string parameters: "+strings.Join(subs, ", "), "ResourceType", subs[0])
	}
	if c.op.level != at || c.op.sub != "" && c.op.sub != "copy" || c.r.Method == http.MethodHead {
		return nil
	}
	reads := c.r.Method == http.MethodGet
	if at == onObject && c.r.Method == http.MethodPut {
		switch number, upload := c.has("partNumber"), c.has("uploadId"); {
		case number && !upload:
			return invalidArgument("This operation does not accept partNumber without uploadId", "partNumber", "partNumber")
		case upload && !number:
			return errMethodNotAllowed.with("Method", c.r.Method).with("ResourceType", "UPLOAD").header("Allow", "DELETE, POST, GET")
		}
	}
	for i := range operations {
		o := &operations[i]
		sub, _, _ := strings.Cut(o.sub, "&")
		switch sub {
		case "", "copy", "uploadId", "list-type":
			continue
		}
		if !c.has(sub) || o.level == onService {
			continue
		}
		switch {
		case at == onBucket && o.level == onObject && reads:
			continue // which lists
		case at == onBucket:
			return errMethodNotAllowed.with("Method", c.r.Method).with("ResourceType", "BUCKET")
		case sub == "logging":
			return fault(400, "NoLoggingStatusForKey", "There is no such thing as the ?logging sub-resource for a key")
		case sub == "versions":
			return invalidRequest("There is no such thing as the ?versions sub-resource for a key")
		case o.level == onBucket || sub == "uploads":
			return invalidRequest("Key is not expected for the " + c.r.Method + " method ?" + sub + " subresource")
		}
		return errMethodNotAllowed.with("Method", c.r.Method).with("ResourceType", "OBJECT")
	}
	if v, ok := c.query["list-type"]; ok && at == onBucket && reads {
		return invalidArgument("Invalid List Type specified in Request", "list-type", firstOf(v))
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
