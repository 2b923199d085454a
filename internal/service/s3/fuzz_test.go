package s3

import (
	"bytes"
	"io"
	"testing"
)

func FuzzXML(f *testing.F) {
	f.Add([]byte(`<LifecycleConfiguration><Rule><Status>Enabled</Status></Rule></LifecycleConfiguration>`))
	f.Add([]byte("<a><b>&#x0;</b>"))
	f.Fuzz(func(t *testing.T, doc []byte) {
		n, ok := parseXML(doc)
		if !ok {
			return
		}
		for _, s := range shapes {
			s.check(n)
		}
		again, ok := parseXML([]byte(n.String()))
		if !ok || again.Name != n.Name {
			t.Errorf("%q is written as %q, which cannot be read", doc, n.String())
		}
	})
}

func FuzzForm(f *testing.F) {
	f.Add([]byte("--B\r\nContent-Disposition: form-data; name=\"key\"\r\n\r\nk\r\n--B\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\ndata\r\n--B--\r\n"))
	f.Fuzz(func(t *testing.T, body []byte) {
		form, err := readForm(bytes.NewReader(body), "multipart/form-data; boundary=B")
		if err != nil {
			return
		}
		_, _ = io.Copy(io.Discard, form.data)
		_, _ = formChecksum(form)
	})
}

func FuzzRange(f *testing.F) {
	f.Add("bytes=0-1", int64(10))
	f.Add("bytes=-5", int64(3))
	f.Fuzz(func(t *testing.T, header string, size int64) {
		if size < 0 {
			return
		}
		begin, length, ok, err := parseRange(header, size)
		if ok && err == nil && (begin < 0 || length <= 0 || begin+length > size) {
			t.Errorf("%q of %d: %d bytes from %d", header, size, length, begin)
		}
	})
}

func FuzzTagging(f *testing.F) {
	f.Add("a=1&b=2")
	f.Fuzz(func(t *testing.T, header string) {
		tags, err := parseTagging(header)
		if err == nil && len(tags) > maxObjectTags {
			t.Errorf("%q has %d tags", header, len(tags))
		}
	})
}
