package hivetype

import (
	"errors"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	tests := []struct{ in, want string }{
		{"int", "int"},
		{" INTEGER ", "int"},
		{"Long", "bigint"},
		{"bool", "boolean"},
		{"short", "smallint"},
		{"byte", "tinyint"},
		{"DOUBLE PRECISION", "double"},
		{"real", "float"},
		{"decimal", "decimal(10,0)"},
		{"numeric(5)", "decimal(5,0)"},
		{"DEC( 38 , 18 )", "decimal(38,18)"},
		{"char(3)", "char(3)"},
		{"VARCHAR(65535)", "varchar(65535)"},
		{"array<string>", "array<string>"},
		{"map < string , array<int> >", "map<string,array<int>>"},
		{"struct<a:int,b:array<decimal(10,2)>>", "struct<a:int,b:array<decimal(10,2)>>"},
		{"STRUCT<Some Name:INT, x-y:date, $p:binary>", "struct<Some Name:int,x-y:date,$p:binary>"},
		{"struct<`a:b`:int,`c``d`:string>", "struct<`a:b`:int,`c``d`:string>"},
		{"struct<a:int comment 'it''s'>", ""},
		{"struct<a:int COMMENT 'hm', b:timestamp>", "struct<a:int,b:timestamp>"},
		{"struct<a:struct<b:map<int,struct<c:tinyint>>>>", "struct<a:struct<b:map<int,struct<c:tinyint>>>>"},
	}
	for _, tt := range tests {
		got, err := Parse(tt.in)
		if tt.want == "" {
			if err == nil {
				t.Errorf("Parse(%q) = %s, want an error", tt.in, got)
			}
			continue
		}
		if err != nil {
			t.Errorf("Parse(%q): %v", tt.in, err)
			continue
		}
		if got.String() != tt.want {
			t.Errorf("Parse(%q) = %s, want %s", tt.in, got, tt.want)
		}
	}
}

func TestParseErrors(t *testing.T) {
	tests := []struct {
		in     string
		offset int
		reason string
	}{
		{"", 0, "ends where a type"},
		{"in t", 0, `"in" is not a type`},
		{"int int", 4, "unexpected"},
		{"decimal(39)", 8, "precision"},
		{"decimal(5,6)", 10, "scale"},
		{"decimal(5", 9, "ends"},
		{"char", 4, "ends"},
		{"char(0)", 5, "length"},
		{"varchar(65536)", 8, "length"},
		{"array", 5, "ends"},
		{"array<>", 6, "where a type"},
		{"map<array<int>,int>", 4, "key cannot be array"},
		{"map<int>", 7, "key type"},
		{"struct<>", 7, "needs a field"},
		{"struct<a>", 8, "field name"},
		{"struct<:int>", 7, "field name"},
		{"struct<a:int,>", 13, "field name"},
		{"struct<`a:int>", 7, "does not end"},
		{"uniontype<int,string>", 0, "is not a type"},
		{strings.Repeat("array<", 200), 606, "deeper"},
	}
	for _, tt := range tests {
		_, err := Parse(tt.in)
		var se *SyntaxError
		if !errors.As(err, &se) {
			t.Errorf("Parse(%q): error %v, want a SyntaxError", tt.in, err)
			continue
		}
		if se.Offset != tt.offset || !strings.Contains(se.Reason, tt.reason) {
			t.Errorf("Parse(%q): offset %d, %s; want offset %d, %s", tt.in, se.Offset, se.Reason, tt.offset, tt.reason)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"int", "struct<a:int,b:array<decimal(10,2)>>", "map<string,char(3)>",
		"struct<`a:b`:int,c d:string>", "struct<a:int comment 'x'>", "array<", "decimal(1,2)"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		typ, err := Parse(s)
		if err != nil {
			_ = err.Error()
			return
		}
		again, err := Parse(typ.String())
		if err != nil {
			t.Fatalf("Parse(%q) printed as %q, which is refused: %v", s, typ, err)
		}
		if !again.Equal(typ) {
			t.Fatalf("Parse(%q) = %q, read back as %q", s, typ, again)
		}
	})
}

func BenchmarkParse(b *testing.B) {
	for b.Loop() {
		if _, err := Parse("struct<a:int,b:array<decimal(10,2)>,c:map<string,struct<d:double>>>"); err != nil {
			b.Fatal(err)
		}
	}
}
