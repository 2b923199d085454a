package s3

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/jonboulle/clockwork"
)

// concatenate merges text files into one of the key.
func concatenate(key string) func([]File) (Merged, error) {
	return func(files []File) (Merged, error) {
		var text strings.Builder
		for _, f := range files {
			b, err := os.ReadFile(f.Path)
			if err != nil {
				return Merged{}, err
			}
			text.Write(b)
		}
		return Merged{Key: key, Body: strings.NewReader(text.String()), Size: int64(text.Len()), Sources: len(files)}, nil
	}
}

// lines is what the keys hold together, sorted.
func lines(t testing.TB, c *s3.Client, bucket string, keys []string) []string {
	t.Helper()
	var all []string
	for _, k := range keys {
		all = append(all, strings.Fields(get(t, c, bucket, k))...)
	}
	slices.Sort(all)
	return all
}

func listed(t testing.TB, c *s3.Client, in *s3.ListObjectsV2Input) (keys []string, token *string) {
	t.Helper()
	out, err := c.ListObjectsV2(context.Background(), in)
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range out.Contents {
		keys = append(keys, *o.Key)
	}
	return keys, out.NextContinuationToken
}

func fill(t testing.TB, c *s3.Client, bucket string, n int) (keys, want []string) {
	t.Helper()
	makeBucket(t, c, bucket)
	for i := range n {
		keys = append(keys, fmt.Sprintf("p/k%d", i))
		want = append(want, fmt.Sprintf("l%d", i))
		put(t, c, bucket, keys[i], want[i]+"\n")
	}
	return keys, want
}

// eventually waits for what goes on in the background.
func eventually(t testing.TB, what string, cond func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !cond(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("not in time: " + what)
		}
	}
}

func TestReplace(t *testing.T) {
	clock := clockwork.NewFakeClock()
	n := openConfig(t, Config{Dir: filepath.Join(t.TempDir(), "objects"), Clock: clock})
	c := n.Client()
	keys, want := fill(t, c, "bkt", 5)
	in := &s3.ListObjectsV2Input{Bucket: aws.String("bkt"), MaxKeys: aws.Int32(2)}
	first, token := listed(t, c, in)
	before := n.Snapshot()
	oldFiles, err := before.Files(t.Context(), "bkt", "p/")
	if err != nil {
		t.Fatal(err)
	}

	if err := n.Replace(t.Context(), "bkt", keys, 5*time.Minute, concatenate("p/k2-merged")); err != nil {
		t.Fatal(err)
	}
	if all, _ := listed(t, c, &s3.ListObjectsV2Input{Bucket: aws.String("bkt")}); !slices.Equal(all, []string{"p/k2-merged"}) {
		t.Errorf("the bucket lists %q", all)
	}
	if got := lines(t, c, "bkt", []string{"p/k2-merged"}); !slices.Equal(got, want) {
		t.Errorf("the merged object has %q", got)
	}
	if file, ok := n.LocalFile("bkt", keys[0]); ok {
		t.Errorf("a source is still the file %s", file.Path)
	}

	// Who began before goes on with what was.
	again, err := before.Files(t.Context(), "bkt", "p/")
	if err != nil || !slices.Equal(again, oldFiles) {
		t.Errorf("the snapshot lists %v, %v; had %v", again, err, oldFiles)
	}
	for _, f := range oldFiles {
		if _, err := os.Stat(f.Path); err != nil {
			t.Error(err)
		}
	}
	before.Release()
	for page := first; token != nil; {
		in.ContinuationToken = token
		page, token = listed(t, c, in)
		first = append(first, page...)
	}
	if !slices.Equal(first, keys) {
		t.Errorf("the pages of a listing have %q", first)
	}
	if got := lines(t, c, "bkt", first); !slices.Equal(got, want) {
		t.Errorf("the keys listed before give %q", got)
	}

	// When the listing can no longer be continued, the sources leave the directory, and can
	// be got still.
	if err := clock.BlockUntilContext(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	clock.Advance(time.Minute + time.Second)
	eventually(t, "sources aside", func() bool {
		_, err := os.Stat(oldFiles[4].Path)
		return errors.Is(err, os.ErrNotExist)
	})
	if got := lines(t, c, "bkt", keys); !slices.Equal(got, want) {
		t.Errorf("the keys listed before give %q", got)
	}
	if _, err := c.CopyObject(t.Context(), &s3.CopyObjectInput{Bucket: aws.String("bkt"), Key: aws.String("copy"), CopySource: aws.String("bkt/" + keys[1])}); err != nil {
		t.Error(err)
	}
	if got := get(t, c, "bkt", "copy"); got != "l1\n" {
		t.Errorf("a copy of a source is %q", got)
	}
	put(t, c, "bkt", keys[3], "new")
	if got := get(t, c, "bkt", keys[3]); got != "new" {
		t.Errorf("a new object has %q", got)
	}
	if err := clock.BlockUntilContext(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	clock.Advance(5 * time.Minute)
	eventually(t, "sources gone", func() bool {
		_, err := c.GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String("bkt"), Key: &keys[0]})
		return codeOf(err) == "NoSuchKey"
	})
	eventually(t, "no journal", func() bool { e, _ := os.ReadDir(filepath.Join(n.cfg.StateDir, "swaps")); return len(e) == 0 })
	for _, k := range []string{"p/k2-merged", "copy", keys[3]} {
		if _, err := c.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: aws.String("bkt"), Key: &k}); err != nil {
			t.Error(err)
		}
	}
	if _, err := c.DeleteBucket(t.Context(), &s3.DeleteBucketInput{Bucket: aws.String("bkt")}); err != nil {
		t.Error(err)
	}
}

// What somebody else does to a source comes before what is made of it.
func TestReplaceGivesWay(t *testing.T) {
	n := newNode(t)
	c := n.Client()
	for name, change := range map[string]func(bucket, key string) error{
		"put": func(bucket, key string) error { put(t, c, bucket, key, "other\n"); return nil },
		"delete": func(bucket, key string) error {
			_, err := c.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: &bucket, Key: &key})
			return err
		},
		"delete-many": func(bucket, key string) error {
			_, err := c.DeleteObjects(t.Context(), &s3.DeleteObjectsInput{Bucket: &bucket, Delete: &types.Delete{Objects: []types.ObjectIdentifier{{Key: &key}}}})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			keys, _ := fill(t, c, name, 3)
			err := n.Replace(t.Context(), name, keys, 0, func(files []File) (Merged, error) {
				m, err := concatenate("p/merged")(files)
				return m, errors.Join(err, change(name, keys[1]))
			})
			if !errors.Is(err, ErrChanged) {
				t.Errorf("got %v", err)
			}
			want := map[string]int{"put": 3, "delete": 2, "delete-many": 2}[name]
			if all, _ := listed(t, c, &s3.ListObjectsV2Input{Bucket: &name}); len(all) != want || slices.Contains(all, "p/merged") {
				t.Errorf("the bucket has %q", all)
			}
			if e, _ := os.ReadDir(filepath.Join(n.cfg.StateDir, "swaps")); len(e) != 0 {
				t.Errorf("%d journals are left", len(e))
			}
		})
	}
	keys, want := fill(t, c, "late", 3)
	hold := n.Snapshot() // keeps the sources in place
	if err := n.Replace(t.Context(), "late", keys, time.Hour, concatenate("p/merged")); err != nil {
		t.Fatal(err)
	}
	put(t, c, "late", keys[1], "other\n")
	all, _ := listed(t, c, &s3.ListObjectsV2Input{Bucket: aws.String("late")})
	if got := lines(t, c, "late", all); !slices.Equal(got, append(want, "other")) {
		t.Errorf("the bucket has %q in %q", got, all)
	}
	for _, k := range all {
		if _, err := c.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: aws.String("late"), Key: &k}); err != nil {
			t.Error(err)
		}
	}
	if _, err := c.DeleteBucket(t.Context(), &s3.DeleteBucketInput{Bucket: aws.String("late")}); err != nil {
		t.Error(err)
	}
	hold.Release()

	// Those who have listed delete all objects, and the bucket, while sources are in place.
	keys, _ = fill(t, c, "all", 3)
	hold = n.Snapshot()
	defer hold.Release()
	if err := n.Replace(t.Context(), "all", keys, time.Hour, concatenate("p/merged")); err != nil {
		t.Fatal(err)
	}
	for _, k := range append(keys, "p/merged") {
		if _, err := c.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: aws.String("all"), Key: &k}); err != nil {
			t.Error(err)
		}
	}
	if _, err := c.DeleteBucket(t.Context(), &s3.DeleteBucketInput{Bucket: aws.String("all")}); err != nil {
		t.Error(err)
	}
}

func TestReplaceVersioned(t *testing.T) {
	n := newNode(t)
	c := n.Client()
	makeBucket(t, c, "ver")
	if _, err := c.PutBucketVersioning(t.Context(), &s3.PutBucketVersioningInput{Bucket: aws.String("ver"), VersioningConfiguration: &types.VersioningConfiguration{Status: types.BucketVersioningStatusEnabled}}); err != nil {
		t.Fatal(err)
	}
	var versions []string
	for i := range 3 {
		out, err := c.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String("ver"), Key: aws.String(fmt.Sprintf("p/k%d", i)), Body: strings.NewReader(fmt.Sprintf("l%d\n", i))})
		if err != nil {
			t.Fatal(err)
		}
		versions = append(versions, *out.VersionId)
	}
	if err := n.Replace(t.Context(), "ver", []string{"p/k0", "p/k1", "p/k2"}, 0, concatenate("p/merged")); err != nil {
		t.Fatal(err)
	}
	eventually(t, "sources deleted", func() bool {
		_, err := c.GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String("ver"), Key: aws.String("p/k2")})
		return codeOf(err) == "NoSuchKey"
	})
	if all, _ := listed(t, c, &s3.ListObjectsV2Input{Bucket: aws.String("ver")}); !slices.Equal(all, []string{"p/merged"}) {
		t.Errorf("the bucket lists %q", all)
	}
	if files, err := n.Files(t.Context(), "ver", ""); err != nil || len(files) != 1 || files[0].Key != "p/merged" {
		t.Errorf("the files are %v, %v", files, err)
	}
	out, err := c.GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String("ver"), Key: aws.String("p/k1"), VersionId: &versions[1]})
	if err != nil {
		t.Fatal(err)
	}
	out.Body.Close()
}

// A process that dies leaves a journal of one stage or another.
func TestReplaceAfterCrash(t *testing.T) {
	for stage, want := range map[string][]string{
		"writing":    {"p/k0", "p/k1", "p/k2"},
		"committed":  {"p/merged"},
		"aside":      {"p/merged"},
		"half aside": {"p/merged"},
	} {
		t.Run(stage, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "objects")
			var keys, want0 []string
			t.Run("before", func(t *testing.T) {
				n := openNode(t, dir)
				keys, want0 = fill(t, n.Client(), "bkt", 3)
				put(t, n.Client(), "bkt", "p/merged", "l0\nl1\nl2\n")
				w := struct {
					Bucket, Key string
					Sources     []string
					Stage       string
					Generation  int64
					Keep        time.Duration
				}{"bkt", "p/merged", keys, stage, 7, time.Hour}
				moved := map[string]int{"aside": 3, "half aside": 1}[stage]
				if strings.HasPrefix(stage, "half") {
					w.Stage = "committed"
				}
				for i := range moved {
					to := filepath.Join(dir, "bkt", ".sgwtmp/swapped/x", strconv.Itoa(i))
					if err := errors.Join(os.MkdirAll(filepath.Dir(to), 0o755), os.Rename(filepath.Join(dir, "bkt", keys[i]), to)); err != nil {
						t.Fatal(err)
					}
				}
				b, err := json.Marshal(w)
				if err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(filepath.Join(filepath.Join(n.cfg.StateDir, "swaps"), "x"), b, 0o600); err != nil {
					t.Fatal(err)
				}
			})
			n := openNode(t, dir)
			c := n.Client()
			all, _ := listed(t, c, &s3.ListObjectsV2Input{Bucket: aws.String("bkt")})
			if !slices.Equal(all, want) {
				t.Errorf("the bucket lists %q", all)
			}
			if got := lines(t, c, "bkt", all); !slices.Equal(got, want0) {
				t.Errorf("the bucket has %q", got)
			}
			if got := lines(t, c, "bkt", keys); !slices.Equal(got, want0) {
				t.Errorf("the sources have %q", got)
			}
		})
	}
}

// Readers of every kind, while objects are put and merged, see each line once.
func TestReplaceUnderReaders(t *testing.T) {
	n := newNode(t)
	c := n.Client()
	keys, want := fill(t, c, "bkt", 40)
	ctx, cancel := context.WithCancel(t.Context())
	var readers sync.WaitGroup
	var reads [2]int
	read := func(i int, text func() []string) {
		readers.Go(func() {
			for ctx.Err() == nil {
				got := text()
				slices.Sort(got)
				all := slices.Clone(want)
				slices.Sort(all)
				if !slices.Equal(got, all) {
					t.Errorf("reader %d has %q", i, got)
					return
				}
				reads[i]++
			}
		})
	}
	read(0, func() (all []string) {
		in := &s3.ListObjectsV2Input{Bucket: aws.String("bkt"), MaxKeys: aws.Int32(8)}
		for {
			keys, token := listed(t, c, in)
			all = append(all, lines(t, c, "bkt", keys)...)
			if in.ContinuationToken = token; token == nil {
				return all
			}
		}
	})
	read(1, func() (all []string) {
		s := n.Snapshot()
		defer s.Release()
		files, err := s.Files(t.Context(), "bkt", "")
		if err != nil {
			t.Error(err)
		}
		for _, f := range files {
			b, err := os.ReadFile(f.Path)
			if err != nil {
				t.Error(err)
			}
			all = append(all, strings.Fields(string(b))...)
		}
		return all
	})
	for round := 0; len(keys) > 2 && !t.Failed(); round++ {
		i := round * 7 % (len(keys) - 1)
		whole := fmt.Sprintf("p/%c-%03d", 'a'+round*11%26, round)
		if err := n.Replace(t.Context(), "bkt", keys[i:i+2], time.Minute, concatenate(whole)); err != nil {
			t.Fatal(err)
		}
		keys = append(slices.Delete(keys, i, i+2), whole)
	}
	cancel()
	readers.Wait()
	t.Logf("%d and %d reads", reads[0], reads[1])
}
