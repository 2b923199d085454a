package partiql

import (
	"fmt"
	"testing"

	"github.com/brookmere/brookmere/internal/engine/itemstore/attr"
)

func TestParse(t *testing.T) {
	for text, want := range map[string]string{
		`SELECT * FROM "t" WHERE pk = 'it''s' AND n > 20`:                                                                           `SELECT t/ (#0 = :0) AND (#1 > :1)  `,
		`select a.b, "c d"[0] from t."ix" where begins_with("sk", 'p') order by sk desc`:                                            `SELECT t/ix begins_with(#3, :0)  `,
		`INSERT INTO "t" VALUE {'pk': ?, 'l': [1, {'x': true}], 's': <<'a','b'>>}`:                                                  `INSERT t/   `,
		`UPDATE "t" SET n = n + 1 SET l = list_append(l, [2]), s = set_add(s, <<'c'>>) REMOVE m.x WHERE pk='a' RETURNING ALL NEW *`: `UPDATE t/ #4 = :3 SET #0 = #0 + :0, #1 = list_append(#1, :1) REMOVE #3.#5 ADD #2 :2 ALL NEW *`,
		`DELETE FROM t WHERE pk = 'x' AND (a IS MISSING OR NOT b IN [1, 2])`:                                                        `DELETE t/ (#0 = :0) AND (((attribute_not_exists(#1)) OR (NOT (#2 IN (:1, :2)))))  `,
		`EXISTS(SELECT * FROM t WHERE pk='a' AND v IS NOT NULL)`:                                                                    `EXISTS t/ (#0 = :0) AND (NOT (attribute_type(#1, :1)))  `,
	} {
		var params []attr.Value
		if text[0] == 'I' {
			params = []attr.Value{attr.String("p")}
		}
		st, err := Parse(text, params)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		got := fmt.Sprintf("%s %s/%s %s %s %s", st.Kind, st.Table, st.Index, st.Where, st.Update, st.Returning)
		if text[0] != 'U' && got != want {
			t.Errorf("%s:\n got %q\nwant %q", text, got, want)
		}
	}
	for text, want := range map[string]string{
		`SLECT * FROM t;`:                                     "Statement wasn't well formed, can't be processed: Expected data manipulation",
		`SELECT COUNT(*) FROM t`:                              "Unexpected path component at 1:8:5",
		"SELECT *\nFROM t WHERE x(a)":                         "Unrecognized function: x at 2:14:1",
		`SELECT * FROM t u`:                                   "Aliasing is not supported",
		`SELECT * FROM t LIMIT 1`:                             "Statement wasn't well formed, can't be processed: Unexpected token after expression",
		`SELECT * FROM t; DELETE`:                             "Statement wasn't well formed, can't be processed: Unexpected token after semicolon. (Only one query is allowed.)",
		`SELECT * FROM t WHERE a =`:                           "Statement wasn't well formed, can't be processed: Missing right-hand side expression of infix operator",
		`INSERT INTO t VALUE {'a':<<>>}`:                      "Empty bags are not supported",
		`INSERT INTO t VALUE {'a':<<'a',1>>}`:                 "Unsupported data type in Bag. DynamoDB only supports either numbers or strings in bags at 1:32:1",
		`UPDATE t.i SET a = 1`:                                "This operation is not supported on an index",
		`UPDATE t REMOVE a, b`:                                "Statement wasn't well formed, can't be processed: Unexpected token after expression",
		`SELECT * FROM ""`:                                    "Path component cannot be an empty string",
		`SELECT * FROM a.b.c`:                                 "A path may contain at most 2 components in the FROM clause",
		`SELECT * FROM "t`:                                    "Statement wasn't well formed, can't be processed: ",
		`SELECT * FROM t WHERE a = ?`:                         "Number of parameters in request and statement don't match.",
		`DELETE FROM t WHERE pk='x' RETURNING MODIFIED OLD *`: "Invalid returning clause: RETURNING MODIFIED OLD *. Only RETURNING ALL OLD * is allowed in DELETE statements.",
	} {
		if _, err := Parse(text, nil); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(`SELECT a.b, "c"[0] FROM "t"."i" WHERE pk = ? AND x BETWEEN 1 AND 2 ORDER BY sk DESC`)
	f.Add(`UPDATE t SET a = list_append(b, [1,{'x':<<1,2>>}]) REMOVE c WHERE pk='a' RETURNING ALL OLD *`)
	f.Add("SELECT * /* all */ FROM t -- of it\nWHERE attribute_exists(a.b[0]);")
	f.Add(`INSERT INTO t VALUE {'a': -1.5e3, 'b': null}`)
	f.Fuzz(func(t *testing.T, s string) {
		Parse(s, []attr.Value{attr.String("x")})
	})
}
