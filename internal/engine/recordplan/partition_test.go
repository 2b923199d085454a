package recordplan

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

func extract(t testing.TB, k *KeyQuery, rec string) (string, error) {
	t.Helper()
	var v Values
	var keys KeyValues
	v.Reset([]byte(rec))
	if !v.Next() {
		return "", NotJSON
	}
	if err := k.Extract(&v.Value, &keys); err != nil {
		var pe *PartitionError
		if !errors.As(err, &pe) {
			t.Fatalf("%s: error %v is no PartitionError", rec, err)
		}
		return "", err
	}
	var b strings.Builder
	for i := range keys.Len() {
		fmt.Fprintf(&b, "%s=%q ", keys.Name(i), keys.Value(i))
	}
	return strings.TrimSpace(b.String()), nil
}

func TestPartitionCommands(t *testing.T) {
	var k *KeyQuery
	runCommands(t, "testdata/partition", func(cmd, arg, input string) string {
		switch cmd {
		case "query":
			var err error
			if k, err = CompileKeys(input); err != nil {
				return "error"
			}
			way := "jq"
			if k.paths != nil {
				way = "path"
			}
			return fmt.Sprintf("%s %s", way, k.Names())
		case "extract":
			var out []string
			for line := range strings.Lines(input) {
				got, err := extract(t, k, line)
				if err != nil {
					got = err.Error()
				}
				out = append(out, got)
			}
			return strings.Join(out, "\n")
		}
		return "unknown command " + cmd
	})
}

// TestPathsAgainstJQ gives random records to queries of paths, by way of bytes and of jq.
func TestPathsAgainstJQ(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	names := []string{"a", "b", "x y", "é", `q\"`, `\u0061`}
	var value func(depth int) string
	value = func(depth int) string {
		switch n := rng.IntN(12); {
		case n < 2:
			return []string{"1", "-0.50", "1e3", "12345678901234567890"}[rng.IntN(4)]
		case n < 4:
			return []string{`""`, `"v"`, `"\u00e9\n"`, `"\ud83d\ude00"`, `"\ud800"`}[rng.IntN(5)]
		case n == 4:
			return "null"
		case n == 5:
			return "true"
		case n == 6:
			return "[1, 2]"
		case depth > 3:
			return "false"
		}
		var parts []string
		for range rng.IntN(5) {
			parts = append(parts, `"`+names[rng.IntN(len(names))]+`" : `+value(depth+1))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	}
	for _, query := range []string{`{k: .a}`, `{k: .a.b, l: .b}`, `{a, "x y": ."x y"}`, `{k: .["a"]["q\""], l: (.a|tostring)}`, `{k: ."é".a.b}`, `{k: .b|tostring}`} {
		k, err := CompileKeys(query)
		if err != nil || k.paths == nil {
			t.Fatalf("%s: %v, paths %v", query, err, k)
		}
		slow := &KeyQuery{names: k.names, bound: k.bound, code: k.code}
		for range 3000 {
			rec := value(0)
			got, gotErr := extract(t, k, rec)
			want, wantErr := extract(t, slow, rec)
			if got != want || (gotErr == nil) != (wantErr == nil) {
				t.Fatalf("%s of %s is %s, %v; jq says %s, %v", query, rec, got, gotErr, want, wantErr)
			}
		}
	}
}

func BenchmarkExtract(b *testing.B) {
	rec := []byte(`{"temperature": 31, "cpu": 0.8444218515250481, "ram": 0.7579544029403025, "hd": 0.420571580830845, "timestamp": "2026-11-22 05:10:11.123456", "timestamp_sent": "2026-11-22 05", "id_device": 7}`)
	for name, query := range map[string]string{"path": `{timestamp_sent:.timestamp_sent}`, "jq": `{timestamp_sent:.timestamp_sent[:13]}`} {
		b.Run(name, func(b *testing.B) {
			k, err := CompileKeys(query)
			if err != nil {
				b.Fatal(err)
			}
			var v Values
			var keys KeyValues
			b.ReportAllocs()
			for b.Loop() {
				v.Reset(rec)
				if !v.Next() {
					b.Fatal("no value")
				}
				if err := k.Extract(&v.Value, &keys); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
