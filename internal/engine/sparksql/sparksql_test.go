package sparksql

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/brookmere/brookmere/internal/engine/etl"
	"github.com/brookmere/brookmere/internal/engine/lakesql"
	"github.com/brookmere/brookmere/internal/engine/lakesql/worker"
	"github.com/brookmere/brookmere/internal/engine/sql"
)

// TestMain lets this program be the process that DuckDB runs in.
func TestMain(m *testing.M) {
	worker.Main()
	os.Exit(m.Run())
}

func open(t testing.TB) *Engine {
	t.Helper()
	temp := t.TempDir()
	lake, err := lakesql.Open(lakesql.Options{Dir: t.TempDir(), TempDir: temp, MemoryLimit: "256MB"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { lake.Close() })
	return &Engine{Lake: lake, Dir: filepath.Join(temp, "spark")}
}

func frame(lines ...string) *etl.Frame {
	r := etl.NewRecords(etl.RecordFormat{Classification: "json"})
	for _, l := range lines {
		r.Add([]byte(l), time.Time{})
	}
	return r.Frame()
}

// shown is the columns of a frame and its rows as lines of JSON.
func shown(t testing.TB, f *etl.Frame) string {
	t.Helper()
	var b bytes.Buffer
	for i, c := range f.Columns {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(c.Name + " " + c.Type.String())
	}
	b.WriteByte('\n')
	if _, err := etl.Encode(&b, f, f.Columns, etl.Format{Name: "json"}); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(b.String())
}

func health() []etl.SQLTable {
	return []etl.SQLTable{
		{Name: "readings", Frame: frame(
			`{"deviceId":"a","pressure":{"sys":120,"diaValue":80},"tags":["x","y"],"temp":36.5,"n":7,"at":"2026-11-28T14:00:41+00:00","name":"Ann"}`,
			`{"deviceId":"b","pressure":{"sys":90,"diaValue":60},"tags":[],"temp":38.25,"n":2,"at":"2026-11-28 15:30:00","name":"bob"}`,
			`{"deviceId":"a","temp":37.0,"n":0,"at":"not a time","tags":["z"],"items":[{"sku":"k","qty":2},{"sku":"l","qty":3}]}`,
		)},
		{Name: "devices", Frame: frame(`{"id":"a","ward":"north"}`, `{"id":"c","ward":"south"}`)},
	}
}

func TestRun(t *testing.T) {
	e := open(t)
	for _, c := range []struct{ query, want string }{
		{"select * from devices", "id string, ward string\n" + `{"id":"a","ward":"north"}` + "\n" + `{"id":"c","ward":"south"}`},
		{"SELECT DeviceId, temp FROM readings WHERE temp > 37 ORDER BY n", "DeviceId string, temp double\n" + `{"DeviceId":"b","temp":38.25}`},
		// Nested columns pass through with their types and their letter case.
		{"SELECT deviceId, pressure, tags FROM readings WHERE n = 7;", "deviceId string, pressure struct<diaValue:bigint,sys:bigint>, tags array<string>\n" + `{"deviceId":"a","pressure":{"diaValue":80,"sys":120},"tags":["x","y"]}`},
		{"SELECT pressure.diaValue FROM readings WHERE n = 7", "diaValue bigint\n" + `{"diaValue":80}`},
		{"SELECT `name` AS who FROM readings WHERE name == \"Ann\" -- said\n", "who string\n" + `{"who":"Ann"}`},
		{`SELECT 'it\'s' AS s, "a\tb" AS u FROM devices LIMIT 1`, "s string, u string\n" + `{"s":"it's","u":"a\tb"}`},
		// What Spark means otherwise.
		{"SELECT n / 2 AS half, 7 / n AS per, 7 % n AS rest FROM readings ORDER BY n", "half double, per double, rest bigint\n" + `{"half":0.0}` + "\n" + `{"half":1.0,"per":3.5,"rest":1}` + "\n" + `{"half":3.5,"per":1.0,"rest":0}`},
		{"SELECT name FROM readings ORDER BY name LIMIT 1", "name string\n{}"},
		{"SELECT name FROM readings ORDER BY name DESC LIMIT 1", "name string\n" + `{"name":"bob"}`},
		{"SELECT CAST(temp AS int) AS i, CAST('x' AS double) AS d, cast(n AS string) s FROM readings WHERE n = 2", "i int, d double, s string\n" + `{"i":38,"s":"2"}`},
		{"SELECT to_timestamp(at) AS at, to_date(at) AS day, hour(to_timestamp(at)) AS h FROM readings ORDER BY n DESC", "at timestamp, day date, h int\n" + `{"at":"2026-11-28 14:00:41","day":"2026-11-28","h":14}` + "\n" + `{"at":"2026-11-28 15:30:00","day":"2026-11-28","h":15}` + "\n{}"},
		{"SELECT date_format(to_timestamp(at), 'yyyy/MM/dd HH:mm') AS f FROM readings WHERE n = 7", "f string\n" + `{"f":"2026/11/28 14:00"}`},
		{"SELECT tags[0] AS first, size(tags) AS many FROM readings ORDER BY n", "first string, many int\n" + `{"first":"z","many":1}` + "\n" + `{"many":0}` + "\n" + `{"first":"x","many":2}`},
		{"SELECT deviceId, n FROM readings WHERE name RLIKE '^[A-Z]' OR NOT name RLIKE 'o'", "deviceId string, n bigint\n" + `{"deviceId":"a","n":7}`},
		{"SELECT concat(name, '-', n) AS k, nvl(name, 'none') AS v, greatest(n, 5, NULL) AS g FROM readings WHERE n <> 2 ORDER BY n", "k string, v string, g bigint\n" + `{"v":"none","g":5}` + "\n" + `{"k":"Ann-7","v":"Ann","g":7}`},
		{"SELECT CASE WHEN temp >= 38 THEN 'fever' ELSE 'well' END AS state, count(*) FROM readings GROUP BY state ORDER BY state", "state string, count(1) bigint\n" + `{"state":"fever","count(1)":1}` + "\n" + `{"state":"well","count(1)":2}`},
		{"SELECT deviceId, avg(temp) AS mean, collect_list(name) AS names FROM readings GROUP BY deviceId HAVING mean < 37 ", "deviceId string, mean double, names array<string>\n" + `{"deviceId":"a","mean":36.75,"names":["Ann"]}`},
		{"SELECT r.deviceId, d.ward FROM readings r LEFT JOIN devices d ON r.deviceId <=> d.id WHERE r.n < 5 ORDER BY n DESC", "deviceId string, ward string\n" + `{"deviceId":"b"}` + "\n" + `{"deviceId":"a","ward":"north"}`},
		{"SELECT deviceId, tag FROM readings LATERAL VIEW explode(tags) t AS tag ORDER BY tag", "deviceId string, tag string\n" + `{"deviceId":"a","tag":"x"}` + "\n" + `{"deviceId":"a","tag":"y"}` + "\n" + `{"deviceId":"a","tag":"z"}`},
		{"SELECT deviceId, tag FROM readings LATERAL VIEW OUTER explode(tags) t AS tag WHERE n = 2", "deviceId string, tag string\n" + `{"deviceId":"b"}`},
		{"SELECT deviceId, explode(items) AS item FROM readings", "deviceId string, item struct<qty:bigint,sku:string>\n" + `{"deviceId":"a","item":{"qty":2,"sku":"k"}}` + "\n" + `{"deviceId":"a","item":{"qty":3,"sku":"l"}}`},
		{"WITH hot AS (SELECT * FROM readings WHERE temp > 38) SELECT count(*) AS n FROM hot", "n bigint\n" + `{"n":1}`},
		{"SELECT id FROM devices UNION ALL SELECT deviceId FROM readings WHERE n IN (2)", "id string\n" + `{"id":"a"}` + "\n" + `{"id":"c"}` + "\n" + `{"id":"b"}`},
		{"SELECT deviceId, row_number() OVER (PARTITION BY deviceId ORDER BY n) AS place FROM readings WHERE deviceId = 'a'", "deviceId string, place int\n" + `{"deviceId":"a","place":1}` + "\n" + `{"deviceId":"a","place":2}`},
		{"SELECT date '2026-11-28' + interval 1 day AS d, date_add('2026-11-28', 3) AS e, datediff('2026-12-01', '2026-11-28') AS f FROM devices LIMIT 1", "d date, e date, f int\n" + `{"d":"2026-11-29","e":"2026-12-01","f":3}`},
		{"SELECT split(name, 'n')[0] AS s, regexp_extract(name, '(o)(b)', 2) AS r, substring(name, 0, 2) AS u FROM readings WHERE n = 2", "s string, r string, u string\n" + `{"s":"bob","r":"b","u":"bo"}`},
		{`SELECT get_json_object('{"a":{"b":1},"c":null}', '$.a') AS j, get_json_object('{"c":null}', '$.c') AS k FROM devices LIMIT 1`, "j string, k string\n" + `{"j":"{\"b\":1}"}`},
	} {
		got, err := e.Run(t.Context(), c.query, health(), 1<<20)
		if err != nil {
			t.Errorf("%s\n  %v", c.query, err)
			continue
		}
		if s := shown(t, got); s != c.want {
			t.Errorf("%s\n  got  %s\n  want %s", c.query, strings.ReplaceAll(s, "\n", "\n       "), strings.ReplaceAll(c.want, "\n", "\n       "))
		}
	}
	left, err := os.ReadDir(e.Dir)
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
}

// What is not taken is refused by name; what a query is not given it does not reach.
func TestRefused(t *testing.T) {
	e := open(t)
	secret := filepath.Join(e.Dir, "..", "secret.csv")
	if err := os.WriteFile(secret, []byte("a\nhidden\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ query, want string }{
		{"SELECT * FROM others", `there is no input with the alias "others"`},
		{"SELECT * FROM lake.readings", `there is no input with the alias "lake.readings"`},
		{"SELECT * FROM information_schema.tables", "there is no input"},
		{"SELECT * FROM read_csv('" + secret + "')", "line 1"},
		{"SELECT * FROM `" + secret + "`", "there is no input"},
		{"SELECT * FROM csv.`" + secret + "`", "there is no input"},
		{"SELECT read_text('/etc/passwd') AS t FROM readings", "function read_text with 1 arguments is not supported"},
		{"SELECT getenv('HOME') AS t FROM readings", "function getenv"},
		{"SELECT java_method('java.lang.System', 'exit') AS t FROM readings", "function java_method"},
		{"SELECT `$path` AS p FROM readings", "there is no column"},
		{"SELECT uuid() AS u FROM readings", "function uuid is not supported"},
		{"SELECT rand() AS u FROM readings", "function rand is not supported"},
		{"SELECT __1 FROM readings", "__1"},
		{"CREATE TABLE x AS SELECT 1 AS a", "not a query"},
		{"DROP TABLE readings", "not a query"},
		{"SELECT 1 AS a; DROP TABLE readings", "is not supported"},
		{"SELECT name || 'a' 'b' AS x FROM readings", "side by side"},
		{"SELECT n + 1 FROM readings", "the column 1 of SELECT needs a name"},
		{"SELECT n, n FROM readings", `"n" is there twice`},
		{"SELECT * FROM readings, devices d, devices e", "twice"},
		{"SELECT max(struct(n, name)) AS x FROM readings", "max of a struct is not supported"},
		{"SELECT struct(n AS a, name AS A) AS x FROM readings", "is there twice"},
		{"SELECT named_struct(name, n) AS x FROM readings", "must be strings"},
		{"SELECT percentile(n, 2) AS x FROM readings", "a number from 0 to 1"},
		{"SELECT next_day(current_date(), 'someday') AS x FROM readings", "a day of the week"},
		{"SELECT parse_url(name, 'FILE') AS x FROM readings", "the part FILE"},
		{"SELECT n & 2 AS x FROM readings", "'&' is not supported"},
		{"SELECT CAST(n AS binary) AS x FROM readings", "CAST to binary is not supported"},
		{"SELECT date_trunc('age', now()) AS d FROM readings", "the unit of date_trunc"},
		{"SELECT sha2(name, 224) AS x FROM readings", "the bits of sha2"},
		{"SELECT sort_array(tags, n > 1) AS x FROM readings", "the order of sort_array"},
		{"SELECT posexplode(tags) AS x FROM readings", "posexplode"},
		{"SELECT name FROM readings LATERAL VIEW json_tuple(name, 'a') t AS x", `"json_tuple" is not supported`},
		{"SELECT name FROM readings LATERAL VIEW posexplode(tags) t AS x", "two columns"},
		{"SELECT n FROM readings LEFT SEMI JOIN devices USING (id)", "take a condition"},
		{"SELECT n FROM readings ANTI JOIN devices", "take a condition"},
		{"SELECT n FROM readings r SEMI JOIN devices d ON deviceId = d.id", "t.deviceId"},
		{"SELECT d.ward FROM readings r LEFT SEMI JOIN devices d ON r.deviceId = d.id", "ward"},
		{"SELECT ward FROM devices LEFT ANTI JOIN Devices ON devices.id = devices.id", "another alias"},
		{"SELECT e.ward FROM readings r LEFT SEMI JOIN devices d ON r.deviceId = d.id RIGHT JOIN devices e ON e.id = r.deviceId", "a RIGHT or FULL JOIN behind"},
		{"SELECT r.n FROM readings r JOIN (devices d LEFT ANTI JOIN devices e ON d.id = e.id) ON r.deviceId = d.id", "within parentheses"},
		{"SELECT nope FROM readings", "nope"},
		{"SELECT name, count(*) AS c FROM readings", "GROUP BY"},
		{"SELECT 'open", "not closed"},
		{"SELECT date_format(now(), 'e') AS d FROM readings", "the pattern of date_format"},
		{"SELECT " + strings.Repeat("regexp_extract(", 60) + "name" + strings.Repeat(", 'x')", 60) + " AS x FROM readings", "too long"},
		{"SELECT " + strings.Repeat("(", 5000) + "n", "line 1"},
		{"", "line 1"},
	} {
		f, err := e.Run(t.Context(), c.query, health(), 1<<20)
		if err == nil {
			t.Errorf("%.100s: answered %s", c.query, shown(t, f))
		} else if !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), e.Dir) && !strings.Contains(c.query, e.Dir) {
			t.Errorf("%.100s\n  got  %v\n  want %s", c.query, err, c.want)
		}
	}
	// More than it may have, in memory or on the way.
	long := "SELECT a.n, b.n AS m, c.n AS o, repeat('x', 1000) AS t FROM readings a, readings b, readings c"
	if _, err := e.Run(t.Context(), strings.Replace(long, "repeat('x', 1000)", "rpad('x', 1000, 'y')", 1), health(), 10_000); !errors.Is(err, etl.ErrTooLarge) {
		t.Errorf("too large: %v", err)
	}
	if _, err := e.Run(t.Context(), "SELECT rpad('a', 2000000000, 'b') AS x FROM readings", health(), 1<<20); err == nil {
		t.Error("a text of 2 GB was answered")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := e.Run(ctx, "SELECT n FROM readings", health(), 1<<20); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

func TestEmpty(t *testing.T) {
	e := open(t)
	f, err := e.Run(t.Context(), "SELECT id, count(*) AS n FROM devices GROUP BY id", []etl.SQLTable{{Name: "devices", Frame: etl.NewFrame(frame(`{"id":1}`).Columns, nil)}}, 1<<20)
	if err != nil || shown(t, f) != "id bigint, n bigint" {
		t.Errorf("no rows: %v %v", f, err)
	}
	f, err = e.Run(t.Context(), "SELECT id FROM devices", []etl.SQLTable{{Name: "devices", Frame: &etl.Frame{}}}, 1<<20)
	if err != nil || len(f.Columns) != 0 {
		t.Errorf("no columns: %v %v", f, err)
	}
}

// All templates are expressions.
func TestTemplates(t *testing.T) {
	for name, text := range templates {
		template(text, new(sql.Null), new(sql.Null), new(sql.Null), new(sql.Null))
		if !strings.Contains(name, "/") {
			t.Error(name)
		}
	}
	for _, text := range casts {
		template(text, new(sql.Null))
	}
}

func FuzzCheck(f *testing.F) {
	for _, s := range []string{
		"SELECT a, count(*) FROM t GROUP BY a", "select a.x from t a left anti join t b on a.x = b.x or b.y where a.z", "select explode(x) as y from t", "select 'a\\'b' as c from t lateral view outer explode(x[0]) v as w",
		"with q as (select 1 as a) select a / 2 as b from q having b > 1 order by 1", "select interval 1 day", "select `a``b`, x rlike 'p' as r from t",
	} {
		f.Add(s)
	}
	e := &Engine{}
	f.Fuzz(func(t *testing.T, s string) {
		_ = e.Check(s, []string{"t"})
	})
}
