package crawl

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"iter"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	pq "github.com/parquet-go/parquet-go"
)

// mapSource is objects in memory.
type mapSource map[string][]byte

func (m mapSource) List(_ context.Context, prefix string) iter.Seq2[Object, error] {
	return func(yield func(Object, error) bool) {
		for _, k := range slices.Sorted(maps.Keys(m)) {
			if strings.HasPrefix(k, prefix) && !yield(Object{k, int64(len(m[k]))}, nil) {
				return
			}
		}
	}
}

func (m mapSource) Open(_ context.Context, key string, offset, length int64) (io.ReadCloser, error) {
	b := m[key][offset:]
	if length >= 0 && length < int64(len(b)) {
		b = b[:length]
	}
	return io.NopCloser(bytes.NewReader(b)), nil
}

func gz(s string) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	io.WriteString(w, s)
	w.Close()
	return b.Bytes()
}

func parquetFile[T any](rows ...T) []byte {
	var b bytes.Buffer
	w := pq.NewGenericWriter[T](&b)
	if _, err := w.Write(rows); err != nil {
		panic(err)
	}
	if err := w.Close(); err != nil {
		panic(err)
	}
	return b.Bytes()
}

type reading struct {
	ID   int32   `parquet:"ID"`
	Big  int64   `parquet:"big"`
	F    float64 `parquet:"f"`
	Name string  `parquet:"name"`
	Ok   bool    `parquet:"ok"`
	Tags []int32 `parquet:"tags,list"`
	Day  int32   `parquet:"day,date"`
	At   int64   `parquet:"at,timestamp(millisecond)"`
	Sub  struct {
		A string `parquet:"a"`
	} `parquet:"sub"`
	M map[string]int64 `parquet:"m"`
}

// show prints tables compactly.
func show(tables []Table) string {
	var b strings.Builder
	columns := func(cs []Column) {
		for i, c := range cs {
			if i > 0 {
				b.WriteString(", ")
			}
			fmt.Fprintf(&b, "%s %s", c.Name, c.Type)
		}
	}
	for _, t := range tables {
		fmt.Fprintf(&b, "%s at %q %s %s", t.Name, t.Path, t.Format.Classification, t.Format.Compression)
		if t.Format.Classification == CSV {
			fmt.Fprintf(&b, " %q header=%v", t.Format.Delimiter, t.Format.Header)
		}
		b.WriteString(" (")
		columns(t.Columns)
		b.WriteString(")")
		if len(t.PartitionKeys) > 0 {
			b.WriteString(" by (")
			columns(t.PartitionKeys)
			b.WriteString(")")
			for _, p := range t.Partitions {
				fmt.Fprintf(&b, " %q", p.Values)
			}
		}
		fmt.Fprintf(&b, " objects=%d records=%d\n", t.Objects, t.Records)
	}
	return b.String()
}

func TestRun(t *testing.T) {
	iot := `{"temperature":21,"cpu":0.5,"timestamp":"x","id_device":3}`
	for _, test := range []struct {
		name    string
		objects mapSource
		prefix  string
		options Options
		want    string
	}{
		{
			name:    "parquet in folders with spaces",
			objects: mapSource{"data/2024-01-01 10/a.parquet": parquetFile(reading{}), "data/2024-01-01 11/b.parquet": parquetFile(reading{}, reading{}), "data/_SUCCESS": []byte("x")},
			prefix:  "data/",
			want:    `data at "data/" parquet none (id int, big bigint, f double, name string, ok boolean, tags array<int>, day date, at timestamp, sub struct<a:string>, m map<string,bigint>) by (partition_0 string) ["2024-01-01 10"] ["2024-01-01 11"] objects=2 records=3` + "\n",
		},
		{
			name:    "hive folders, encoded values, a member left out",
			objects: mapSource{"lake/iot/y=2024/d=a%20b/1": []byte(iot + iot), "lake/iot/y=2024/d=c/1": []byte(iot + "\n"), "lake/iot/y=2025/d=a/1": []byte(`{"temperature":null,"cpu":1,"timestamp":"y","big":12345678901}`)},
			prefix:  "lake/iot",
			want:    `iot at "lake/iot/" json none (temperature int, cpu double, timestamp string, id_device int, big bigint) by (y string, d string) ["2024" "a b"] ["2024" "c"] ["2025" "a"] objects=3 records=4` + "\n",
		},
		{
			name:    "two tables in a bucket, one file of another sort",
			objects: mapSource{"trades/t.json": []byte(`{"sym":"A","qty":1,"legs":[{"p":1},{"p":2.5,"q":[]}]}`), "prices/p.csv": []byte("sym,price\nA,1.5\nB,2\n"), "readme.bin": {0, 1, 2, 3}},
			want: `prices at "prices/" csv none ',' header=true (sym string, price double) objects=1 records=2
trades at "trades/" json none (sym string, qty int, legs array<struct<p:double,q:array<string>>>) objects=1 records=1
`,
		},
		{
			name:    "headerless CSV, gzip",
			objects: mapSource{"ref/a.csv.gz": gz("1|x|2024-01-02\n2|y|\n"), "ref/b.csv.gz": gz("3|z|2024-01-03\n")},
			prefix:  "ref/",
			want:    `ref at "ref/" csv gzip '|' header=false (col0 bigint, col1 string, col2 string) objects=2 records=3` + "\n",
		},
		{
			name:    "files in one folder that are not alike are tables of their own",
			objects: mapSource{"x/a.csv": []byte("1,2\n3,4\n"), "x/b.csv": []byte("1,2,3\n"), "x/c.json": []byte(`{"a":1}`)},
			prefix:  "x/",
			want: `a_csv at "x/a.csv" csv none ',' header=false (col0 bigint, col1 bigint) objects=1 records=2
b_csv at "x/b.csv" csv none ',' header=false (col0 bigint, col1 bigint, col2 bigint) objects=1 records=1
c_json at "x/c.json" json none (a int) objects=1 records=1
`,
		},
		{
			name:    "array of records",
			objects: mapSource{"x/a.json": []byte(`[{"a":1,"b":"s"},{"a":99999999999}]`)},
			prefix:  "x/",
			want:    `x at "x/" json none (array array<struct<a:bigint,b:string>>) objects=1 records=1` + "\n",
		},
		{
			name:    "exclusions",
			objects: mapSource{"x/a.json": []byte(`{"a":1}`), "x/tmp/b.json": []byte(`{"b":1}`), "x/c.bak": []byte(`{"c":1}`)},
			prefix:  "x/",
			options: Options{Exclusions: []string{"tmp/**", "*.{bak,old}"}},
			want:    `x at "x/" json none (a int) objects=1 records=1` + "\n",
		},
		{
			name:    "one object",
			objects: mapSource{"x/a.json": []byte(`{"a":1}`), "x/a.json2": []byte(`{"b":1}`)},
			prefix:  "x/a.json",
			want:    `a_json at "x/a.json" json none (a int) objects=1 records=1` + "\n",
		},
		{
			name:    "sampling",
			objects: mapSource{"x/1": []byte(`{"a":1}`), "x/2": []byte(`{"a":2}`), "x/3": []byte(`{"a":3}`)},
			prefix:  "x/",
			options: Options{SampleSize: 1},
			want:    `x at "x/" json none (a int) objects=3 records=3` + "\n",
		},
		{
			name:    "tables at a level",
			objects: mapSource{"x/a/1/f": []byte(`{"a":1}`), "x/b/2/f": []byte(`{"a":2}`)},
			prefix:  "x/",
			options: Options{TableLevel: 3},
			want: `a at "x/a/" json none (a int) by (partition_0 string) ["1"] objects=1 records=1
b at "x/b/" json none (a int) by (partition_0 string) ["2"] objects=1 records=1
`,
		},
		{
			name:    "values in quotes, an empty number",
			objects: mapSource{"x/a.csv": []byte("id,n,d\n\"1\",\"2\",\"2024-01-02\"\n\"3\",\"\",\"2024-01-03\"\n")},
			prefix:  "x/",
			want:    `x at "x/" csv none ',' header=true (id bigint, n string, d string) objects=1 records=2` + "\n",
		},
		{
			name:    "members without names",
			objects: mapSource{"x/a.json": []byte(`{"":1,"a":{"":[2],"b":3}}`)},
			prefix:  "x/",
			want:    `x at "x/" json none (a struct<b:int>) objects=1 records=1` + "\n",
		},
		{
			name:    "a member without a name that is not read to its end",
			objects: mapSource{"x/a.json": []byte(`{"a":1,"":"` + strings.Repeat("x", headSize) + `"}`)},
			prefix:  "x/",
			want:    `x at "x/" json none (a int) objects=1 records=1` + "\n",
		},
		{
			name: "XML, the document a row",
			objects: mapSource{"x/a.xml": []byte(`<?xml version="1.0"?><r v="1.5"><b id="7">x</b><b id="y"/><c>true</c><d>2024-01-02</d></r>`),
				"x/b.xml": []byte("\xff\xfe<\x00r\x00 \x00v\x00=\x00'\x001\x00'\x00/\x00>\x00"), "x/c.xml": []byte(`<r><b></r>`)},
			prefix:  "x/",
			options: Options{Combine: true},
			want:    `x at "x/" xml none (_v double, b array<struct<_id:string,_value:string>>, c boolean, d string) objects=2 records=2` + "\n",
		},
		{
			name: "XML whose elements are once here and several times there",
			objects: mapSource{"x/a.xml": []byte(`<r><b>1</b><c><d>x</d></c><e>1</e></r>`), "x/b.xml": []byte(`<r><b>2</b><b>3</b><c><d>x</d><d>y</d></c><e>2</e></r>`),
				"x/c.xml": []byte(`<r><b>4</b><c><d>z</d></c><e>3</e></r>`)},
			prefix:  "x/",
			options: Options{Combine: true},
			want:    `x at "x/" xml none (b array<int>, c struct<d:array<string>>, e int) objects=3 records=3` + "\n",
		},
		{
			name:    "numbers with spaces around them",
			objects: mapSource{"x/a.csv": []byte("id, n, p\n1, 30, 1.5\n2,7, 2\n")},
			prefix:  "x/",
			want:    `x at "x/" csv none ',' header=true (id bigint, n double, p double) objects=1 records=2` + "\n",
		},
		{
			name:    "numbers with spaces in the first row, which is no header",
			objects: mapSource{"x/a.csv": []byte("x, 1\ny,2\n")},
			prefix:  "x/",
			want:    `x at "x/" csv none ',' header=false (col0 string, col1 double) objects=1 records=2` + "\n",
		},
		{name: "nothing", objects: mapSource{}, prefix: "x/"},
	} {
		t.Run(test.name, func(t *testing.T) {
			tables, err := Run(t.Context(), test.objects, test.prefix, "my-bucket", test.options)
			if err != nil {
				t.Fatal(err)
			}
			if got := show(tables); got != test.want {
				t.Errorf("got\n%swant\n%s", got, test.want)
			}
		})
	}
}

// TestRemarks: what no table has columns of is told of, with why.
func TestRemarks(t *testing.T) {
	objects := mapSource{
		"t/d=/a.json": []byte(`{"a":1}`), "t/d=__HIVE_DEFAULT_PARTITION__/b.json": []byte(`{"a":1}`), "t/d=1/c.bin": {0, 1, 2},
		"t/d=1/d.ion": []byte("\xe0\x01\x00\xea\x0f"), "t/d=1/e.ion": []byte("$ion_1_0\n{a:1}\n"), "t/d=1/f.bson": []byte("\x0c\x00\x00\x00\x10a\x00\x01\x00\x00\x00\x00"),
		"t/d=1/g.json": []byte(`{"a":1}`), "t/d=1/h.archived": []byte("x"),
	}
	var got []string
	tables, err := Run(t.Context(), archiving{objects}, "t/", "b", Options{Remark: func(path, why string) { got = append(got, path+": "+why) }})
	want := []string{
		"t/d=1/c.bin: no classifier takes it",
		"t/d=1/d.ion: it is Amazon Ion, which is not read",
		"t/d=1/e.ion: it is Amazon Ion, which is not read",
		"t/d=1/f.bson: it is BSON, which is not read",
		"t/d=1/h.archived: it is archived",
		"t/d=__HIVE_DEFAULT_PARTITION__/: its partition is the folder t/d=/ already",
	}
	if err != nil || len(tables) != 1 || len(tables[0].Partitions) != 2 || !slices.Equal(got, want) {
		t.Errorf("%+v, %v, remarks %q", tables, err, got)
	}
}

// TestLargeGzip: the first bytes of a large file of gzip's program, written at such a second, could be a length of BSON.
func TestLargeGzip(t *testing.T) {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	w.Name, w.ModTime = "a.csv", time.Unix(1_700_000_000&^0xff|5, 0)
	io.WriteString(w, strings.Repeat("1,x\n2,y\n", 1000))
	w.Close()
	tables, err := Run(t.Context(), large{mapSource{"x/a.csv.gz": b.Bytes()}}, "x/", "b", Options{})
	if err != nil || len(tables) != 1 || tables[0].Format.Classification != CSV || tables[0].Format.Compression != "gzip" {
		t.Errorf("%+v, %v", tables, err)
	}
}

// large is a source whose objects are said to be of 200 MiB.
type large struct{ mapSource }

func (l large) List(ctx context.Context, prefix string) iter.Seq2[Object, error] {
	return func(yield func(Object, error) bool) {
		for o, err := range l.mapSource.List(ctx, prefix) {
			if o.Size = 200 << 20; !yield(o, err) {
				return
			}
		}
	}
}

// archiving is a source whose objects by the name of ".archived" are in an archive.
type archiving struct{ mapSource }

func (a archiving) Open(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error) {
	if strings.HasSuffix(key, ".archived") {
		return nil, fmt.Errorf("open %s: %w", key, ErrArchived)
	}
	return a.mapSource.Open(ctx, key, offset, length)
}

// TestManyFiles crawls 10,000 small objects.
func TestManyFiles(t *testing.T) {
	m := make(mapSource)
	for i := range 10_000 {
		m[fmt.Sprintf("data/%03d/%d.json", i/20, i)] = []byte(strings.Repeat(`{"temperature":21,"cpu":0.5,"ram":0.25,"timestamp":"2024-01-01 10:00:00","id_device":3}`+"\n", 3))
	}
	begin := time.Now()
	tables, err := Run(t.Context(), m, "data/", "b", Options{})
	if err != nil {
		t.Fatal(err)
	}
	if len(tables) != 1 || len(tables[0].Partitions) != 500 || tables[0].Records != 30_000 {
		t.Errorf("%d tables", len(tables))
	}
	t.Logf("10,000 objects in %v", time.Since(begin))
}

func FuzzClassify(f *testing.F) {
	f.Add([]byte(`{"a":1,"b":[{"c":null}]}{"a":"x"}`))
	f.Add([]byte("a,b\n1,2\n"))
	f.Add([]byte(`<?xml version="1.0" encoding="latin1"?><r a="1"><b>1</b><b c="x"/>t</r>`))
	f.Add([]byte("\x0c\x00\x00\x00\x10a\x00\x01\x00\x00\x00\x00"))
	f.Add(gz("1|2\n"))
	f.Add(parquetFile(reading{}))
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, err := Run(t.Context(), mapSource{"x/f": b}, "x/", "b", Options{}); err != nil {
			t.Fatal(err)
		}
	})
}

func BenchmarkRun(b *testing.B) {
	m := make(mapSource)
	for i := range 1000 {
		m[fmt.Sprintf("data/%02d/%d.json", i/20, i)] = []byte(`{"temperature":21,"cpu":0.5}`)
	}
	for b.Loop() {
		if _, err := Run(b.Context(), m, "data/", "b", Options{}); err != nil {
			b.Fatal(err)
		}
	}
}
