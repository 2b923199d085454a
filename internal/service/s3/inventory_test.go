package s3

import (
	"compress/gzip"
	"context"
	"crypto/md5"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/jonboulle/clockwork"
	pq "github.com/parquet-go/parquet-go"

	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/policy"
)

func inventoryOf(id, bucket, format, frequency string, all bool, fields ...types.InventoryOptionalField) *types.InventoryConfiguration {
	c := &types.InventoryConfiguration{
		Id: &id, IsEnabled: aws.Bool(true), IncludedObjectVersions: types.InventoryIncludedObjectVersionsCurrent, OptionalFields: fields,
		Schedule: &types.InventorySchedule{Frequency: types.InventoryFrequency(frequency)},
		Destination: &types.InventoryDestination{S3BucketDestination: &types.InventoryS3BucketDestination{
			Bucket: aws.String("arn:aws:s3:::" + bucket), Format: types.InventoryFormat(format), Prefix: aws.String("inv")}},
	}
	if all {
		c.IncludedObjectVersions = types.InventoryIncludedObjectVersionsAll
	}
	return c
}

// TestInventory: lists of a bucket come once a day or a week, with a manifest whose checksums hold and a list of the
// files for Hive.
func TestInventory(t *testing.T) {
	clock := clockwork.NewFakeClockAt(time.Date(2026, 11, 25, 13, 30, 0, 0, time.UTC)) // a Wednesday
	n := openConfig(t, Config{Dir: filepath.Join(t.TempDir(), "objects"), Clock: clock})
	c := n.client("000000000000", "us-east-1")
	for _, b := range []string{"source", "lists"} {
		makeBucket(t, c, b)
	}
	must(c.PutBucketVersioning(t.Context(), &s3.PutBucketVersioningInput{Bucket: aws.String("source"), VersioningConfiguration: &types.VersioningConfiguration{Status: "Enabled"}}))(t)
	put(t, c, "source", `a "b", ü/1`, "one")
	put(t, c, "source", "k", "old")
	put(t, c, "source", "k", "newer")
	must(c.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: aws.String("source"), Key: aws.String("k")}))(t)
	configure := func(config *types.InventoryConfiguration) {
		t.Helper()
		must(c.PutBucketInventoryConfiguration(t.Context(), &s3.PutBucketInventoryConfigurationInput{Bucket: aws.String("source"), Id: config.Id, InventoryConfiguration: config}))(t)
	}
	configure(inventoryOf("daily", "lists", "CSV", "Daily", true, "Size", "ETag", "StorageClass", "EncryptionStatus"))
	configure(inventoryOf("weekly", "lists", "Parquet", "Weekly", false, "LastModifiedDate", "Size", "ObjectOwner", "ObjectAccessControlList"))
	run := func() {
		t.Helper()
		if err := n.Inventories(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	run()
	read := func(at string) (m manifest) {
		t.Helper()
		text := get(t, c, "lists", at+"manifest.json")
		sum := md5.Sum([]byte(text))
		if got := get(t, c, "lists", at+"manifest.checksum"); got != hex.EncodeToString(sum[:]) {
			t.Errorf("%s: checksum %q of the manifest", at, got)
		}
		if err := json.Unmarshal([]byte(text), &m); err != nil {
			t.Fatal(err)
		}
		for _, f := range m.Files {
			data := get(t, c, "lists", f.Key)
			if sum := md5.Sum([]byte(data)); int64(len(data)) != f.Size || hex.EncodeToString(sum[:]) != f.MD5 {
				t.Errorf("%s: %d bytes, of %d", f.Key, len(data), f.Size)
			}
		}
		return m
	}
	m := read("inv/source/daily/2026-11-25T00-00Z/")
	if m.FileSchema != "Bucket, Key, VersionId, IsLatest, IsDeleteMarker, Size, ETag, StorageClass, EncryptionStatus" || m.FileFormat != "CSV" || m.SourceBucket != "source" ||
		m.DestinationBucket != "arn:aws:s3:::lists" || m.Version != "2016-11-30" || len(m.Files) != 1 {
		t.Fatalf("manifest %+v", m)
	}
	links := get(t, c, "lists", "inv/source/daily/hive/dt=2026-11-25-00-00/symlink.txt")
	if links != "s3://lists/"+m.Files[0].Key+"\n" {
		t.Errorf("links %q", links)
	}
	unzipped := must(gzip.NewReader(strings.NewReader(get(t, c, "lists", m.Files[0].Key))))(t)
	rows := must(csv.NewReader(unzipped).ReadAll())(t)
	var got []string
	for _, r := range rows {
		got = append(got, fmt.Sprint(r[1], " ", r[3], " ", r[4], " ", r[5], " ", r[7], " ", r[8]))
	}
	want := "a+%22b%22%2C+%C3%BC/1 true false 3 STANDARD SSE-S3|k true true   |k false false 5 STANDARD SSE-S3|k false false 3 STANDARD SSE-S3"
	if strings.Join(got, "|") != want {
		t.Errorf("rows %q", got)
	}

	m = read("inv/source/weekly/2026-11-22T00-00Z/")
	type row struct {
		Bucket string  `parquet:"bucket"`
		Key    string  `parquet:"key"`
		Size   *int64  `parquet:"size,optional"`
		At     *int64  `parquet:"last_modified_date,optional,timestamp(millisecond)"`
		ACL    *string `parquet:"object_access_control_list,optional"`
		Owner  *string `parquet:"object_owner,optional"`
	}
	data := get(t, c, "lists", m.Files[0].Key)
	list := must(pq.Read[row](strings.NewReader(data), int64(len(data))))(t)
	if len(list) != 1 || list[0].Key != `a "b", ü/1` || *list[0].Size != 3 || *list[0].Owner != canonicalID("000000000000") || list[0].ACL == nil ||
		*list[0].At%1000 != 0 || *list[0].At/86_400_000 < 20_000 ||
		m.FileSchema != "message s3.inventory {  required binary bucket (UTF8);  required binary key (UTF8);  optional int64 size;  optional int64 last_modified_date (TIMESTAMP_MILLIS);"+
			"  optional binary object_access_control_list (UTF8);  optional binary object_owner (UTF8);}" {
		t.Errorf("rows %+v, schema %s", list, m.FileSchema)
	}

	// Nothing comes twice; the next day one list does, and on Sunday both do.
	count := func() int {
		all, _ := listed(t, c, &s3.ListObjectsV2Input{Bucket: aws.String("lists")})
		return len(all)
	}
	for _, step := range []struct {
		wait time.Duration
		n    int
	}{{time.Hour, 8}, {24 * time.Hour, 12}, {4 * 24 * time.Hour, 20}} {
		clock.Advance(step.wait)
		run()
		if n := count(); n != step.n {
			t.Errorf("after %v: %d objects, not %d", step.wait, n, step.n)
		}
	}
	for _, id := range []string{"daily", "weekly"} {
		must(c.DeleteBucketInventoryConfiguration(t.Context(), &s3.DeleteBucketInventoryConfigurationInput{Bucket: aws.String("source"), Id: &id}))(t)
	}
	clock.Advance(8 * 24 * time.Hour)
	run()
	if n := count(); n != 20 {
		t.Errorf("without configurations: %d objects", n)
	}
}

// TestInventoryIsRefused: configurations that cannot be, and buckets that S3 may not put lists into.
func TestInventoryIsRefused(t *testing.T) {
	asked := ""
	refuse := true
	n := openConfig(t, Config{Dir: filepath.Join(t.TempDir(), "objects"), Decide: func(ctx context.Context, action, on string, keys policy.Keys) error {
		if s := awswire.CallerFrom(ctx).Session; s != nil && s.Service == "s3.amazonaws.com" && action == "s3:PutObject" {
			if asked = on; strings.Join(keys("s3:x-amz-acl"), " ") != "bucket-owner-full-control" {
				t.Error("the owner of the destination is given nothing")
			}
			if refuse {
				return errAccessDenied
			}
		}
		return nil
	}})
	c := n.client("000000000000", "us-east-1")
	for _, b := range []string{"source", "lists"} {
		makeBucket(t, c, b)
	}
	other := n.client("111111111111", "us-east-1")
	makeBucket(t, other, "theirs")
	send := func(id string, config *types.InventoryConfiguration) error {
		_, err := c.PutBucketInventoryConfiguration(t.Context(), &s3.PutBucketInventoryConfigurationInput{Bucket: aws.String("source"), Id: &id, InventoryConfiguration: config})
		return err
	}
	for code, config := range map[string]*types.InventoryConfiguration{
		"IdMismatch":   inventoryOf("other", "lists", "CSV", "Daily", true),
		"MalformedXML": inventoryOf("i", "lists", "CSV", "Daily", true, "Sizes"),
		"InvalidS3DestinationBucket": func() *types.InventoryConfiguration {
			c := inventoryOf("i", "lists", "CSV", "Daily", true)
			c.Destination.S3BucketDestination.Bucket = aws.String("lists")
			return c
		}(),
	} {
		if got := codeOf(send("i", config)); got != code {
			t.Errorf("%s, not %s", got, code)
		}
	}
	if err := send("i", inventoryOf("i", "lists", "CSV", "Daily", false)); err != nil {
		t.Fatal(err)
	}
	if err := n.Inventories(t.Context()); !IsAccessDenied(err) || asked != "arn:aws:s3:::lists/inv/source/i/" {
		t.Errorf("%v, asked about %q", err, asked)
	}
	refuse = false
	if err := n.Inventories(t.Context()); err != nil {
		t.Errorf("when it may: %v", err)
	}
	if err := send("j", inventoryOf("j", "theirs", "CSV", "Daily", false)); err != nil {
		t.Fatal(err)
	}
	if err := n.Inventories(t.Context()); !IsAccessDenied(err) {
		t.Errorf("into another account's bucket: %v", err)
	}
	// The policy that AWS's user guide has for destinations.
	for _, of := range []struct{ service, account string }{{"s3.amazonaws.com", "222222222222"}, {"logs.amazonaws.com", "000000000000"}, {"s3.amazonaws.com", "000000000000"}} {
		must(other.PutBucketPolicy(t.Context(), &s3.PutBucketPolicyInput{Bucket: aws.String("theirs"), Policy: aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow",
			"Principal":{"Service":"` + of.service + `"},"Action":"s3:PutObject","Resource":["arn:aws:s3:::theirs/*"],"Condition":{"ArnLike":{"aws:SourceArn":"arn:aws:s3:::source"},
			"StringEquals":{"aws:SourceAccount":"` + of.account + `","s3:x-amz-acl":"bucket-owner-full-control"}}},
			{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::theirs/*","Condition":{"BoolIfExists":{"aws:PrincipalIsAWSService":"false"}}}]}`)}))(t)
		err := n.Inventories(t.Context())
		if of.service == "s3.amazonaws.com" && of.account == "000000000000" {
			if err != nil {
				t.Errorf("into another account's bucket that lets it in: %v", err)
			}
		} else if !IsAccessDenied(err) {
			t.Errorf("into a bucket for %s of %s: %v", of.service, of.account, err)
		}
	}
}
