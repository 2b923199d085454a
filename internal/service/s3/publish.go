package s3

import (
	"context"
	"os"
	"sync"

	"github.com/versity/versitygw/s3response"
)

// publishing knows the files that are about to be renamed into place as objects. The
// posix backend calls back before it gives a file its attributes, and not after; a sync
// there would want a second one for the attributes. So the sync is done with the last
// attribute.
type publishing struct {
	mu    sync.Mutex
	files map[*os.File]*publication
}

// publication is a file and how far it is.
type publication struct {
	last   string // the attribute that is stored last
	synced bool   // with all that is stored so far
}

func (p *publishing) begin(f *os.File, pub *publication) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.files == nil {
		p.files = make(map[*os.File]*publication)
	}
	p.files[f] = pub
}

func (p *publishing) end(f *os.File) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.files, f)
}

// stored tells that an attribute was stored, and syncs the file after the last.
func (p *publishing) stored(f *os.File, attribute string) error {
	p.mu.Lock()
	pub := p.files[f]
	p.mu.Unlock()
	if pub == nil {
		return nil
	}
	pub.synced = false
	if attribute != pub.last {
		return nil
	}
	if err := f.Sync(); err != nil {
		return err
	}
	pub.synced = true
	return nil
}

// lastAttribute is the one that posix.PutObject stores last of those that it stores
// before it renames the file, by the order of its storeObjectMetaProperties. A version
// id comes later still: such objects are synced twice.
func lastAttribute(in *s3response.PutObjectInput) string {
	if len(in.Metadata) > 0 {
		return "metadata"
	}
	for _, a := range []struct {
		name  string
		value *string
	}{
		{"website-redirect-location", in.WebsiteRedirectLocation},
		{"expires", in.Expires},
		{"cache-control", in.CacheControl},
		{"content-language", in.ContentLanguage},
		{"content-disposition", in.ContentDisposition},
		{"content-encoding", in.ContentEncoding},
		{"content-type", in.ContentType},
	} {
		if a.value != nil && *a.value != "" {
			return a.name
		}
	}
	return "etag"
}

// put is PutObject of the posix backend with the data and all that is stored with it on
// disk before the object can be seen; synced is false if something came after that.
func (d *durable) put(ctx context.Context, in s3response.PutObjectInput) (out s3response.PutObjectOutput, synced bool, err error) {
	pub := &publication{last: lastAttribute(&in)}
	var file *os.File
	if w := d.writeEarly(&in); w != nil {
		defer w.close()
	}
	leave := func() {}
	out, err = d.PutObjectWithPostFunc(ctx, in, func(f *os.File) error {
		file = f
		d.publishing.begin(f, pub)
		left, unlock := d.buckets.enter(*in.Bucket), d.locks.lock(*in.Bucket, *in.Key)
		leave = func() { unlock(); left() }
		if _, err := os.Lstat(f.Name()); err != nil {
			return err // the bucket was deleted meanwhile
		}
		return d.service.storePlacement(f, *in.Bucket, *in.Key, placementFrom(ctx))
	})
	defer leave()
	if file != nil {
		d.publishing.end(file)
	}
	// What is stored behind the rename is stored by the object's path.
	synced = pub.synced && (in.Tagging == nil || *in.Tagging == "") && in.ObjectLockMode == "" && in.ObjectLockLegalHoldStatus == ""
	return out, synced, err
}
