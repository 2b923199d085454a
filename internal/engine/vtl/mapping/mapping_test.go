package mapping

import (
	"context"
	"errors"
	"testing"

	"github.com/brookmere/brookmere/internal/engine/vtl"
)

func about() *vtl.Map {
	m := vtl.NewMap()
	m.Put("stage", "dev")
	identity := vtl.NewMap()
	identity.Put("sourceIp", "127.0.0.1")
	m.Put("identity", identity)
	return m
}

func TestTemplates(t *testing.T) {
	const order = `{"StreamName":"ingestion-dev","PartitionKey":"k-1","Data":"eyJhIjoxfQ==","list":[1,{"a":"b"}],"f":1.10,"o":{"x":"y/z"}}`
	for _, c := range []struct{ name, template, body, want string }{
		{"put a record", "#set($inputRoot = $input.path('$'))\n{\n  \"StreamName\": \"$inputRoot.StreamName\",\n  \"PartitionKey\": \"$inputRoot.PartitionKey\",\n  \"Data\": \"$inputRoot.Data\"\n}\n", order,
			"{\n  \"StreamName\": \"ingestion-dev\",\n  \"PartitionKey\": \"k-1\",\n  \"Data\": \"eyJhIjoxfQ==\"\n}\n"},
		{"what is not there prints nothing", `[$input.path('$.none')][$input.path('$').none.more][$input.json('$.none')][$none][$context.none]`, order, `[][][""][][]`},
		{"not there is false", `#if($input.path('$.none'))yes#{else}no#end`, order, `no`},
		{"json", `$input.json('$.list') $input.json('$.o') $input.json('$.f') $input.json('$.StreamName')`, order, `[1,{"a":"b"}] {"x":"y/z"} 1.1 "ingestion-dev"`},
		{"whole body", `$input.json('$')`, `{"b": 1, "a": [true, null]}`, `{"b":1,"a":[true,null]}`},
		{"raw body", `$input.body`, `not json`, `not json`},
		{"empty body", `$input.body|$input.path('$')|$input.json('$')`, ``, `{}||""`},
		{"text body", `#foreach($p in $input.path('$').split('&'))$p;#end`, `a=1&b=2`, `a=1;b=2;`},
		{"parameters", `$input.params('id') $input.params('q') $input.params('x-h') [$input.params('none')] $input.params().path.id $input.params().querystring.get('q')`, ``, `7 v w [] 7 v`},
		{"all parameters", `#foreach($type in $input.params().keySet())$type:#foreach($n in $input.params().get($type).keySet())$n=$util.escapeJavaScript($input.params().get($type).get($n))#end;#end`, ``, `path:id=7;querystring:q=v;header:X-H=w;`},
		{"context and variables", `$context.stage $context.identity.sourceIp $stageVariables.table $stageVariables.get('table')`, ``, `dev 127.0.0.1 orders orders`},
		{"util", `$util.base64Encode("a b") $util.base64Decode("YSBi") $util.urlEncode("a b/ü") $util.urlDecode("a+b%2F") $util.escapeJavaScript("it's ""x"" / é") $util.parseJson('{"a":[1,2]}').a[1]`, ``,
			`YSBi a b a+b%2F%C3%BC a b/ it\'s \"x\" \/ \u00E9 2`},
		{"kinesis of a whole body", `{"StreamName":"s","Data":"$util.base64Encode($input.json('$'))","PartitionKey":"$context.stage"}`, `{"a": 1}`, `{"StreamName":"s","Data":"eyJhIjoxfQ==","PartitionKey":"dev"}`},
	} {
		tmpl, err := vtl.Parse(c.template)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		got, _, err := Render(context.Background(), tmpl, &Message{
			Body: c.body, Path: map[string]string{"id": "7"}, Query: map[string]string{"q": "v"}, Header: map[string]string{"X-H": "w"},
			Context: about(), StageVariables: map[string]string{"table": "orders"},
		})
		if err != nil || got != c.want {
			t.Errorf("%s:\n got %q, %v\nwant %q", c.name, got, err, c.want)
		}
	}
}

func TestOverrides(t *testing.T) {
	tmpl, err := vtl.Parse(`#set($context.responseOverride.status = 404)#set($context.responseOverride.header.X-Why = "gone")#set($context.requestOverride.querystring.a = "b")`)
	if err != nil {
		t.Fatal(err)
	}
	_, o, err := Render(context.Background(), tmpl, &Message{})
	if err != nil || o.Status != 404 || o.Header["X-Why"] != "gone" || o.Query["a"] != "b" {
		t.Errorf("got %+v, %v", o, err)
	}
}

func TestFailures(t *testing.T) {
	for _, template := range []string{`$util.parseJson("{")`, `$util.base64Decode("%")`, `$util.urlDecode("%zz")`, `$input.path('$[')`, `$input.json("$..x[?(")`} {
		tmpl, err := vtl.Parse(template)
		if err != nil {
			t.Fatal(err)
		}
		if got, _, err := Render(context.Background(), tmpl, &Message{Body: "{}"}); err == nil {
			t.Errorf("%s gives %q", template, got)
		}
	}
}

// What a call of $util makes counts like any other value.
func TestUtilIsBounded(t *testing.T) {
	tm, err := vtl.Parse(`#set($x = $input.body)#foreach($i in [1..64])#set($x = $util.base64Encode($x))#end$x`)
	if err != nil {
		t.Fatal(err)
	}
	if out, _, err := Render(t.Context(), tm, &Message{Body: "some text"}); !errors.Is(err, vtl.ErrLimit) {
		t.Errorf("%d bytes, %v", len(out), err)
	}
}
