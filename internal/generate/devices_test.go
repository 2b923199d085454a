package generate

import (
	"encoding/json"
	"testing"
	"time"
)

func TestIoTReadings(t *testing.T) {
	at := time.Date(2026, 3, 1, 23, 59, 59, 123456789, time.FixedZone("", 3600))
	g := NewIoT(1)
	devices := make(map[int]bool)
	for range 2000 {
		var r struct {
			Temperature   *int     `json:"temperature"`
			CPU           *float64 `json:"cpu"`
			RAM           *float64 `json:"ram"`
			HD            *float64 `json:"hd"`
			Timestamp     string   `json:"timestamp"`
			TimestampSent string   `json:"timestamp_sent"`
			Device        *int     `json:"id_device"`
		}
		rec := g.Append(nil, at)
		if err := json.Unmarshal(rec, &r); err != nil {
			t.Fatalf("%s: %v", rec, err)
		}
		if *r.Temperature < 0 || *r.Temperature > 100 {
			t.Fatalf("temperature out of range: %s", rec)
		}
		for _, share := range []float64{*r.CPU, *r.RAM, *r.HD} {
			if share < 0 || share > 1 {
				t.Fatalf("share out of range: %s", rec)
			}
		}
		if r.Timestamp != "2026-03-01 22:59:59.123456" || r.TimestampSent != "2026-03-01 22" {
			t.Fatalf("times: %s", rec)
		}
		devices[*r.Device] = true
	}
	if len(devices) != Devices {
		t.Errorf("saw %d devices, want %d", len(devices), Devices)
	}
}

func TestIoTSameSeedSameReadings(t *testing.T) {
	at := time.Unix(0, 0)
	a, b := NewIoT(7), NewIoT(7)
	for range 10 {
		x, y := a.Append(nil, at), b.Append(nil, at)
		if string(x) != string(y) {
			t.Fatalf("%s != %s", x, y)
		}
	}
}

func BenchmarkIoT(b *testing.B) {
	g := NewIoT(1)
	at := time.Unix(1_700_000_000, 0)
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		buf = g.Append(buf[:0], at)
	}
	b.SetBytes(int64(len(buf)))
}
