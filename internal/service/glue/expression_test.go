package glue

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/glue/types"
)

var expressionKeys = columnDocs([]types.Column{
	column("Year", "int"), column("day", "string"), column("dt", "date"),
	column("price", "decimal(10,2)"), column("at", "timestamp"), column("ratio", "double"),
})

func TestExpression(t *testing.T) {
	values := []string{"2024", "07", "2024-01-15", "2.60", "2024-01-15 10:00:00.5", "1.5"}
	for expr, want := range map[string]bool{
		"":                                    true,
		"  ":                                  true,
		"year = 2024":                         true,
		"year = '2024'":                       true,
		"YEAR > 900":                          true, // as a number
		"day > '1'":                           false,
		"day = 7":                             false,
		"year in (1, 2024) and day in ('07')": true,
		"year not in (1, 2)":                  true,
		"not (year = 1 or day = '08')":        true,
		"dt between '2024-01-01' and DATE '2024-02-01'": true,
		"dt not between '2024-01-01' and '2024-02-01'":  false,
		"day like '0%' AND day like '_7'":               true,
		"day not like '1%'":                             true,
		"`year` >= 2024 and \"day\" <> '08'":            true,
		"year is null":                                  false,
		"year is not null":                              true,
		"2023 < year":                                   true,
		"year = 2024 or year = 1 and day = 'x'":         true,
		"day = 'it''s'":                                 false,
		"(year) = ((2024)) and (((day))) = ('07')":      true,
		"price = 2.6":                                   true,
		"price between 2 and 3e10":                      true,
		"price > '26e-1'":                               false,
		"at = '2024-01-15 10:00:00.500'":                true,
		"at > '2024-01-15 10:00:00.499999999'":          true,
		"at < timestamp '2024-01-15 10:00:01'":          true,
		"cast(day as int) = 7":                          true,
		"day = cast(dt as string)":                      false,
		"ratio is not null":                             true,
	} {
		f, err := compileExpression(expr, expressionKeys)
		if err != nil {
			t.Errorf("%s: %v", expr, err)
			continue
		}
		if got, err := f(values); got != want || err != nil {
			t.Errorf("%s: %v, %v, want %v", expr, got, err, want)
		}
	}
	f, err := compileExpression("not (year = 1)", expressionKeys)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := f([]string{hiveDefaultPartition, "a", "b", "", "", ""}); got || err != nil {
		t.Errorf("NULL holds (%v)", err)
	}
	if _, err := f([]string{"many", "a", "b", "", "", ""}); code(err) != "InvalidStateException" || !strings.Contains(err.Error(), `"many" is not an integer.`) {
		t.Errorf("a value that is not of its key's type: %v", err)
	}
}

func TestBadExpression(t *testing.T) {
	for expr, want := range map[string]string{
		"x = 1":                    "Invalid partition expression!",
		"year = ":                  "Unsupported expression",
		"year = 1 and":             "Unsupported expression",
		"year":                     "Unsupported expression",
		"(year)":                   "Unsupported expression",
		"not year":                 "Unsupported expression",
		"(year = 1":                "Unsupported expression",
		"year in ()":               "Unsupported expression",
		"year ; 1":                 "Unsupported expression",
		"year = 1)":                "Unsupported expression",
		"'":                        "Unsupported expression",
		"1 = 1":                    "Unsupported expression",
		"year = 'many'":            `"many" is not an integer.`,
		"year in (1, 2.5)":         `"2.5" is not an integer.`,
		"price < 'many'":           "many is not a decimal.",
		"dt = '2024-02-30'":        "2024-02-30 is not a date.",
		"at = '2024-02-01'":        "2024-02-01 is not a timestamp.",
		"at = '2024-02-01 1:0:0.'": "is not a timestamp.",
		"ratio = 1.5":              "Unknown type : 'double'",
		"year like '2%'":           "Integral data type doesn't support operation 'LIKE'",
		"price like '2%'":          "Decimal data type doesn't support operation 'LIKE'",
		"dt like '2%'":             "Date data type doesn't support operation 'LIKE'",
		"at like '2%'":             "Timestamp data type doesn't support operation 'LIKE'",
	} {
		if _, err := compileExpression(expr, expressionKeys); code(err) != "InvalidInputException" || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", expr, err, want)
		}
	}
	deep := strings.Repeat("(", 100_000) + "year"
	if _, err := compileExpression(deep, expressionKeys); code(err) != "InvalidInputException" {
		t.Errorf("deep: %v", err)
	}
}

func FuzzExpression(f *testing.F) {
	f.Add("year = 2024 and (day in ('1', '2') or not dt is null)", "2024")
	f.Add("year between 1 and 2 or day like 'a%'", "x")
	f.Add("price = ((2e3)) and at > '2024-01-01 00:00:00.1'", "1e999")
	f.Fuzz(func(t *testing.T, expr, value string) {
		match, err := compileExpression(expr, expressionKeys)
		if err == nil {
			_, _ = match([]string{value, value, value, value, value, value})
		}
	})
}
