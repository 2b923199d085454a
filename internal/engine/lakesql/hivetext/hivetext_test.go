package hivetext

import (
	"fmt"
	"math"
	"testing"
)

// The cases are of Trino's TestSimpleFormat, which runs each of them against Hive's own SerDe too.
func TestValues(t *testing.T) {
	show := func(v any, ok bool) string {
		if !ok {
			return "null"
		}
		return fmt.Sprint(v)
	}
	whole := func(bits int) func(string) string {
		return func(s string) string { v, ok := Whole(s, bits); return show(v, ok) }
	}
	decimal := func(precision, scale int) func(string) string {
		return func(s string) string {
			v, ok := Decimal(s, precision, scale)
			return show(v.ToString(int32(scale)), ok)
		}
	}
	real := func(s string) string { v, ok := Real(s, 64); return show(v, ok) }
	date := func(s string) string { v, ok := Date(s); return show(v.Format("2006-01-02"), ok) }
	timestamp := func(formats string) func(string) string {
		return func(s string) string {
			v, ok := Timestamp(s, ParseFormats(formats))
			return show(v.Format("2006-01-02 15:04:05.999999999"), ok)
		}
	}
	binary := func(s string) string { return string(Binary(s)) }
	for _, c := range []struct {
		read     func(string) string
		in, want string
	}{
		{whole(64), "1.56", "1"}, {whole(64), "-1.9", "-1"}, {whole(64), ".123", "0"}, {whole(64), "-.123", "0"}, {whole(64), "+.123", "0"}, {whole(64), ".", "0"},
		{whole(64), "-", "null"}, {whole(64), "+", "null"}, {whole(64), "", "null"}, {whole(64), "1.2345e2", "null"}, {whole(64), "1e2", "null"}, {whole(64), "1.2.3", "null"},
		{whole(64), " 1", "null"}, {whole(64), "1 ", "null"}, {whole(64), "1_0", "null"}, {whole(64), "+-1", "null"}, {whole(64), "-+1", "null"}, {whole(64), "\"1\"", "null"},
		{whole(64), "+00009223372036854775807.999", "9223372036854775807"}, {whole(64), "9223372036854775808", "null"}, {whole(64), "-9223372036854775808", "-9223372036854775808"},
		{whole(8), "127.9", "127"}, {whole(8), "128", "null"}, {whole(8), "-128", "-128"}, {whole(16), "32768", "null"}, {whole(32), "2147483647.999", "2147483647"},
		{real, "1.5645e33", "1.5645e+33"}, {real, "NaN", "NaN"}, {real, "+Infinity", "+Inf"}, {real, "-Infinity", "-Inf"}, {real, "+Inf", "null"}, {real, " 1.5 ", "1.5"},
		{real, "1.5d", "1.5"}, {real, "Infinityd", "null"}, {real, "1_0", "null"}, {real, "0x10", "null"}, {real, "1e400", "+Inf"}, {real, ".", "null"}, {real, "", "null"}, {real, "-NaN", "NaN"},
		{decimal(4, 2), "10.001", "10.00"}, {decimal(4, 2), "10.005", "10.01"}, {decimal(4, 2), "-10.005", "-10.01"}, {decimal(4, 2), "99.999", "null"}, {decimal(4, 2), "1.2e1", "12.00"}, {decimal(4, 2), "0.004", "0.00"},
		{decimal(4, 2), "0.005", "0.01"}, {decimal(4, 2), "0.0005", "0.00"}, {decimal(4, 2), "1e-999999999", "0.00"}, {decimal(4, 2), "1e999999999", "null"}, {decimal(4, 2), "0e999999999", "0.00"}, {decimal(4, 2), "1e99999999999", "null"},
		{decimal(4, 2), " 1", "null"}, {decimal(4, 2), "1.", "1.00"}, {decimal(4, 2), ".", "null"}, {decimal(4, 2), ".5", "0.50"}, {decimal(4, 2), "x", "null"},
		{decimal(38, 2), "999999999999999999999999999999999999.99123", "999999999999999999999999999999999999.99"}, {decimal(38, 2), "999999999999999999999999999999999999.999", "null"}, {decimal(38, 2), "1.5645e35", "156450000000000000000000000000000000.00"},
		{date, "1986-01-01 anything is allowed here", "1986-01-01"}, {date, "1986-01-33", "1986-02-02"}, {date, "1986-1-3", "1986-01-03"}, {date, "2024-13-01", "2025-01-01"}, {date, "2024/01/02", "null"}, {date, " 2024-01-02 ", "2024-01-02"},
		{date, "2024-01-02T00:00:00", "null"}, {date, "1", "null"}, {date, "99999999999-01-01", "null"}, {date, "2024-00-00", "2023-11-30"},
		{timestamp(""), "2020-05-10 12:34:56.123456789", "2020-05-10 12:34:56.123456789"}, {timestamp(""), "2020-05-10T12:34:56.123456789", "2020-05-10 12:34:56.123456789"}, {timestamp(""), "2020-5-1 1:2:3", "2020-05-01 01:02:03"},
		{timestamp(""), "2020-05-10T12:34", "2020-05-10 12:34:00"}, {timestamp(""), "2020-05-10 12:34", "null"}, {timestamp(""), "2020-05-10", "null"}, {timestamp(""), "2020-05-10T12:34:56Z", "null"}, {timestamp(""), "2020-05-10 12:34:56+02:00", "null"},
		{timestamp(""), "2020-05-10 25:00:00", "2020-05-11 01:00:00"}, {timestamp(""), "2020-05-10T25:00:00", "null"}, {timestamp(""), "2020-02-30T01:00:00", "null"}, {timestamp(""), "2020/05/10 12:34:56", "null"}, {timestamp(""), "1.5645e300", "null"},
		{timestamp("MM/dd/yyyy HH.mm.ss.SSS"), "05/10/2020 12.34.56.123", "2020-05-10 12:34:56.123"}, {timestamp("MM/dd/yyyy HH"), "05/10/2020 7", "2020-05-10 07:00:00"}, {timestamp("millis"), "1589114096123.777", "2020-05-10 12:34:56.123"},
		{timestamp("yyyy,MM/dd/yyyy HH.mm.ss.SSS,millis"), "1589114096123.777", "2020-05-10 12:34:56.123"}, {timestamp("yyyy,millis"), "2020-05-10T12:34:56.123456789", "2020-05-10 12:34:56.123456789"}, {timestamp("MM/dd/yyyy"), "1/1/-10", "null"},
		{timestamp("yyyy"), "290000000", "null"}, {timestamp("yyyy/MM/dd"), "-300000000/01/01", "null"},
		{timestamp(`MM/dd\, yyyy`), "05/10, 2020", "2020-05-10 00:00:00"},
		{binary, "dmFsdWU=", "value"}, {binary, "dmFsdWU", "value"}, {binary, "$value", "$value"}, {binary, "-_-_", "\xfb\xff\xbf"}, {binary, "", ""}, {binary, "dmFs dWU=", "value"},
	} {
		if got := c.read(c.in); got != c.want {
			t.Errorf("%q: %s, want %s", c.in, got, c.want)
		}
	}
	if v, ok := Real("-0", 64); !ok || !math.Signbit(v) {
		t.Error("-0 is not negative")
	}
}

// FuzzValues: no text may panic.
func FuzzValues(f *testing.F) {
	f.Add("2020-05-10 12:34:56.123", 5)
	f.Add("-1.5e-3", 2)
	f.Fuzz(func(t *testing.T, s string, scale int) {
		Whole(s, 32)
		Real(s, 64)
		Decimal(s, 38, ((scale%38)+38)%38)
		Date(s)
		Timestamp(s, Formats{nil})
		Binary(s)
	})
}
