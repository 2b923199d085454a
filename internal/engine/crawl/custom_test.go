package crawl

import (
	"encoding/xml"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/brookmere/brookmere/internal/engine/hivetype"
)

func mustCSV(t testing.TB, o CSVOptions) Classifier {
	t.Helper()
	c, err := NewCSV(o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func mustJSON(t testing.TB, path string) Classifier {
	t.Helper()
	c, err := NewJSON(path)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func mustGrok(t testing.TB, classification, pattern, custom string) Classifier {
	t.Helper()
	c, err := NewGrok(classification, pattern, custom)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestCustomClassifiers(t *testing.T) {
	apache := `127.0.0.1 - frank [10/Oct/2000:13:55:36 -0700] "GET /a b HTTP/1.0" 200 2326 "http://x/" "Mozilla/4.08"` + "\n"
	apache = strings.Replace(apache, "/a b", "/a", 1)
	for _, test := range []struct {
		name       string
		text       string
		classifier Classifier
		want       string
	}{
		{"headings given", "1;a\n2;b\n", mustCSV(t, CSVOptions{Delimiter: ";", Header: HeaderAbsent, Columns: []string{"Id", "Name"}}), `csv none ';' header=false (id bigint, name string) objects=1 records=2`},
		{"header of text alone", "a,b\nx,y\n", mustCSV(t, CSVOptions{Header: HeaderPresent}), `csv none ',' header=true (a string, b string) objects=1 records=1`},
		{"no header although it looks like one", "a,b\n1,2\n", mustCSV(t, CSVOptions{Header: HeaderAbsent}), `csv none ',' header=false (col0 string, col1 string) objects=1 records=2`},
		{"one column", "1\n2\n", mustCSV(t, CSVOptions{SingleColumn: true, Columns: []string{"n"}}), `csv none ',' header=false (n bigint) objects=1 records=2`},
		{"quotes", "'a,b',1\n'c',2\n", mustCSV(t, CSVOptions{Quote: "'"}), `csv none ',' header=false (col0 string, col1 bigint) objects=1 records=2`},
		{"types", "1,2024-01-02\n", mustCSV(t, CSVOptions{Header: HeaderAbsent, Columns: []string{"a", "b"}, Types: []string{"INT", "TIMESTAMP"}}), `csv none ',' header=false (a int, b timestamp) objects=1 records=1`},
		{"another width falls to the built-in ones", "1,2,3\n4,5,6\n", mustCSV(t, CSVOptions{Columns: []string{"a", "b"}}), `csv none ',' header=false (col0 bigint, col1 bigint, col2 bigint) objects=1 records=2`},
		{"elements", `[{"a":1},{"a":2,"b":"x"}]`, mustJSON(t, "$[*]"), `json none (a int, b string) objects=1 records=1`},
		{"member", `{"meta":{},"rows":[{"a":1.5}]}`, mustJSON(t, "$.rows[*]"), `json none (a double) objects=1 records=1`},
		{"bracketed member", `{"Data":{"x":true}}`, mustJSON(t, "$['Data']"), `json none (x boolean) objects=1 records=1`},
		{"scalar", `{"id":7,"x":1}`, mustJSON(t, "$.id"), `json none (id int) objects=1 records=1`},
		{"no such path", `{"a":1}`, mustJSON(t, "$.rows[*]"), `json none (a int) objects=1 records=1`},
		{"grok", "2024-01-02T03:04:05Z ERROR 17 went wrong\n2024-01-02T03:04:06Z INFO 18 fine\n",
			mustGrok(t, "app", `%{TIMESTAMP_ISO8601:at:timestamp} %{LEVEL:level} %{INT:n:int} %{GREEDYDATA:text}`, "LEVEL (?:ERROR|INFO)\n"),
			`app none (at timestamp, level string, n int, text string) objects=1 records=2`},
		{"apache", apache + apache, mustGrok(t, "web", `%{COMBINEDAPACHELOG}`, ""),
			`web none (clientip string, ident string, auth string, timestamp string, verb string, request string, httpversion string, rawrequest string, response string, bytes string, referrer string, agent string) objects=1 records=2`},
		{"row tag", `<l><m/><row id="1"><a>x</a></row><n><row id="20000000000"><a>1</a><a>2</a></row></n><row id="3"/></l>`, mustXML(t, "rows", "row"),
			`rows none (_id bigint, a array<string>) objects=1 records=2`},
		{"row tag, text alone, prefixes", `<x:l xmlns:x="u"><x:row>1</x:row><x:row>2.5</x:row></x:l>`, mustXML(t, "", "x:row"), `xml none (_value double) objects=1 records=2`},
		{"another row tag falls to the built-in one", `<l><a>1</a></l>`, mustXML(t, "rows", "row"), `xml none (a int) objects=1 records=1`},
		{"grok of other lines", "{\"a\":1}\n", mustGrok(t, "app", `%{IP:ip}`, ""), `json none (a int) objects=1 records=1`},
	} {
		tables, err := Run(t.Context(), mapSource{"x/f": []byte(test.text)}, "x/", "b", Options{Classifiers: []Classifier{test.classifier}})
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.TrimPrefix(strings.TrimSpace(show(tables)), `x at "x/" `); got != test.want {
			t.Errorf("%s:\n got %s\nwant %s", test.name, got, test.want)
		}
	}
}

// TestXMLMerge: a type that another adds nothing to is not copied, since elements are many and may have many fields.
func TestXMLMerge(t *testing.T) {
	number := func(name string) hivetype.Field { return hivetype.Field{Name: name, Type: intType} }
	a := &hivetype.Type{Kind: hivetype.Struct, Fields: []hivetype.Field{number("x"), {Name: "in", Type: &hivetype.Type{Kind: hivetype.Struct, Fields: []hivetype.Field{number("y")}}}}}
	same := &hivetype.Type{Kind: hivetype.Struct, Fields: []hivetype.Field{{Name: "in", Type: &hivetype.Type{Kind: hivetype.Struct, Fields: []hivetype.Field{number("y")}}}}}
	if got := xmlMerge(a, same); got != a {
		t.Errorf("%s is copied: %s", a, got)
	}
	more := &hivetype.Type{Kind: hivetype.Struct, Fields: []hivetype.Field{{Name: "x", Type: doubleType}, number("z")}}
	if got := xmlMerge(a, more).String(); got != "struct<x:double,in:struct<y:int>,z:int>" || a.String() != "struct<x:int,in:struct<y:int>>" {
		t.Errorf("%s of %s", got, a)
	}
}

// TestXMLFields: an element of as many children as a type may have has no room for its text either.
func TestXMLFields(t *testing.T) {
	for _, test := range []struct {
		children int
		text     string
		want     error
	}{
		{maxJSONFields, "", nil},
		{maxJSONFields - 1, "x", nil},
		{maxJSONFields, "x", errNotXML},
		{maxJSONFields + 1, "", errNotXML},
	} {
		var b strings.Builder
		b.WriteString("<r>" + test.text)
		for i := range test.children {
			fmt.Fprintf(&b, "<c%d>1</c%[1]d>", i)
		}
		b.WriteString("</r>")
		x := &xmlReader{d: xml.NewDecoder(strings.NewReader(b.String())), text: []byte(b.String())}
		start, err := x.d.Token()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := x.element(start.(xml.StartElement), 0); !errors.Is(err, test.want) {
			t.Errorf("%d children, text %q: %v, want %v", test.children, test.text, err, test.want)
		}
	}
}

func mustXML(t testing.TB, classification, tag string) Classifier {
	t.Helper()
	c, err := NewXML(classification, tag)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestBadClassifiers(t *testing.T) {
	for _, o := range []CSVOptions{
		{Delimiter: "ab"}, {Delimiter: "ü"}, {Delimiter: `"`}, {Columns: []string{"a", "A"}}, {Columns: []string{""}},
		{Types: []string{"STRUCT"}}, {Types: []string{"INT"}, Columns: []string{"a", "b"}},
	} {
		if _, err := NewCSV(o); err == nil {
			t.Errorf("%+v is taken", o)
		}
	}
	for _, path := range []string{"", "a", "$[", "$[x]", "$['a", "$..a", "$.", "$x", "$[-1]"} {
		if _, err := NewJSON(path); err == nil {
			t.Errorf("%q is taken", path)
		}
	}
	for _, g := range [][2]string{
		{"", ""}, {"%{INT}", ""}, {"%{NOPE:a}", ""}, {"%{A:a}", "A %{A}"}, {"%{INT:a:nope}", ""}, {"(%{INT:a}", ""},
		{"%{B:a}", "B"}, {"%{B:a}", "B (?=x"}, {"%{A:a}", "A %{B}%{B}%{B}%{B}%{B}%{B}%{B}%{B}\nB %{C}%{C}%{C}%{C}%{C}%{C}%{C}%{C}\nC %{D}%{D}%{D}%{D}%{D}%{D}%{D}%{D}\nD %{E}%{E}%{E}%{E}%{E}%{E}%{E}%{E}\nE %{URI}%{URI}%{URI}%{URI}%{URI}%{URI}"},
	} {
		if _, err := NewGrok("c", g[0], g[1]); err == nil {
			t.Errorf("%q is taken", g)
		}
	}
}

// TestGrokPatterns expands every pattern of the library.
func TestGrokPatterns(t *testing.T) {
	for name := range grokPatterns {
		if _, err := NewGrok("c", "%{"+name+":x}", ""); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzCustom(f *testing.F) {
	f.Add("$.a[*]", "%{WORD:a} %{INT:b:int}", "W x", []byte("a 1\n"))
	f.Add("$['x'][0]", "%{COMBINEDAPACHELOG}", "", []byte(`{"a":[{"b":1}]}`))
	f.Fuzz(func(t *testing.T, path, pattern, custom string, text []byte) {
		o := Options{Classifiers: []Classifier{mustCSV(t, CSVOptions{SingleColumn: true, Header: HeaderPresent})}}
		if c, err := NewJSON(path); err == nil {
			o.Classifiers = append([]Classifier{c}, o.Classifiers...)
		}
		if c, err := NewGrok("c", pattern, custom); err == nil {
			o.Classifiers = append([]Classifier{c}, o.Classifiers...)
		}
		if _, err := Run(t.Context(), mapSource{"x/f": text}, "x/", "b", o); err != nil {
			t.Fatal(err)
		}
	})
}
