package s3

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/jonboulle/clockwork"

	"github.com/brookmere/brookmere/internal/engine/orcfile"
	"github.com/brookmere/brookmere/internal/engine/parquetrows"
)

// TestInventoryORC: a list in ORC has the columns, and the values, that its manifest and the bucket have.
func TestInventoryORC(t *testing.T) {
	n := openConfig(t, Config{Dir: filepath.Join(t.TempDir(), "objects"), Clock: clockwork.NewFakeClockAt(time.Date(2026, 11, 25, 13, 30, 0, 0, time.UTC))})
	c := n.client("000000000000", "us-east-1")
	for _, b := range []string{"source", "lists"} {
		makeBucket(t, c, b)
	}
	put(t, c, "source", "ü/1", "one")
	put(t, c, "source", "k", "older")
	config := inventoryOf("orc", "lists", "ORC", "Daily", false, "Size", "LastModifiedDate", "IsMultipartUploaded", "ReplicationStatus")
	must(c.PutBucketInventoryConfiguration(t.Context(), &s3.PutBucketInventoryConfigurationInput{Bucket: aws.String("source"), Id: config.Id, InventoryConfiguration: config}))(t)
	if err := n.Inventories(t.Context()); err != nil {
		t.Fatal(err)
	}
	var m struct {
		FileFormat, FileSchema string
		Files                  []struct{ Key string }
	}
	if err := json.Unmarshal([]byte(get(t, c, "lists", "inv/source/orc/2026-11-25T00-00Z/manifest.json")), &m); err != nil {
		t.Fatal(err)
	}
	if m.FileFormat != "ORC" || len(m.Files) != 1 || !strings.HasSuffix(m.Files[0].Key, ".orc") ||
		m.FileSchema != "struct<bucket:string,key:string,size:bigint,last_modified_date:timestamp,is_multipart_uploaded:boolean,replication_status:string>" {
		t.Fatalf("manifest %+v", m)
	}
	data := []byte(get(t, c, "lists", m.Files[0].Key))
	f := must(orcfile.Open(bytes.NewReader(data), int64(len(data))))(t)
	if len(f.Stripes) != 1 || f.Stripes[0].Rows != 2 || strings.Join(f.Types[0].Names, " ") != "bucket key size last_modified_date is_multipart_uploaded replication_status" {
		t.Fatalf("%+v, %+v", f.Stripes, f.Types)
	}
	columns := must(f.Columns(f.Stripes[0], f.Types[0].Children))(t)
	for i, key := range []string{"k", "ü/1"} {
		for j, column := range columns {
			if there := must(column.Present())(t); there != (j < 5) {
				t.Errorf("%s: column %d is there: %v", key, j, there)
			}
		}
		head := must(c.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: aws.String("source"), Key: &key}))(t)
		bucket, got, size, at, parts := must(columns[0].Text())(t), must(columns[1].Text())(t), must(columns[2].Whole())(t), must(columns[3].Time())(t), must(columns[4].Bool())(t)
		if string(bucket) != "source" || string(got) != key || size != int64(5-2*i) || at != head.LastModified.UnixMicro() || parts {
			t.Errorf("%s: %s %s %d %d %v", key, bucket, got, size, at, parts)
		}
	}
}

// TestORCStripes: rows are in memory for one stripe, and are all there behind it.
func TestORCStripes(t *testing.T) {
	var out bytes.Buffer
	w := must(newORCWriter(&out, []inventoryColumn{{column: "key", kind: parquetrows.String}, {column: "size", kind: parquetrows.Int64}}))(t)
	long := strings.Repeat("k", 1000)
	for i := range 10_000 {
		if err := w.Write([]any{long, int64(i)}); err != nil {
			t.Fatal(err)
		}
		if w.size > orcStripe {
			t.Fatalf("%d bytes are in memory", w.size)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	f := must(orcfile.Open(bytes.NewReader(out.Bytes()), int64(out.Len())))(t)
	rows := uint64(0)
	for _, s := range f.Stripes {
		sizes := must(f.Columns(s, []int{2}))(t)[0]
		for i := range s.Rows {
			if there := must(sizes.Present())(t); !there {
				t.Fatal("a value is not there")
			}
			if v := must(sizes.Whole())(t); v != int64(rows+i) {
				t.Fatalf("row %d is %d", rows+i, v)
			}
		}
		rows += s.Rows
	}
	if rows != 10_000 || len(f.Stripes) != 3 || !slices.ContainsFunc(f.Stripes, func(s orcfile.Stripe) bool { return s.Rows < 4000 }) {
		t.Errorf("%d rows in %d stripes", rows, len(f.Stripes))
	}
}
