package s3uri

import (
	"errors"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	for _, c := range []struct {
		in   string
		want Location
		err  error
	}{
		{"s3://b", Location{"b", ""}, nil},
		{"s3://b/", Location{"b", ""}, nil},
		{"s3://b/p/q", Location{"b", "p/q"}, nil},
		{"s3a://b/p/", Location{"b", "p/"}, nil},
		{"S3N://b//p", Location{"b", "/p"}, nil},
		{"s3://b/a b?c#d", Location{"b", "a b?c#d"}, nil},
		{"s3:///p", Location{}, ErrBucket},
		{"s3://a b/p", Location{}, ErrBucket},
		{"s3://u@b/p", Location{}, ErrBucket},
		{"s3:/b/p", Location{}, ErrScheme},
		{"hdfs://b/p", Location{}, ErrScheme},
		{"b/p", Location{}, ErrScheme},
		{"", Location{}, ErrScheme},
	} {
		got, err := Parse(c.in)
		if got != c.want || !errors.Is(err, c.err) {
			t.Errorf("Parse(%q) = %+v, %v, want %+v, %v", c.in, got, err, c.want, c.err)
		}
	}
}

func TestFolder(t *testing.T) {
	for _, c := range []struct{ in, want Location }{
		{Location{"b", ""}, Location{"b", ""}},
		{Location{"b", "pre"}, Location{"b", "pre/"}}, // not the beginning of "prefix/x"
		{Location{"b", "pre/"}, Location{"b", "pre/"}},
	} {
		if got := c.in.Folder(); got != c.want {
			t.Errorf("Folder of %s = %s, want %s", c.in, got, c.want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("s3a://b/p")
	f.Fuzz(func(t *testing.T, s string) {
		l, err := Parse(s)
		if err != nil {
			return
		}
		if l.Bucket == "" || strings.Contains(l.Bucket, "/") {
			t.Errorf("Parse(%q) = %+v", s, l)
		}
		if again, err := Parse(l.String()); err != nil || again != l {
			t.Errorf("Parse(%q) = %+v, %v, want %+v", l.String(), again, err, l)
		}
	})
}
