package cron

import (
	"testing"
	"time"
)

func TestNext(t *testing.T) {
	from := time.Date(2024, 2, 27, 10, 17, 30, 0, time.UTC) // a Tuesday
	for _, test := range []struct{ text, want string }{
		{"cron(15 12 * * ? *)", "2024-02-27 12:15"},
		{"cron(0 10 * * ? *)", "2024-02-28 10:00"},
		{"cron(0/15 * * * ? *)", "2024-02-27 10:30"},
		{"cron(10-20/5 8-9,11 * * ? *)", "2024-02-27 11:10"},
		{"cron(0 18 ? * MON-FRI *)", "2024-02-27 18:00"},
		{"cron(0 8 ? * 1 *)", "2024-03-03 08:00"},
		{"cron(0 8 1 * ? *)", "2024-03-01 08:00"},
		{"cron(0 8 L * ? *)", "2024-02-29 08:00"},
		{"cron(0 8 30,31 feb ? *)", ""},
		{"cron(0 8 29 2 ? 2025-2030)", "2028-02-29 08:00"},
		{"cron(0 8 2W 3 ? *)", "2024-03-01 08:00"},
		{"cron(0 8 1W 6 ? *)", "2024-06-03 08:00"},
		{"cron(0 8 LW 3 ? *)", "2024-03-29 08:00"},
		{"cron(0 8 ? * 6#3 *)", "2024-03-15 08:00"},
		{"cron(0 8 ? * 6L *)", "2024-03-29 08:00"},
		{"cron(0 8 ? * L *)", "2024-03-02 08:00"},
		{"cron(0 8 ? 2 7L 2026)", "2026-02-28 08:00"}, // the last day of four whole weeks
		{"cron(*/1 * * * ? *)", "2024-02-27 10:18"},
		{"cron(0/59 * * * ? *)", "2024-02-27 10:59"},
		{"cron(0 0 1 1 ? 2023)", ""},
		{"cron(0 0 1 1 ? 2199)", "2199-01-01 00:00"},
	} {
		e, err := Parse(test.text)
		if err != nil {
			t.Error(err)
			continue
		}
		got := ""
		if next := e.Next(from); !next.IsZero() {
			got = next.Format("2006-01-02 15:04")
		}
		if got != test.want {
			t.Errorf("%s: %q, want %q", test.text, got, test.want)
		}
	}
}

func TestParseErrors(t *testing.T) {
	for _, text := range []string{
		"", "cron()", "rate(5 minutes)", "cron(0 12 * * ?)", "cron(0 12 * * * *)", "cron(0 12 ? * ? *)", "cron(60 12 * * ? *)",
		"cron(0 24 * * ? *)", "cron(0 0 0 * ? *)", "cron(0 0 * 13 ? *)", "cron(0 0 ? * 8 *)", "cron(0 0 ? * 2#6 *)",
		"cron(0 0 32W * ? *)", "cron(5-1 0 * * ? *)", "cron(0/0 0 * * ? *)", "cron(x 0 * * ? *)", "cron(0 0 * * ? 2200)", "cron(0 0 ? * MONL- *)",
	} {
		if e, err := Parse(text); err == nil {
			t.Errorf("%q is taken: %+v", text, e)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("cron(0/15 8-17 ? * MON-FRI 2024)")
	f.Add("cron(0 8 LW,3W,* * ? *)")
	f.Fuzz(func(t *testing.T, text string) {
		e, err := Parse(text)
		if err != nil {
			return
		}
		from := time.Date(2024, 2, 27, 10, 17, 30, 0, time.UTC)
		if next := e.Next(from); !next.IsZero() && !next.After(from) {
			t.Errorf("%q: %v is not after %v", text, next, from)
		}
	})
}
