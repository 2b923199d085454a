package udf

import "testing"

// TestURI: what java.net.URI takes for a URI, and for its parts.
func TestURI(t *testing.T) {
	for _, c := range []struct {
		text                                string
		scheme, host, path, query, fragment string
		port                                int
		not                                 bool
	}{
		{text: "http://example.com/path1/p.php?k1=v1&k2=v2#Ref1", scheme: "http", host: "example.com", path: "/path1/p.php", query: "k1=v1&k2=v2", fragment: "Ref1", port: -1},
		{text: "https://username:password@example.com:8080/?x=%20", scheme: "https", host: "example.com", path: "/", query: "x= ", port: 8080},
		{text: "mailto:test@example.com", scheme: "mailto", port: -1},
		{text: "foo", path: "foo", port: -1},
		{text: "", port: -1},
		{text: "http://under_score/p", scheme: "http", path: "/p", port: -1},
		{text: "http://[::1]:80/", scheme: "http", host: "[::1]", path: "/", port: 80},
		{text: "http://10.0.0.1:/a%2Fb", scheme: "http", host: "10.0.0.1", path: "/a/b", port: -1},
		{text: "//host/p;v=1", host: "host", path: "/p;v=1", port: -1},
		{text: "file:///etc/passwd", scheme: "file", path: "/etc/passwd", port: -1},
		{text: "http://e.com/é?ü#ß", scheme: "http", host: "e.com", path: "/é", query: "ü", fragment: "ß", port: -1},
		{text: "http://e.com?q=[1]", scheme: "http", host: "e.com", query: "q=[1]", port: -1},
		{text: "http://e.com/%ff", scheme: "http", host: "e.com", path: "/\uFFFD", port: -1},
		{text: "http://not a url", not: true}, {text: "http://e.com/a|b", not: true}, {text: "http://e.com/%zz", not: true}, {text: "http://e.com/%a", not: true},
		{text: ":x", not: true}, {text: "1a:b", not: true}, {text: "http:", not: true}, {text: "http://", not: true}, {text: "http://e.com/[a]", not: true}, {text: "a#b#c", not: true},
	} {
		u := parseURI(c.text)
		if u == nil || c.not {
			if (u == nil) != c.not {
				t.Errorf("%q: %v", c.text, u)
			}
			continue
		}
		if u.scheme != c.scheme || u.host != c.host || unescaped(u.path) != c.path || unescaped(u.query) != c.query || unescaped(u.fragment) != c.fragment || u.port != c.port {
			t.Errorf("%q: %+v", c.text, u)
		}
	}
}

func FuzzURI(f *testing.F) {
	f.Add("http://u@h:1/p?q#f")
	f.Add("http://[::1%25a]:80/%41")
	f.Fuzz(func(t *testing.T, s string) {
		if u := parseURI(s); u != nil {
			unescaped(u.path)
			unescaped(u.query)
			unescaped(u.fragment)
		}
	})
}
