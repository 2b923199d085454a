package objectstore

import (
	"path"
	"strings"
	"testing"
)

func TestEncodeKey(t *testing.T) {
	long := strings.Repeat("x", 600)
	for _, tt := range []struct{ key, want string }{
		{"a", "a"},
		{"year=2026/month=01/part-0.parquet", "year=2026/month=01/part-0.parquet"},
		{"a/", "a/.~e"},
		{"/a", ".~e/a"},
		{"a//b", "a/.~e/b"},
		{"a/./../b", "a/.~./.~../b"},
		{".~e", ".~=.~e"},
		{".sgwtmp/x", ".~=.sgwtmp/x"},
		{"a/.sgwtmp", "a/.sgwtmp"},
		{long + "/b", ".~+" + long[:252] + "/.~+" + long[:252] + "/.~-" + long[:96] + "/b"},
		{".~" + long[:252], ".~+.~/.~-" + long[:252]},
	} {
		got, ok := encodeKey(tt.key)
		if !ok || got != tt.want {
			t.Errorf("%.40q: got %.80q, want %.80q", tt.key, got, tt.want)
		}
		if back := decodePath(got); back != tt.key {
			t.Errorf("%.40q: comes back as %.40q", tt.key, back)
		}
		if back := decodePath(got + "/" + markSelf); back != tt.key {
			t.Errorf("%.40q: comes back as %.40q from beside others", tt.key, back)
		}
	}
	if _, ok := encodeKey("a\x00"); ok {
		t.Error("a NUL byte has a path")
	}
	if _, ok := encodeKey(strings.Repeat("/", MaxKey)); ok {
		t.Error("a path is longer than the system's limit")
	}
}

func FuzzEncodeKey(f *testing.F) {
	for _, k := range []string{"a/b", "../x", "a//b", "/a", "a/./b", "a/", ".sgwtmp/x", "a\x00b", "ü+%", ".~e", "~", strings.Repeat("é", 200)} {
		f.Add(k)
	}
	f.Fuzz(func(t *testing.T, key string) {
		p, ok := encodeKey(key)
		if !ok || key == "" || len(key) > MaxKey {
			return
		}
		if back := decodePath(p); back != key {
			t.Fatalf("%q is %q, which is %q", key, p, back)
		}
		if path.Clean("/"+p) != "/"+p {
			t.Errorf("%q leads elsewhere: %q", key, p)
		}
		for name := range strings.SplitSeq(p, "/") {
			if len(name) > maxName || name == markSelf {
				t.Errorf("%q has the name %q", p, name)
			}
		}
		if first, _, _ := strings.Cut(p, "/"); first == reservedName {
			t.Errorf("%q is reserved", p)
		}
	})
}
