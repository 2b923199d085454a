package dialect

import (
	"strings"
	"testing"

	"github.com/brookmere/brookmere/internal/engine/sql"
)

var texts = []string{
	`CREATE OR REPLACE STREAM "D" ("Name" VARCHAR(16), "StatusTime" TIMESTAMP, x DECIMAL(8, 2) NOT NULL)`,
	`CREATE OR REPLACE PUMP "P" AS INSERT INTO "D" SELECT STREAM "Name", "ROWTIME", SUM("Distance") FROM "S" GROUP BY FLOOR("S"."ROWTIME" TO MINUTE), "Name"`,
	`CREATE PUMP P STOPPED AS INSERT INTO D ("a", "b") SELECT STREAM "a", "b" FROM S OVER (RANGE INTERVAL '1' MINUTE PRECEDING) AS o LEFT JOIN T OVER w AS t ON o.x = t.y`,
	`CREATE FUNCTION f (x INTEGER, y INTEGER) RETURNS INTEGER RETURN x + y`,
	`SELECT STREAM STEP(s.ROWTIME BY INTERVAL '10' SECOND) FROM s GROUP BY STEP(s.ROWTIME BY INTERVAL '10' SECOND) HAVING COUNT(*) > 1`,
	`SELECT STREAM * FROM TABLE(RANDOM_CUT_FOREST(CURSOR(SELECT STREAM * FROM s), 100))`,
	`SELECT STREAM AVG(p) OVER w FROM s WINDOW w AS (PARTITION BY k RANGE INTERVAL '10' SECOND PRECEDING)`,
	`SELECT STREAM k, COUNT(*) FROM s WHERE (a SIMILAR TO 'x%') GROUP BY k WINDOWED BY STAGGER (PARTITION BY FLOOR(t TO MINUTE), k RANGE INTERVAL '1' MINUTE)`,
	`SELECT STREAM FLOOR(((s.ROWTIME - TIMESTAMP '1970-01-01 00:00:00') SECOND) / 10 TO SECOND) FROM s`,
	`SELECT STREAM CAST(x AS INTERVAL HOUR TO MINUTE) FROM s WHERE (a, b) IMMEDIATELY PRECEDES (c, d) STRICTLY PRECEDES PERIOD (e, f) AND (a, b) CONTAINS c AND x NOT BETWEEN SYMMETRIC 1 AND 2`,
}

func TestPrintIsAFixedPoint(t *testing.T) {
	for _, text := range texts {
		all, err := Parse(text + ";")
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		printed := sql.Print(all[0])
		again, err := Parse(printed)
		if err != nil {
			t.Errorf("%s\nprinted as %s: %v", text, printed, err)
			continue
		}
		if p := sql.Print(again[0]); p != printed {
			t.Errorf("%s\nthen\n%s", printed, p)
		}
	}
}

func TestErrorsHavePositions(t *testing.T) {
	for text, want := range map[string]string{
		"CREATE STREAM \"D\" (a VARCHAR(4)\n b INTEGER)":  "line 2:2",
		"CREATE OR REPLACE PUMP p INSERT INTO d SELECT 1": "'AS'",
		"DELETE FROM x": "Expecting: 'ALTER', 'CREATE', 'DROP'",
	} {
		if _, err := Parse(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, text := range texts {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		all, err := Parse(text)
		if err != nil {
			return
		}
		for _, s := range all {
			printed := sql.Print(s)
			if _, err := Parse(printed); err != nil {
				t.Fatalf("%q printed as %q: %v", text, printed, err)
			}
		}
	})
}
