package s3

import (
	"context"
	"crypto/md5"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/objectstore"
	"github.com/brookmere/brookmere/internal/engine/work"
)

// Inventories: lists of a bucket's objects that are written into another bucket, once a day or a week (from Sunday
// on), as files of data, a manifest, and a list of the files for Hive. An inventory is named by the day that it is for,
// so that one which a crash has cut short is written again under the same names; that it is done is noted last.
//
// As on AWS, S3 writes them as itself: the policy of the destination must let s3.amazonaws.com put objects where
// policies count, or where the destination is another account's.

// inventoryEvery is how often configurations are looked at: the first inventory of one comes within that time, where
// AWS takes up to two days.
const inventoryEvery = time.Hour

// inventoryRows bounds the rows of a file.
const inventoryRows = 1_000_000

// inventoryDone begins the names of the settings that say for which day an inventory was written last.
const inventoryDone = "inventory-done."

func (s *Service) startInventories() {
	first := true
	s.group.Go("write inventories", func(ctx context.Context) error {
		if first {
			first = false
			return work.RunAfter(inventoryEvery)
		}
		if err := s.Inventories(ctx); err != nil && ctx.Err() == nil {
			s.log.Error("s3: write inventories", "error", err)
		}
		return work.RunAfter(inventoryEvery)
	})
}

// Inventories writes all inventories that are due now.
func (s *Service) Inventories(ctx context.Context) error {
	s.inventoryMu.Lock()
	defer s.inventoryMu.Unlock()
	var errs []error
	for _, b := range s.buckets.all() {
		for name := range b.Settings {
			id, ok := strings.CutPrefix(name, "inventory.")
			config := b.setting(name)
			if !ok || config == nil || !strings.EqualFold(config.text("IsEnabled"), "true") {
				continue
			}
			day := inventoryDay(s.clock.Now(), config.text("Schedule", "Frequency"))
			if done, err := time.Parse(time.RFC3339, b.Settings[inventoryDone+id]); err == nil && !done.Before(day) {
				continue
			}
			if err := s.writeInventory(ctx, b, id, config, day); err != nil {
				errs = append(errs, fmt.Errorf("inventory %s of bucket %s: %w", id, b.Name, err))
				continue
			}
			err := s.buckets.update(b.Name, func(b *bucket) error {
				if b.Settings[name] != "" { // it has not been deleted meanwhile
					b.Settings[inventoryDone+id] = day.Format(time.RFC3339)
				}
				return nil
			})
			if err != nil && s.buckets.get(b.Name) != nil {
				errs = append(errs, err)
			}
		}
	}
	return errors.Join(errs...)
}

// inventoryDay is the day that an inventory of now is for.
func inventoryDay(now time.Time, frequency string) time.Time {
	day := now.UTC().Truncate(24 * time.Hour)
	if frequency == "Weekly" {
		day = day.AddDate(0, 0, -int(day.Weekday()))
	}
	return day
}

// inventory is one that is being written.
type inventory struct {
	s      *Service
	ctx    context.Context // of S3 itself
	b, to  *bucket
	config *node
	folder string // in the destination: prefix, bucket and id
	day    time.Time
	files  []inventoryFile
}

type inventoryFile struct {
	Key  string `json:"key"`
	Size int64  `json:"size"`
	MD5  string `json:"MD5checksum"`
}

type manifest struct {
	SourceBucket      string          `json:"sourceBucket"`
	DestinationBucket string          `json:"destinationBucket"`
	Version           string          `json:"version"`
	CreationTimestamp string          `json:"creationTimestamp"`
	FileFormat        string          `json:"fileFormat"`
	FileSchema        string          `json:"fileSchema"`
	Files             []inventoryFile `json:"files"`
}

func (s *Service) writeInventory(ctx context.Context, b *bucket, id string, config *node, day time.Time) error {
	target := config.at("Destination", "S3BucketDestination")
	name, _ := bucketOfARN(target.text("Bucket"))
	inv := &inventory{s: s, b: b, to: s.buckets.get(name), config: config, day: day}
	if inv.to == nil {
		return noSuchBucket(name)
	}
	if account := target.text("AccountId"); account != "" && account != inv.to.Owner {
		return errAccessDenied // the name has become somebody else's
	}
	inv.ctx = awswire.AsService(ctx, b.Owner, b.Region, itself, arnOf(b, ""))
	inv.folder = b.Name + "/" + id + "/"
	if prefix := target.text("Prefix"); prefix != "" {
		inv.folder = strings.TrimSuffix(prefix, "/") + "/" + inv.folder
	}
	if err := inv.allowed(); err != nil {
		return err
	}
	columns := inventoryColumns(config)
	began := s.clock.Now()
	schema, err := inv.writeFiles(columns)
	if err != nil {
		return err
	}
	var links strings.Builder
	for _, f := range inv.files {
		links.WriteString("s3://" + inv.to.Name + "/" + f.Key + "\n")
	}
	if _, err := inv.put("hive/dt="+day.Format("2006-01-02-15-04")+"/symlink.txt", "text/plain", strings.NewReader(links.String())); err != nil {
		return err
	}
	m, err := json.MarshalIndent(manifest{
		SourceBucket: b.Name, DestinationBucket: target.text("Bucket"), Version: "2016-11-30", CreationTimestamp: strconv.FormatInt(began.UnixMilli(), 10),
		FileFormat: target.text("Format"), FileSchema: schema, Files: inv.files,
	}, "", "  ")
	if err != nil {
		return err
	}
	at := day.Format("2006-01-02T15-04Z") + "/"
	info, err := inv.put(at+"manifest.json", "application/json", strings.NewReader(string(m)))
	if err != nil {
		return err
	}
	_, err = inv.put(at+"manifest.checksum", "text/plain", strings.NewReader(info.ETag))
	return err
}

// allowed asks the destination whether S3 may put objects into it, which it leaves to the bucket's owner.
func (inv *inventory) allowed() error {
	keys := func(key string) []string {
		if key == "s3:x-amz-acl" {
			return []string{"bucket-owner-full-control"}
		}
		return nil
	}
	if decide := inv.s.cfg.Decide; decide != nil {
		if err := decide(inv.ctx, "s3:PutObject", arnOf(inv.to, inv.folder), keys); err != nil {
			return err
		}
	}
	if !inv.s.allows(inv.to, awswire.CallerFrom(inv.ctx), "s3:PutObject", inv.folder, "", keys) {
		return errAccessDenied
	}
	return nil
}

// writeFiles writes the data, and returns what the manifest says of its form.
func (inv *inventory) writeFiles(columns []inventoryColumn) (schema string, err error) {
	var out *inventoryWriter
	defer func() {
		if out != nil {
			out.close()
		}
	}()
	finish := func() error {
		f, err := out.finish()
		if err != nil {
			return err
		}
		info, err := inv.put("data/"+inv.fileName(len(inv.files)), out.contentType(), f)
		if err != nil {
			return err
		}
		inv.files = append(inv.files, inventoryFile{Key: info.Key, Size: info.Size, MD5: info.ETag})
		out.close()
		out = nil
		return nil
	}
	format := inv.config.text("Destination", "S3BucketDestination", "Format")
	err = inv.each(func(info *objectstore.Info) error {
		if out == nil {
			if out, err = newInventoryWriter(format, columns); err != nil {
				return err
			}
		}
		if err := out.add(inv, info); err != nil {
			return err
		}
		if out.rows >= inventoryRows {
			return finish()
		}
		return nil
	})
	if err == nil && out == nil && len(inv.files) == 0 {
		out, err = newInventoryWriter(format, columns) // an empty bucket has a file without rows
	}
	if err == nil && out != nil {
		err = finish()
	}
	return inventorySchema(format, columns), err
}

// each visits the objects, or all their versions, in the order of keys.
func (inv *inventory) each(visit func(*objectstore.Info) error) error {
	q := objectstore.List{Max: maxListed, Prefix: inv.config.text("Filter", "Prefix")}
	all := inv.config.text("IncludedObjectVersions") == "All"
	for {
		list := inv.s.store.List
		if all {
			list = inv.s.store.ListVersions
		}
		page, err := list(inv.ctx, inv.b.Name, q)
		if err != nil {
			return err
		}
		for i := range page.Entries {
			if err := visit(&page.Entries[i]); err != nil {
				return err
			}
		}
		if !page.Truncated {
			return nil
		}
		q.After, q.Version, q.Token = page.Last, page.Version, page.Token
	}
}

// fileName names a file of data by what it is for.
func (inv *inventory) fileName(n int) string {
	sum := sha256.Sum256([]byte(inv.folder + inv.day.Format(time.RFC3339) + "/" + strconv.Itoa(n)))
	h := hex.EncodeToString(sum[:16])
	name := h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
	switch inv.config.text("Destination", "S3BucketDestination", "Format") {
	case "Parquet":
		return name + ".parquet"
	case "ORC":
		return name + ".orc"
	}
	return name + ".csv.gz"
}

// put stores an object of the inventory.
func (inv *inventory) put(name, contentType string, body io.Reader) (objectstore.Info, error) {
	key := inv.folder + name
	r := objectstore.Record{Headers: map[string]string{"content-type": contentType}, User: map[string]string{}}
	if id := inv.config.text("Destination", "S3BucketDestination", "Encryption", "SSE-KMS", "KeyId"); id != "" {
		r.SetProp(propSSE, "aws:kms")
		r.SetProp(propKMSKey, id)
	}
	digest, sum := md5.New(), newHash("CRC64NVME")
	event := inv.s.announce(inv.ctx, inv.to, awswire.CallerFrom(inv.ctx), "", "ObjectCreated:Put", key)
	info, err := inv.s.store.Put(inv.ctx, inv.to.Name, key, objectstore.Put{
		Body: io.TeeReader(body, io.MultiWriter(digest, sum)), Record: r, Check: event.check(nil),
		Finish: func(_ int64, r *objectstore.Record) error {
			r.ETag = hex.EncodeToString(digest.Sum(nil))
			setSum(r, "CRC64NVME", fullObject, base64.StdEncoding.EncodeToString(sum.Sum(nil)))
			return nil
		},
	})
	event.end(&info, err)
	return info, err
}

// scratch is a file that is gone with the process, whatever ends it.
func scratch() (*os.File, error) {
	f, err := os.CreateTemp("", "brookmere-inventory-*")
	if err != nil {
		return nil, err
	}
	if err := os.Remove(f.Name()); err != nil {
		f.Close() // it has nothing yet
		return nil, err
	}
	return f, nil
}
