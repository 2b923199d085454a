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
		"SELECT *\nFROM t WHERE x(a)":                         "Unrecognized function: x at 2:14:1",
		`SELECT * FROM t WHERE`:                               wellFormed + "Unexpected term",
		`SELECT * FROM t WHERE;`:                              wellFormed + "Unexpected term",
		`SELECT * FROM t WHERE NOT`:                           wellFormed + "Unexpected term",
		`SELECT * FROM t WHERE ORDER BY a`:                    wellFormed + "Unexpected keyword",
		`SELECT * FROM t WHERE IS NULL`:                       wellFormed + "Unexpected operator",
		`SELECT * FROM t WHERE a = LIKE`:                      wellFormed + "Unexpected operator",
		`SELECT * FROM t WHERE a IS FOO`:                      wellFormed + "Expected type name",
		`SELECT * FROM t WHERE m.inner = 1`:                   wellFormed + "Invalid path dot component",
		`SELECT * FROM t WHERE a = 1 # b`:                     wellFormed,
		`SELECT * FROM t WHERE a = 1e2147483648`:              wellFormed,
		`SELECT * FROM t WHERE a = 1e126`:                     "Number overflow. Attempting to store a number with magnitude larger than supported range under root",
		`INSERT INTO t VALUE {'a':1,'m':{'x':[1,1e-131]}}`:    "Number underflow. Attempting to store a number with magnitude smaller than supported range under root.x[1]",
		`INSERT INTO t u VALUE {'a':1}`:                       wellFormed + "Unexpected token after expression",
		`INSERT INTO t VALUE {'a': set_add(<<1>>, <<2>>)}`:    "Unsupported data type: set_add under key root at 1:27:7",
		`DELETE FROM`:                                         wellFormed + "Expected identifier for simple path",
		`DELETE FROM WHERE a = 1`:                             wellFormed + "Expected identifier for simple path",
		`SELECT * FROM`:                                       wellFormed + "Unexpected term",
		`x IS DOUBLE PRECISION`:                               "Unsupported operation: IsType",
		`FROM t SET c = 1 WHERE a = 1`:                        wellFormed + "Unexpected token after expression",
		`SELECT * FROM t WHERE attribute_exists('a')`:         "Operator or function requires a document path; operator or function: attribute_exists",
		`SELECT * FROM t WHERE attribute_exists(a, b)`:        "Incorrect number of operands for operator or function; operator or function: attribute_exists, number of operands: 2",
		`SELECT * FROM t WHERE EXISTS(a)`:                     "Unrecognized function: exists at 1:23:6",
		`UPDATE t SET a = set_add(b, <<1>>) WHERE k = 1`:      "The first argument to SET_ADD must equal the assignment value at 1:18:7",
		`UPDATE t SET a = SET_DELETE(a, 'x') WHERE k = 1`:     "The second argument to SET_DELETE must be a value with type SET at 1:29:1",
		`UPDATE t SET a = set_add(a) WHERE k = 1`:             "SET_ADD must have exactly two arguments at 1:18:7",
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

const wellFormed = "Statement wasn't well formed, can't be processed: "

// TestParseForms holds forms of statements to what they mean.
func TestParseForms(t *testing.T) {
	for _, tt := range []struct{ text, where, update string }{
		{`FROM t WHERE k = .5e1 SET a = 1 REMOVE b RETURNING ALL NEW *`, "#0 = :0", "SET #1 = :1 REMOVE #2"},
		{`SELECT * FROM t WHERE k = -.5`, "#0 = :0", ""},
		{`SELECT * FROM t WHERE k BETWEEN -2 AND -1 AND NOT -1 = a`, "(#0 BETWEEN :0 AND :1) AND (NOT (:2 = #1))", ""},
		{`UPDATE t SET count=count-1, level = level -1 WHERE k = 1`, "#2 = :2", "SET #0 = #0 - :0, #1 = #1 - :1"},
		{`SELECT * FROM t WHERE a IS STRING`, "attribute_type(#0, :0)", ""},
		{`SELECT * FROM t WHERE a IS NOT MISSING`, "NOT (attribute_not_exists(#0))", ""},
		{`SELECT * FROM t WHERE attribute_exists(a.b) = false`, "NOT (attribute_exists(#0.#1))", ""},
		{`UPDATE t SET a = set_delete(a, <<1>>) WHERE k = 1`, "#1 = :1", "DELETE #0 :0"},
	} {
		st, err := Parse(tt.text, nil)
		if err != nil {
			t.Errorf("%s: %v", tt.text, err)
		} else if st.Where != tt.where || st.Update != tt.update {
			t.Errorf("%s: %q, %q", tt.text, st.Where, st.Update)
		}
	}
	st, err := Parse(`SELECT COUNT(*), a FROM t`, nil)
	if err != nil || st.Invalid == nil || st.Invalid.Error() != "Unexpected path component at 1:8:5" {
		t.Errorf("a function as a column: %+v, %v", st, err)
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
