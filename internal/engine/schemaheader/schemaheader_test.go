package schemaheader

import (
	"bytes"
	"compress/zlib"
	"testing"
)

const id = "0123456789abcdef"

func TestSplit(t *testing.T) {
	var packed bytes.Buffer
	z := zlib.NewWriter(&packed)
	z.Write([]byte(`{"a":1}`))
	z.Close()
	for _, x := range []struct{ record, version, payload string }{
		{"\x03\x00" + id + `{"a":1}`, "30313233-3435-3637-3839-616263646566", `{"a":1}`},
		{"\x03\x05" + id + packed.String(), "30313233-3435-3637-3839-616263646566", `{"a":1}`},
		{"\x03\x05" + id + "nothing", "", "\x03\x05" + id + "nothing"},
		{"\x03\x05" + id + packed.String()[:9], "", "\x03\x05" + id + packed.String()[:9]},
		{"\x03\x01" + id + "x", "", "\x03\x01" + id + "x"},
		{"\x03\x00" + id, "", "\x03\x00" + id},
		{`{"a":1}`, "", `{"a":1}`},
		{"", "", ""},
	} {
		version, payload, ok := Split([]byte(x.record))
		if version != x.version || string(payload) != x.payload || ok != (x.version != "") {
			t.Errorf("%q: %q, %q, %v", x.record, version, payload, ok)
		}
		if got := Payload([]byte(x.record)); string(got) != x.payload {
			t.Errorf("payload of %q: %q", x.record, got)
		}
	}
}

func FuzzSplit(f *testing.F) {
	f.Add([]byte("\x03\x05" + id + "x\x9c\x03\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, payload, ok := Split(b); !ok && !bytes.Equal(payload, b) {
			t.Errorf("%q became %q", b, payload)
		}
	})
}
