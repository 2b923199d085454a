package vtl

import (
	"bufio"
	"context"
	"encoding/json"
	"os"
	"strings"
	"testing"
)

// recorded is a template with what Velocity 1.7 made of it; see testdata/velocity.
type recorded struct {
	Variables json.RawMessage `json:"variables"` // of this case and those that follow
	Template  string          `json:"template"`
	Output    string          `json:"output"`
	Error     string          `json:"error"` // the class of the exception
}

func readRecorded(t testing.TB) []recorded {
	t.Helper()
	f, err := os.Open("testdata/velocity/cases.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var out []recorded
	var variables json.RawMessage
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var c recorded
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			t.Fatal(err)
		}
		if c.Variables != nil {
			variables = c.Variables
			if c.Template == "" {
				continue
			}
		}
		c.Variables = variables
		out = append(out, c)
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

// variables makes the variables of a case: values as they come from JSON.
func variables(t testing.TB, text []byte) map[string]any {
	t.Helper()
	v, err := FromJSON(string(text))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]any{}
	m := v.(*Map)
	for _, k := range m.Keys() {
		out[k], _ = m.Get(k)
	}
	return out
}

func render(source string, vars map[string]any) (string, error) {
	tmpl, err := Parse(source)
	if err != nil {
		return "", err
	}
	return tmpl.Run(context.Background(), vars, Options{})
}

func TestAsVelocity(t *testing.T) {
	for _, c := range readRecorded(t) {
		got, err := render(c.Template, variables(t, c.Variables))
		switch {
		case c.Error != "" && err == nil:
			t.Errorf("%q\n got %q\nwant an error (%s)", c.Template, got, c.Error)
		case c.Error == "" && err != nil:
			t.Errorf("%q\n got error %v\nwant %q", c.Template, err, c.Output)
		case c.Error == "" && got != c.Output:
			t.Errorf("%q\n got %q\nwant %q", c.Template, got, c.Output)
		}
	}
}

func TestBounds(t *testing.T) {
	for name, source := range map[string]string{
		"steps":        "#foreach($i in [1..10000])#foreach($j in [1..10000])x#end#end",
		"range":        "#foreach($i in [1..2000000000])x#end",
		"doubling":     `#set($s = "xxxxxxxxxxxxxxxx")#foreach($i in [1..40])#set($s = "$s$s")#end`,
		"concat":       `#set($s = "xxxxxxxxxxxxxxxx")#foreach($i in [1..40])#set($s = $s.concat($s))#end`,
		"replace":      `#set($s = "aaaaaaaaaaaaaaaa")#foreach($i in [1..40])#set($s = $s.replace("a", "aa"))#end`,
		"replaceAll":   `#set($s = "aaaaaaaaaaaaaaaa")#foreach($i in [1..40])#set($s = $s.replaceAll("a", "aa"))#end`,
		"repeat":       `$x.toString().repeat(2000000000)`,
		"list":         `#set($l = [1])#foreach($i in [1..40])#set($b = $l.addAll($l))#end`,
		"holds itself": `#set($m = {})#set($m.a = $m)$m`,
		"list in it":   `#set($l = [1])#set($b = $l.add($l))$l`,
		"recursion":    `#macro(r)#r()#end#r()`,
		"definition":   `#define($d)$d#end$d`,
		"arguments":    `#macro(r $a)#r("$a$a")#end#r("x")`,
		"regex":        `$s.matches("(((a+)+)+)+b")`,
		"numbers":      `#set($n = 99999999999)#foreach($i in [1..100])#set($n = $n * $n)#end$n`,
	} {
		t.Run(name, func(t *testing.T) {
			vars := map[string]any{"x": int32(1), "s": strings.Repeat("a", 60)}
			got, err := render(source, vars)
			if err == nil && name != "numbers" {
				t.Errorf("no error; %d bytes", len(got))
			}
		})
	}
	if _, err := Parse(strings.Repeat("#if($a)", 1000)); err == nil {
		t.Error("a thousand nested blocks are taken")
	}
	if _, err := Parse("#set($a = " + strings.Repeat("(", 10000)); err == nil {
		t.Error("ten thousand parentheses are taken")
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	tmpl, err := Parse("#foreach($i in [1..5000])x#end")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tmpl.Run(ctx, nil, Options{}); err != context.Canceled {
		t.Errorf("a run whose context has ended: %v", err)
	}
}

func TestRefused(t *testing.T) {
	for _, source := range []string{`#include("/etc/passwd")`, `#parse("x")`, `#evaluate("x")`} {
		if _, err := Parse(source); err == nil {
			t.Errorf("%s is taken", source)
		}
	}
	// Nothing leads from a value to its class or to the system.
	got, err := render(`$s.class $s.getClass() $m.class.name $l.getClass().forName("x")`, map[string]any{"s": "x", "m": NewMap(), "l": &List{}})
	if want := `$s.class $s.getClass() $m.class.name $l.getClass().forName("x")`; got != want || err != nil {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
}

func TestSyntaxErrorsSayWhere(t *testing.T) {
	_, err := Parse("line\n  #if($a\n")
	e, ok := err.(*SyntaxError)
	if !ok || e.Line != 3 {
		t.Errorf("got %v", err)
	}
}

func FuzzTemplate(f *testing.F) {
	for _, c := range readRecorded(f) {
		f.Add(c.Template)
	}
	f.Fuzz(func(t *testing.T, source string) {
		tmpl, err := Parse(source)
		if err != nil {
			return
		}
		l := &List{Items: []any{int32(1), "b", nil, 1.5}}
		_, _ = tmpl.Run(context.Background(), map[string]any{"x": int32(1), "s": "text", "l": l, "m": NewMap()}, Options{Steps: 10_000, Bytes: 1 << 20})
	})
}

func BenchmarkOrders(b *testing.B) {
	tmpl, err := Parse("#set($inputRoot = $m)\n{\n  \"StreamName\": \"$inputRoot.StreamName\",\n  \"PartitionKey\": \"$inputRoot.PartitionKey\",\n  \"Data\": \"$inputRoot.Data\"\n}")
	if err != nil {
		b.Fatal(err)
	}
	m := NewMap()
	m.Put("StreamName", "ingestion-dev")
	m.Put("PartitionKey", "test-partition-01")
	m.Put("Data", strings.Repeat("A", 400))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := tmpl.Run(context.Background(), map[string]any{"m": m}, Options{}); err != nil {
			b.Fatal(err)
		}
	}
}
