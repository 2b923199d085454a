package scan

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"testing"

	"github.com/fxamacker/cbor/v2"
)

// skipCBOR takes one item, which must be all.
func skipCBOR(data []byte) error {
	s := CBOR{Data: data}
	if err := s.Skip(); err != nil {
		return err
	}
	if !s.End() {
		return fail(s.Pos, Malformed)
	}
	return nil
}

func TestCBORErrors(t *testing.T) {
	deep := bytes.Repeat([]byte{0x81}, MaxDepth)
	for _, tt := range []struct{ data, want string }{
		{"", "ends early at byte 0"},
		{"19", "ends early at byte 1"},
		{"1901", "ends early at byte 2"},
		{"1c", "malformed at byte 0"},
		{"6361", "ends early at byte 2"},
		{"7b7fffffffffffffff", "ends early at byte 9"},
		{"9bffffffffffffffff", "ends early at byte 9"},
		{"9f01", "ends early at byte 2"},
		{"bf6161", "ends early at byte 3"},
		{"ff", "malformed at byte 0"},
		{"7f6161", "ends early at byte 3"},
		{"7f4161ff", "malformed at byte 1"},
		{"7f7fffff", "malformed at byte 1"},
		{hex.EncodeToString(append(deep, 0x80)), fmt.Sprintf("nests deeply at byte %d", MaxDepth+1)},
	} {
		data, _ := hex.DecodeString(tt.data)
		var e *Error
		if err := skipCBOR(data); !errors.As(err, &e) || e.Error() != tt.want {
			t.Errorf("%s: %v, want %s", tt.data, err, tt.want)
		}
	}
	if err := skipCBOR(append(deep[1:], 0x80)); err != nil {
		t.Error(err)
	}
	s := CBOR{Data: []byte{0x62, 0xff, 0xfe}}
	if _, err := s.Name(); err == nil || err.Error() != "not UTF-8 at byte 1" {
		t.Error(err)
	}
}

func TestHead(t *testing.T) {
	for _, tt := range []struct {
		data  string
		value float64
	}{
		{"17", 23}, {"1818", 24}, {"1903e8", 1000}, {"1a000f4240", 1e6}, {"20", -1}, {"3903e7", -1000},
		{"f93c00", 1}, {"f9c400", -4}, {"f90001", 5.960464477539063e-8}, {"f97c00", math.Inf(1)}, {"fa47c35000", 1e5}, {"fb3ff199999999999a", 1.1},
		{"c1c2182a", 42}, // tags are dropped
	} {
		data, _ := hex.DecodeString(tt.data)
		s := CBOR{Data: data}
		h, err := s.Head()
		if got, ok := h.Number(); err != nil || !ok || got != tt.value || !s.End() {
			t.Errorf("%s: %v %v %v, want %v", tt.data, got, ok, err, tt.value)
		}
	}
	for _, tt := range []struct {
		head Head
		want int64
		ok   bool
	}{
		{Head{Major: Uint, Arg: math.MaxInt64}, math.MaxInt64, true},
		{Head{Major: Uint, Arg: math.MaxInt64 + 1}, 0, false},
		{Head{Major: Negative, Arg: math.MaxInt64}, math.MinInt64, true},
		{Head{Major: Text, Arg: 1}, 0, false},
	} {
		if got, ok := tt.head.Int(); got != tt.want || ok != tt.ok {
			t.Errorf("%+v: %d %v", tt.head, got, ok)
		}
	}
}

// FuzzCBOR compares Skip with a library, and the plain reading with the general.
func FuzzCBOR(f *testing.F) {
	for _, seed := range []any{map[string]any{"a": []any{1, -2, 2.5, true, nil, []byte("x")}, "b": map[string]int{}}, "text", uint64(1 << 40)} {
		b, _ := cbor.Marshal(seed)
		f.Add(b)
	}
	f.Add([]byte("\xbf\x61a\x9f\x01\xff\x61b\x7f\x61x\x61y\xff\xff"))
	f.Add([]byte("\xc1\x1b\x00\x00\x01\x00\x00\x00\x00\x00"))
	mode, err := cbor.DecOptions{MaxNestedLevels: 512, MaxArrayElements: math.MaxInt32, MaxMapPairs: math.MaxInt32}.DecMode()
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		err := skipCBOR(data)
		var e *Error
		if errors.As(err, &e) && (e.Pos < 0 || e.Pos > len(data)) {
			t.Errorf("%x: %v", data, err)
		}
		if err != nil && e.Reason != TooDeep && mode.Wellformed(data) == nil {
			t.Errorf("%x: %v", data, err)
		}
		for _, major := range []byte{Uint, Bytes, Text, Array, Map} {
			p, s := CBOR{Data: data}, CBOR{Data: data}
			n, ok := p.Length(major)
			if !ok {
				continue
			}
			h, err := s.Head()
			if err != nil || h.Major != major || h.Len() != n || p.Pos != s.Pos {
				t.Fatalf("%x: %d, %+v, %v", data, n, h, err)
			}
			if major != Bytes && major != Text {
				continue
			}
			want, err := s.Bytes(h)
			for _, read := range []func(*CBOR) ([]byte, bool){
				func(c *CBOR) ([]byte, bool) { return c.Plain(major) },
				func(c *CBOR) ([]byte, bool) {
					if major != Text {
						return want, err == nil
					}
					return c.PlainName()
				},
			} {
				p := CBOR{Data: data}
				if got, ok := read(&p); ok != (err == nil) || !bytes.Equal(got, want) {
					t.Fatalf("%x: plain %x %v, want %x %v", data, got, ok, want, err)
				}
			}
		}
	})
}

func FuzzAppendHead(f *testing.F) {
	for _, n := range []uint64{0, 23, 24, 255, 256, 1 << 16, 1 << 32, math.MaxUint64} {
		f.Add(n)
	}
	f.Fuzz(func(t *testing.T, n uint64) {
		for _, major := range []byte{Uint, Negative, Bytes, Text, Array, Map} {
			s := CBOR{Data: AppendHead(nil, major, n)}
			if h, err := s.Head(); err != nil || h.Major != major || h.Arg != n || !s.End() {
				t.Errorf("%d, %d: %+v, %v", major, n, h, err)
			}
		}
	})
}
