package s3select

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	pq "github.com/parquet-go/parquet-go"
)

var now = time.Date(2026, 11, 29, 8, 0, 0, 0, time.UTC)

// ask runs a statement and returns what it yields, or its error's code after "!".
func ask(statement string, object []byte, in Input, out Output) string {
	q, err := Parse(statement, in, now)
	var b bytes.Buffer
	if err == nil {
		_, err = q.Run(context.Background(), bytes.NewReader(object), Options{Input: in, Output: out}, &b)
	}
	if e := (*Error)(nil); errors.As(err, &e) {
		return "!" + e.Code
	}
	if err != nil {
		return "!!" + err.Error()
	}
	return b.String()
}

const people = "name,age,city\nAnn,34,Oslo\nBob,7,\"Paris, FR\"\nCy,,Rome\n"

func TestCSV(t *testing.T) {
	use := Input{Format: "CSV", Header: "USE"}
	for _, c := range []struct{ sql, want string }{
		{"SELECT * FROM S3Object", "Ann,34,Oslo\nBob,7,\"Paris, FR\"\nCy,,Rome\n"},
		{"select s.name from s3object s where s.age > 10", "Ann\n"},
		{"select name from s3object where CAST(age AS INT) < 10", "!CastFailed"},
		{`select s."name", s._2 from S3Object s limit 1`, "Ann,34\n"},
		{"select NAME from s3object limit 2;", "Ann\nBob\n"},
		{"select count(*) from s3object s", "3\n"},
		{"select sum(cast(nullif(age,'') as int)), avg(cast(nullif(age,'') as decimal)), min(name), max(name), count(nullif(age,'')) from s3object", "41,20.5,Ann,Cy,2\n"},
		{"select max(age) from s3object where age <> ''", "34\n"},
		{"select name || '!' , upper(city), char_length(name) from s3object where city like '%, F_'", "Bob!,\"PARIS, FR\",3\n"},
		{"select name from s3object where name in ('Ann', 'Cy') and not age = '34'", "Cy\n"},
		{"select name from s3object where age between 5 and 40", "Ann\nBob\n"},
		{"select case when age = '' then 'none' else age end from s3object", "34\n7\nnone\n"},
		{"select case name when 'Ann' then 1 end from s3object limit 1", "1\n"},
		{"select substring(name, 2), substring(name from 1 for 1), trim(both 'n' from name) from s3object limit 1", "nn,A,A\n"},
		{"select 1 + 2 * 3, 7 / 2, 7.0 / 2, -5 % 3, 0.1 + 0.2 from s3object limit 1", "7,3,3.5,-2,0.3\n"},
		{"select date_add(month, 1, `2024-01-31`), extract(year from cast('2024-05-06T07:08:09Z' as timestamp)), date_diff(day, `2024-01-01`, `2024-02-01`), to_string(`2024-05-06T17:08:09Z`, 'MMMM d, y h:m a') from s3object limit 1",
			"2024-02-29T,2024,31,\"May 6, 2024 5:8 PM\"\n"},
		{"select date_add(hour, 3000000, `2000T`), date_add(minute, -600000000, `2000T`), date_add(second, 60000000000, `2000T`), date_add(day, 1000000, `2000T`) from s3object limit 1",
			"2342-03-29T00:00Z,0859-03-16T08:00Z,3901-04-29T10:40:00Z,4737-11-28T\n"},
		{"select date_add(hour, 1000000000000, `2000T`) from s3object limit 1", "!EvaluatorInvalidTimestampFormatPattern"},
		{"select count(*) from s3object limit 1", "3\n"},
		{"select count(*) from s3object limit 0", ""},
		{"select utcnow() from s3object limit 1", "2026-11-29T08:00:00Z\n"},
		{"select coalesce(null, name) from s3object limit 1", "Ann\n"},
		{"select name from s3object limit 0", ""},
		{"select nope from s3object", "!MissingHeaders"},
		{"select nope from s3object where 1 = 2 and nope = 3", ""},
		{"select name, count(*) from s3object", "!UnsupportedSqlStructure"},
		{"select sum(count(*)) from s3object", "!UnsupportedSqlStructure"},
		{"select name from s3object order by name", "!ParseUnsupportedSyntax"},
		{"select name from s3object group by name", "!ParseUnsupportedSyntax"},
		{"select name from other", "!InvalidDataSource"},
		{"select name", "!ParseSelectMissingFrom"},
		{"delete from s3object", "!ParseUnsupportedToken"},
		{"", "!ParseUnsupportedToken"},
		{"select 'a from s3object", "!LexerInvalidLiteral"},
		{"select # from s3object", "!LexerInvalidChar"},
		{"select md5(name) from s3object", "!UnsupportedFunction"},
		{"select cast(name as blob) from s3object", "!ParseExpectedTypeName"},
		{"select lower(name, name) from s3object", "!EvaluatorInvalidArguments"},
		{"select 1/0 from s3object", "!EvaluatorInvalidArguments"},
		{"select 9223372036854775807 + 1 from s3object", "!IntegerOverflow"},
		{"select name from s3object limit x", "!ParseExpectedNumber"},
		{"select name from s3object limit -1", "!EvaluatorNegativeLimit"},
		{"select case when name = 'Ann' or 1 end from s3object", "!ParseExpectedKeyword"},
		{"select s['a' from s3object s", "!ParseExpectedTokenType"},
		{"select *, name from s3object", "!ParseAsteriskIsNotAloneInSelectList"},
		{"select " + strings.Repeat("(", 5000) + "1" + strings.Repeat(")", 5000) + " from s3object", "!UnsupportedSqlStructure"},
		{"select 1 from s3object where name = '" + strings.Repeat("a", MaxExpression) + "'", "!ExpressionTooLong"},
	} {
		if got := ask(c.sql, []byte(people), use, Output{}); got != c.want {
			t.Errorf("%.200s: %q, want %q", c.sql, got, c.want)
		}
	}
	for _, c := range []struct {
		in        Input
		out       Output
		sql, data string
		want      string
	}{
		{Input{Format: "CSV"}, Output{JSON: true}, "select * from s3object limit 1", "a,b\n", `{"_1":"a","_2":"b"}` + "\n"},
		{Input{Format: "CSV", Header: "IGNORE"}, Output{}, "select _2 from s3object", people, "34\n7\n\n"},
		{Input{Format: "CSV", CSV: CSV{Field: "|", Record: "\r\n"}}, Output{AlwaysQuote: true}, "select _1 from s3object", "a|b\r\nc|d", "\"a\"\n\"c\"\n"},
		{Input{Format: "CSV", QuotedLines: true}, Output{JSON: true}, "select _1 from s3object", "\"a\nb\",c\n\"d\"\"e\"\n", `{"_1":"a\nb"}` + "\n" + `{"_1":"d\"e"}` + "\n"},
		{Input{Format: "CSV"}, Output{}, "select _1 from s3object", "\"a\nb\",c\n", "!CSVUnescapedQuote"},
		{Input{Format: "CSV", CSV: CSV{Escape: `\`}}, Output{}, "select _1 from s3object", `"a\"b",c`, "\"a\"\"b\"\n"},
		{Input{Format: "CSV", Comments: "#"}, Output{}, "select * from s3object", "#no\nyes\n", "yes\n"},
		{Input{Format: "CSV"}, Output{}, "select * from s3object", "a\xff\n", "!InvalidTextEncoding"},
		{Input{Format: "CSV"}, Output{}, "select _1 from s3object", strings.Repeat("x", MaxRecord+100), "!OverMaxRecordSize"},
		{Input{Format: "CSV"}, Output{}, "select _1 from s3object where _1 like '%" + strings.Repeat("a", 100_000) + "b'", strings.Repeat("a", MaxRecord), "!LikeInvalidInputs"},
		{Input{Format: "CSV"}, Output{}, "select _1 from s3object", strings.Repeat(",", 2000), "!OverMaxColumn"},
		{Input{Format: "CSV", Compression: "GZIP"}, Output{}, "select _1 from s3object", "plain", "!InvalidCompressionFormat"},
		{Input{Format: "CSV"}, Output{}, "select * from s3object", "", ""},
		{Input{Format: "CSV", Header: "USE"}, Output{JSON: true}, "select b from s3object", "a,b\n1,2\n3\n4,5\n", `{"b":"2"}` + "\n{}\n" + `{"b":"5"}` + "\n"},
		{Input{Format: "CSV", Header: "USE"}, Output{JSON: true}, "select * from s3object", "a,b\n1\n2,3,4\n", `{"a":"1"}` + "\n" + `{"a":"2","b":"3","_3":"4"}` + "\n"},
	} {
		if got := ask(c.sql, []byte(c.data), c.in, c.out); got != c.want {
			t.Errorf("%s of %.50q: %q, want %q", c.sql, c.data, got, c.want)
		}
	}
}

func TestJSON(t *testing.T) {
	const rules = `{"Rules":[{"id":"1"},{"x":2}]} {"Rules":[{"id":"3","n":{"d":[1,2.50,null]}}],"Empty":{}}`
	for _, c := range []struct{ sql, want string }{
		{"select * from s3object", `{"Rules":[{"id":"1"},{"x":2}]}` + "\n" + `{"Rules":[{"id":"3","n":{"d":[1,2.50,null]}}],"Empty":{}}` + "\n"},
		{"select id from s3object[*].Rules[*].id", `{"id":"1"}` + "\n{}\n" + `{"id":"3"}` + "\n"},
		{"select id from s3object[*].Rules[*].id where id is not missing", `{"id":"1"}` + "\n" + `{"id":"3"}` + "\n"},
		{"select r.n.d[1], r.n.d[2] as last from s3object[*].Rules[*] r where r.n is not null", `{"_1":2.50,"last":null}` + "\n"},
		{"select count(*) from s3object[*].Rules[*]", `{"_1":3}` + "\n"},
		{"select s.rules[0].id from s3object s", `{"id":"1"}` + "\n" + `{"id":"3"}` + "\n"},
		{`select s."rules" from s3object s`, "{}\n{}\n"},
		{"select _1.Empty from s3object where _1.Empty is not missing", `{"Empty":{}}` + "\n"},
	} {
		if got := ask(c.sql, []byte(rules), Input{Format: "JSON"}, Output{JSON: true}); got != c.want {
			t.Errorf("%s: %q, want %q", c.sql, got, c.want)
		}
	}
	lines := "{\"a\":1,\"b\":\"\\u00e9\"}\n\n{\"a\":2.0}\n[1]\n"
	if got := ask("select s.a, s.b from s3object s", []byte(lines), Input{Format: "JSON", Lines: true}, Output{}); got != "1,é\n2.0,\n,\n" {
		t.Errorf("%q", got)
	}
	// Numbers beyond those that can be computed with stay as they are; NaN equals nothing.
	far := "{\"a\":1e999,\"b\":-1e999}\n"
	for sql, want := range map[string]string{
		"select * from s3object":                                             "1e999,-1e999\n",
		"select count(*) from s3object s where s.a > 5 and s.b < 5":          "1\n",
		"select count(*) from s3object s where s.a + s.b = 5":                "0\n",
		"select count(*) from s3object s where s.a + s.b = s.a + s.b":        "0\n",
		"select count(*) from s3object s where s.a + s.b <> 5":               "1\n",
		"select count(*) from s3object s where s.a + s.b < 5 or s.a+s.b > 5": "0\n",
		"select cast(s.a + s.b as decimal) from s3object s":                  "!CastFailed",
		"select max(s.a + s.b) from s3object s":                              "\n",
	} {
		if got := ask(sql, []byte(far), Input{Format: "JSON", Lines: true}, Output{}); got != want {
			t.Errorf("%s: %q, want %q", sql, got, want)
		}
	}
	if got := ask("select * from s3object", []byte(far), Input{Format: "JSON", Lines: true}, Output{JSON: true}); got != far {
		t.Errorf("%q", got)
	}
	for _, bad := range []string{"{", `{"a":}`, "nope", `{"a":1`, "\x00"} {
		if got := ask("select * from s3object", []byte(bad), Input{Format: "JSON"}, Output{}); got != "!JSONParsingError" {
			t.Errorf("%q: %q", bad, got)
		}
	}
}

func TestRangesTakeEveryRecordOnce(t *testing.T) {
	object := ""
	for _, end := range []string{"||;", "\r\n", "\n"} {
		var all strings.Builder
		for i := range 50 {
			all.WriteString(strings.Repeat(string(rune('a'+i%26)), i%7+1) + end)
		}
		object = all.String()
		form := CSV{Record: end}
		for step := int64(1); step < 40; step++ {
			got := ""
			for at := int64(0); at < int64(len(object)); at += step {
				got += ask("select * from s3object", []byte(object), Input{Format: "CSV", CSV: form, Ranged: true, Begin: at, End: at + step - 1}, Output{CSV: form})
			}
			if got != object {
				t.Errorf("records that end in %q, step %d: %q", end, step, got)
			}
		}
	}
	if got := ask("select s.name from s3object s", []byte(people), Input{Format: "CSV", Header: "USE", Ranged: true, Begin: 20, End: 30}, Output{}); got != "Bob\n" {
		t.Errorf("names before the range: %q", got)
	}
	if got := ask("select * from s3object", []byte(object), Input{Format: "CSV", Compression: "GZIP", Ranged: true}, Output{}); got != "!UnsupportedScanRangeInput" {
		t.Error(got)
	}
}

func TestCompressedAndParquet(t *testing.T) {
	var z bytes.Buffer
	w := gzip.NewWriter(&z)
	io.WriteString(w, people)
	w.Close()
	in := Input{Format: "CSV", Header: "USE", Compression: "GZIP"}
	if got := ask("select name from s3object", z.Bytes(), in, Output{}); got != "Ann\nBob\nCy\n" {
		t.Error(got)
	}
	if got := ask("select name from s3object", z.Bytes(), Input{Format: "JSON", Compression: "GZIP"}, Output{}); got != "!JSONParsingError" {
		t.Error(got)
	}
	if got := ask("select city from s3object", z.Bytes()[:z.Len()-12], in, Output{}); got != "!TruncatedInput" {
		t.Error(got)
	}
	type row struct {
		Name string    `parquet:"name"`
		N    *int64    `parquet:"n,optional"`
		F    float32   `parquet:"f"`
		At   time.Time `parquet:"at,timestamp(millisecond)"`
		In   struct {
			X int32 `parquet:"x"`
		} `parquet:"in"`
	}
	var p bytes.Buffer
	n := int64(5)
	a, b := row{Name: "a", N: &n, F: 1.1, At: now}, row{Name: "b", At: now}
	b.In.X = 9
	if err := pq.Write(&p, []row{a, b}); err != nil {
		t.Fatal(err)
	}
	in = Input{Format: "Parquet"}
	want := `{"name":"a","n":5,"f":1.1,"at":"2026-11-29T08:00:00Z","in":{"x":0}}` + "\n" + `{"name":"b","n":null,"f":0,"at":"2026-11-29T08:00:00Z","in":{"x":9}}` + "\n"
	if got := ask("select * from s3object", p.Bytes(), in, Output{JSON: true}); got != want {
		t.Errorf("%s", got)
	}
	if got := ask("select s.name, s.\"in\".x from s3object s where s.n is null", p.Bytes(), in, Output{}); got != "b,9\n" {
		t.Error(got)
	}
	for i := 0; i < p.Len(); i += 23 { // of a damaged one, an answer or an error, and no more
		damaged := bytes.Clone(p.Bytes())
		damaged[i] ^= 0x55
		if got := ask("select * from s3object", damaged, in, Output{}); strings.HasPrefix(got, "!!") {
			t.Errorf("byte %d: %s", i, got)
		}
	}
	for _, bad := range []string{"no", "PAR1\x15\x02\x19\xfc\xff\xff\xff\xff\x07\x00\x0a\x00\x00\x00PAR1"} { // the second claims to have 2,147,483,647 columns
		if got := ask("select * from s3object", []byte(bad), in, Output{}); got != "!ParquetParsingError" {
			t.Errorf("%q: %s", bad, got)
		}
	}
}

func FuzzSelect(f *testing.F) {
	f.Add("select s.a || 'x', count(*) from s3object s where a like '%b_' escape '\\' limit 3", []byte(people), "CSV")
	f.Add("select date_add(year, 1, `2001T`) from s3object[*].a[*]", []byte(`{"a":[1,"x",{}]}`), "JSON")
	f.Fuzz(func(t *testing.T, statement string, object []byte, format string) {
		for _, in := range []Input{{Format: format}, {Format: format, QuotedLines: true, Header: "USE", Lines: true}} {
			if got := ask(statement, object, in, Output{JSON: len(object)%2 == 0}); strings.HasPrefix(got, "!!") {
				t.Errorf("%q: %s", statement, got)
			}
		}
	})
}
