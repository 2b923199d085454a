package s3

import (
	"net/http"
	"slices"
	"strings"
)

// Settings of buckets: documents that are validated, kept, and returned; what acts on them
// says so where it does.

// A setting is a sub-resource of a bucket, "?lifecycle".
type setting struct {
	sub     string // sub-resource
	name    string // in the names of operations
	action  string // in the actions of policies, if another than name
	shape   string
	before  func(*call) error        // may be nil; asked before the document is read
	check   func(*call, *node) error // may be nil; may change the document
	unset   string                   // what reading answers that has not been set; empty: missing
	missing *Error
	deletes string // name of the operation that deletes; empty: there is none
	status  int    // of a successful put; 0: 200
	list    string // it is many, told apart by ?id=: the element of their list
	lists   string // and the operation
	acts    bool   // something acts on it
	raw     bool   // it is not XML
	read    func(*call) error
	write   func(*call) error
}

const xmlns = ` xmlns="` + namespace + `"`

var errNoConfiguration = fault(404, "NoSuchConfiguration", "The specified configuration does not exist.")

func missing(code, message string) *Error { return fault(404, code, message) }

const (
	tagShape      = "Tag*{Key Value}"
	filterShape   = "Filter?{Prefix? Tag?{Key Value} ObjectSizeGreaterThan?:int ObjectSizeLessThan?:int And?{Prefix? " + tagShape + " ObjectSizeGreaterThan?:int ObjectSizeLessThan?:int}}"
	eventFilter   = "Filter?{S3Key?{FilterRule*{Name Value}}}"
	classes       = "STANDARD_IA|ONEZONE_IA|INTELLIGENT_TIERING|GLACIER|GLACIER_IR|DEEP_ARCHIVE"
	exportShape   = "Destination{S3BucketDestination{Format:CSV BucketAccountId? Bucket Prefix?}}"
	simpleFilter  = "Filter?{Prefix? Tag?{Key Value} And?{Prefix? " + tagShape + "}}"
	accessFilter  = "Filter?{Prefix? Tag?{Key Value} AccessPointArn? And?{Prefix? " + tagShape + " AccessPointArn?}}"
	redirectShape = "{HostName? HttpRedirectCode? Protocol? ReplaceKeyPrefixWith? ReplaceKeyWith?}"
)

// settingTable: sources are the operations' pages in the S3 API reference, and the API's model.
var settingTable []setting

// makeSettings fills the table: it refers to what refers to it.
func makeSettings() {
	settingTable = []setting{
		{sub: "policy", name: "BucketPolicy", deletes: "DeleteBucketPolicy", raw: true, status: 204, check: nil, acts: true,
			missing: missing("NoSuchBucketPolicy", "The bucket policy does not exist"), read: (*call).getPolicy, write: (*call).putPolicy},
		{sub: "cors", name: "BucketCors", action: "BucketCORS", deletes: "DeleteBucketCors", acts: true, check: (*call).checkCORS,
			shape:   "CORSConfiguration{CORSRule+{ID? AllowedHeader* AllowedMethod+ AllowedOrigin+ ExposeHeader* MaxAgeSeconds?:int}}",
			missing: missing("NoSuchCORSConfiguration", "The CORS configuration does not exist")},
		{sub: "tagging", name: "BucketTagging", deletes: "DeleteBucketTagging", status: 204, acts: true, check: (*call).checkBucketTags,
			shape: "Tagging{TagSet?{" + tagShape + "}}", missing: missing("NoSuchTagSet", "The TagSet does not exist")},
		{sub: "versioning", name: "BucketVersioning", acts: true, read: (*call).getVersioning, write: (*call).putVersioning},
		{sub: "object-lock", name: "ObjectLockConfiguration", action: "BucketObjectLockConfiguration", acts: true, read: (*call).getLockConfiguration, write: (*call).putLockConfiguration},
		{sub: "ownershipControls", name: "BucketOwnershipControls", deletes: "DeleteBucketOwnershipControls", acts: true, check: (*call).checkOwnership,
			shape:   "OwnershipControls{Rule+{ObjectOwnership:BucketOwnerPreferred|ObjectWriter|BucketOwnerEnforced}}",
			unset:   "<OwnershipControls" + xmlns + "><Rule><ObjectOwnership>BucketOwnerEnforced</ObjectOwnership></Rule></OwnershipControls>",
			missing: missing("OwnershipControlsNotFoundError", "The bucket ownership controls were not found")},
		{sub: "website", name: "BucketWebsite", deletes: "DeleteBucketWebsite", acts: true, check: (*call).checkWebsite,
			shape: "WebsiteConfiguration{ErrorDocument?{Key} IndexDocument?{Suffix} RedirectAllRequestsTo?{HostName Protocol?} " +
				"RoutingRules?{RoutingRule*{Condition?{HttpErrorCodeReturnedEquals? KeyPrefixEquals?} Redirect" + redirectShape + "}}}",
			missing: missing("NoSuchWebsiteConfiguration", "The specified bucket does not have a website configuration")},
		{sub: "abac", name: "BucketAbac", shape: "AbacStatus{Status:Enabled|Disabled}", unset: "<AbacStatus" + xmlns + "><Status>Disabled</Status></AbacStatus>"},
		{sub: "accelerate", name: "BucketAccelerateConfiguration", action: "AccelerateConfiguration", before: (*call).accelerable,
			shape: "AccelerateConfiguration{Status:Enabled|Suspended}", unset: "<AccelerateConfiguration" + xmlns + "/>"},
		{sub: "encryption", name: "BucketEncryption", action: "EncryptionConfiguration", deletes: "DeleteBucketEncryption", acts: true, check: (*call).checkEncryption,
			shape: "ServerSideEncryptionConfiguration{Rule+{ApplyServerSideEncryptionByDefault?{SSEAlgorithm:AES256|aws:kms|aws:kms:dsse KMSMasterKeyID?} BucketKeyEnabled?:bool BlockedEncryptionTypes?{EncryptionType*:NONE|SSE-C}}}",
			unset: "<ServerSideEncryptionConfiguration" + xmlns + "><Rule><ApplyServerSideEncryptionByDefault>" +
				"<SSEAlgorithm>AES256</SSEAlgorithm></ApplyServerSideEncryptionByDefault>" +
				"<BucketKeyEnabled>false</BucketKeyEnabled></Rule></ServerSideEncryptionConfiguration>"},
		{sub: "lifecycle", name: "BucketLifecycleConfiguration", action: "LifecycleConfiguration", deletes: "DeleteBucketLifecycle", acts: true, check: (*call).checkLifecycle,
			shape: "LifecycleConfiguration{Rule+{ID? Prefix? Status:Enabled|Disabled " + filterShape +
				" Expiration?{Date?:date Days?:int ExpiredObjectDeleteMarker?:bool} Transition*{Date?:date Days?:int StorageClass:" + classes +
				"} NoncurrentVersionTransition*{NoncurrentDays?:int StorageClass:" + classes + " NewerNoncurrentVersions?:int}" +
				" NoncurrentVersionExpiration?{NoncurrentDays?:int NewerNoncurrentVersions?:int} AbortIncompleteMultipartUpload?{DaysAfterInitiation?:int}}}",
			missing: missing("NoSuchLifecycleConfiguration", "The lifecycle configuration does not exist"), read: (*call).getLifecycle},
		{sub: "logging", name: "BucketLogging", acts: true, check: (*call).checkLogging,
			shape: "BucketLoggingStatus{LoggingEnabled?{TargetBucket TargetPrefix TargetGrants?{Grant*{Grantee{ID? DisplayName? EmailAddress? URI? Type?} Permission:FULL_CONTROL|READ|WRITE|READ_ACP|WRITE_ACP}}" +
				" TargetObjectKeyFormat?{SimplePrefix? PartitionedPrefix?{PartitionDateSource?:EventTime|DeliveryTime}}}}",
			unset: "<BucketLoggingStatus" + xmlns + "/>"},
		{sub: "notification", name: "BucketNotificationConfiguration", action: "BucketNotification", acts: true, check: (*call).checkNotification,
			shape: "NotificationConfiguration{TopicConfiguration*{Id? Topic Event+ " + eventFilter + "} QueueConfiguration*{Id? Queue Event+ " + eventFilter +
				"} CloudFunctionConfiguration*{Id? CloudFunction Event+ " + eventFilter + "} EventBridgeConfiguration?}",
			unset: "<NotificationConfiguration" + xmlns + "/>"},
		{sub: "publicAccessBlock", name: "PublicAccessBlock", action: "BucketPublicAccessBlock", deletes: "DeletePublicAccessBlock", acts: true, check: (*call).checkPublicAccess,
			shape: "PublicAccessBlockConfiguration{BlockPublicAcls?:bool IgnorePublicAcls?:bool BlockPublicPolicy?:bool RestrictPublicBuckets?:bool}",
			unset: "<PublicAccessBlockConfiguration" + xmlns + "><BlockPublicAcls>true</BlockPublicAcls>" +
				"<IgnorePublicAcls>true</IgnorePublicAcls><BlockPublicPolicy>true</BlockPublicPolicy>" +
				"<RestrictPublicBuckets>true</RestrictPublicBuckets></PublicAccessBlockConfiguration>",
			missing: missing("NoSuchPublicAccessBlockConfiguration", "The public access block configuration was not found")},
		{sub: "replication", name: "BucketReplication", action: "ReplicationConfiguration", deletes: "DeleteBucketReplication", acts: true, check: (*call).checkReplication,
			shape: "ReplicationConfiguration{Role Rule+{ID? Priority?:int Prefix? Filter?{Prefix? Tag?{Key Value} And?{Prefix? " + tagShape + "}} Status:Enabled|Disabled " +
				"SourceSelectionCriteria?{SseKmsEncryptedObjects?{Status} ReplicaModifications?{Status}} ExistingObjectReplication?{Status} " +
				"Destination{Bucket Account? StorageClass? AccessControlTranslation?{Owner} EncryptionConfiguration?{ReplicaKmsKeyID?} ReplicationTime?{Status Time{Minutes:int}} Metrics?{Status EventThreshold?{Minutes:int}}} " +
				"DeleteMarkerReplication?{Status?}}}",
			missing: missing("ReplicationConfigurationNotFoundError", "The replication configuration was not found")},
		{sub: "requestPayment", name: "BucketRequestPayment", shape: "RequestPaymentConfiguration{Payer:Requester|BucketOwner}",
			unset: "<RequestPaymentConfiguration" + xmlns + "><Payer>BucketOwner</Payer></RequestPaymentConfiguration>"},
		many("analytics", "BucketAnalyticsConfiguration", "ListBucketAnalyticsConfigurationResult", "AnalyticsConfiguration{Id "+simpleFilter+" StorageClassAnalysis{DataExport?{OutputSchemaVersion:V_1 "+exportShape+"}}}"),
		many("intelligent-tiering", "BucketIntelligentTieringConfiguration", "ListBucketIntelligentTieringConfigurationsOutput", "IntelligentTieringConfiguration{Id "+simpleFilter+" Status:Enabled|Disabled Tiering+{Days:int AccessTier:ARCHIVE_ACCESS|DEEP_ARCHIVE_ACCESS}}"),
		many("inventory", "BucketInventoryConfiguration", "ListInventoryConfigurationsResult", "InventoryConfiguration{Destination{S3BucketDestination{AccountId? Bucket Format:CSV|ORC|Parquet Prefix? Encryption?{SSE-S3? SSE-KMS?{KeyId}}}} IsEnabled:bool Filter?{Prefix} Id IncludedObjectVersions:All|Current OptionalFields?{Field*} Schedule{Frequency:Daily|Weekly}}"),
		many("metrics", "BucketMetricsConfiguration", "ListMetricsConfigurationsResult", "MetricsConfiguration{Id "+accessFilter+"}"),
	}
	for i := range settingTable {
		if t := &settingTable[i]; t.shape != "" {
			shapes[t.sub] = parseShape(t.shape)
		}
	}
}

var shapes = map[string]*shape{}

func many(sub, name, list, shape string) setting {
	check := (*call).checkMany
	if sub == "inventory" {
		check = (*call).checkInventory
	}
	return setting{sub: sub, name: name, status: 204, acts: sub == "inventory" || sub == "intelligent-tiering", list: list, lists: "List" + name + "s", deletes: "Delete" + name, shape: shape, missing: errNoConfiguration,
		action: strings.TrimPrefix(name, "Bucket"), check: check}
}

// operations are those of a setting.
func (t setting) operations() []operation {
	mode := stores
	if t.acts {
		mode = executes
	}
	action := t.action
	if action == "" {
		action = t.name
	}
	read, write := t.read, t.write
	if read == nil {
		read = func(c *call) error { return c.getSetting(&t) }
	}
	if write == nil {
		write = func(c *call) error { return c.putSetting(&t) }
	}
	sub := t.sub
	var all []operation
	if t.list != "" {
		sub += "&id"
	}
	all = append(all,
		operation{"Get" + t.name, http.MethodGet, onBucket, sub, "s3:Get" + action, mode, read},
		operation{"Put" + t.name, http.MethodPut, onBucket, sub, "s3:Put" + action, mode, write})
	if t.deletes != "" {
		name := "s3:Put" + action
		if t.sub == "policy" || t.sub == "website" {
			name = "s3:Delete" + action
		}
		all = append(all, operation{t.deletes, http.MethodDelete, onBucket, sub, name, mode, func(c *call) error { return c.deleteSetting(&t) }})
	}
	if t.list != "" {
		all = append(all, operation{t.lists, http.MethodGet, onBucket, t.sub, "s3:Get" + action, mode, func(c *call) error { return c.listSettings(&t) }})
	}
	return all
}

// settingKey is the name under which a setting is kept.
func (c *call) settingKey(t *setting) (string, error) {
	if t.list == "" {
		return t.sub, nil
	}
	id := c.query.Get("id")
	if id == "" || len(id) > 64 || strings.ContainsFunc(id, func(c rune) bool {
		return !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.ContainsRune("-_.", c))
	}) {
		return "", fault(400, "InvalidConfigurationId", "The specified configuration id is invalid.")
	}
	return t.sub + "." + id, nil
}

func (c *call) getSetting(t *setting) error {
	key, err := c.settingKey(t)
	if err != nil {
		return err
	}
	text, set := c.b.Settings[key]
	switch {
	case !set && t.unset != "":
		text = t.unset
	case text == "":
		return c.unset(t)
	}
	c.writeDocument([]byte(xmlHeader(text)), "application/xml")
	return nil
}

func xmlHeader(text string) string {
	if strings.HasPrefix(text, "<?xml") {
		return text
	}
	return "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n" + text
}

// unset is the error for a setting that is not there.
func (c *call) unset(t *setting) error {
	if t.list != "" {
		return t.missing
	}
	return t.missing.with("BucketName", c.bucket)
}

func (c *call) putSetting(t *setting) error {
	key, err := c.settingKey(t)
	if err != nil {
		return err
	}
	if t.before != nil {
		if err := t.before(c); err != nil {
			return err
		}
	}
	doc, err := c.document(shapes[t.sub])
	if err != nil {
		return err
	}
	if t.check != nil {
		if err := t.check(c, doc); err != nil {
			return err
		}
	}
	if err := c.s.buckets.update(c.bucket, func(b *bucket) error {
		if t.list != "" {
			n := 0
			for name := range b.Settings {
				if strings.HasPrefix(name, t.sub+".") && name != key {
					n++
				}
			}
			if n >= 1000 {
				return fault(400, "TooManyConfigurations", "You are attempting to create a new configuration but have already reached the 1,000-configuration limit.")
			}
		}
		if t.sub == "tagging" && len(doc.get("TagSet").all("Tag")) == 0 {
			delete(b.Settings, key) // no tags are no set of them
			return nil
		}
		b.Settings[key] = doc.String()
		if t.sub == "lifecycle" {
			b.Settings["lifecycle-size"] = c.transitionSize()
		}
		return nil
	}); err != nil {
		return err
	}
	if t.sub == "lifecycle" {
		c.say(transitionHeader, c.transitionSize())
	}
	if t.status == 204 {
		return c.noContent()
	}
	c.w.Header().Set("Content-Length", "0")
	c.w.WriteHeader(http.StatusOK)
	return nil
}

func (c *call) deleteSetting(t *setting) error {
	key, err := c.settingKey(t)
	if err != nil {
		return err
	}
	if _, set := c.b.Settings[key]; !set && t.list != "" {
		return c.unset(t)
	}
	if err := c.s.buckets.update(c.bucket, func(b *bucket) error {
		delete(b.Settings, key)
		if id, ok := strings.CutPrefix(key, "inventory."); ok {
			delete(b.Settings, inventoryDone+id)
		}
		if t.unset != "" && t.missing != nil {
			b.Settings[key] = "" // deleted is not the same as never set
		}
		return nil
	}); err != nil {
		return err
	}
	return c.noContent()
}

// listSettings lists a setting that is many, by pages of 100.
func (c *call) listSettings(t *setting) error {
	after := c.query.Get("continuation-token")
	var names []string
	for name, text := range c.b.Settings {
		if id, ok := strings.CutPrefix(name, t.sub+"."); ok && text != "" && id > after {
			names = append(names, id)
		}
	}
	slices.Sort(names)
	truncated := len(names) > 100
	if truncated {
		names = names[:100]
	}
	n := el(t.list)
	if after != "" {
		n.add("ContinuationToken", after)
	}
	for _, id := range names {
		if doc, ok := parseXML([]byte(c.b.Settings[t.sub+"."+id])); ok {
			n.Kids = append(n.Kids, doc)
		}
	}
	if truncated {
		n.add("IsTruncated", "true").add("NextContinuationToken", names[99])
	} else {
		n.add("IsTruncated", "false")
	}
	return c.writeXML(n)
}
