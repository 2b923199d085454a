package streamsql_test

import (
	"fmt"
	"time"

	"github.com/brookmere/brookmere/internal/engine/streamsql"
)

// A minute's sum by name: records come in, the minute ends, and its rows come out.
func Example() {
	varchar, _ := streamsql.ParseType("VARCHAR(16)")
	source := streamsql.Source{Name: "SOURCE_SQL_STREAM_001", Schema: streamsql.Schema{Columns: []streamsql.SourceColumn{
		{Name: "Name", Type: varchar, Mapping: "$.Name"},
		{Name: "Distance", Type: streamsql.Type{Kind: streamsql.Double}, Mapping: "$.Distance"},
	}}}
	plan, err := streamsql.Compile(`
		CREATE OR REPLACE STREAM "SUMS" ("Name" VARCHAR(16), "Ends" TIMESTAMP, "Distance" SMALLINT);
		CREATE OR REPLACE PUMP "P" AS INSERT INTO "SUMS"
			SELECT STREAM "Name", "ROWTIME", SUM("Distance") FROM "SOURCE_SQL_STREAM_001" s
			GROUP BY FLOOR(s.ROWTIME TO MINUTE), "Name";`, []streamsql.Source{source}, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	app, err := streamsql.New(plan, streamsql.Options{Outputs: []string{"SUMS"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	at := time.Date(2018, 3, 18, 3, 20, 30, 0, time.UTC)
	records := []streamsql.Record{{Data: []byte(`{"Name":"Shadowfax","Distance":180.5}`)}, {Data: []byte(`{"Name":"Shadowfax","Distance":181.2}`)}}
	app.Apply(streamsql.Step{Time: at, Batches: []streamsql.Batch{{Source: source.Name, Records: records}}})
	ends, _ := app.Deadline()
	result, _ := app.Apply(streamsql.Step{Time: ends})
	for _, out := range result.Outputs {
		for i := range out.Rows.Len() {
			fmt.Printf("%d %s\n", out.First+uint64(i), out.Rows.AppendJSON(nil, i))
		}
	}
	// Output: 0 {"Name":"Shadowfax","Ends":"2018-03-18 03:21:00.000","Distance":362}
}
