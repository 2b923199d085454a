package console_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"

	"github.com/brookmere/brookmere/test/nodetest"
)

// TestHostile shows what others have written to do harm: markup, characters that hide or turn text, names that every
// object of JavaScript has, what is within more than walks bear, and what is longer and wider than a page.
func TestHostile(t *testing.T) {
	needsConsole(t)
	n := nodetest.Start(t, nodetest.Options{Data: ":memory:"})
	a := account{t, n.AWS()}
	const markup, turned = `<img src=x onerror="window.harmed=1">`, "tab\u202eelttil"
	wide := map[string]int{}
	for i := range 3000 {
		wide[fmt.Sprintf("c%d", i)] = i
	}
	columns, err := json.Marshal(wide)
	a.must("write a wide record", err)
	a.streams("odd")
	for _, data := range []string{markup, `{"__proto__": {"harmed": 1}, "constructor": 2}`, strings.Repeat("[", 400_000) + strings.Repeat("]", 400_000), "[" + strings.Repeat("0,", 60_000) + "0]", string(columns), turned} {
		a.put("odd", data)
	}
	store := s3.NewFromConfig(a.cfg, func(o *s3.Options) { o.UsePathStyle = true })
	_, err = store.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String("odd-names")})
	a.must("create the bucket", err)
	_, err = store.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String("odd-names"), Key: aws.String("a/bell\x07 +%20\u202e.txt"), Body: strings.NewReader(markup)})
	a.must("put the object", err)
	catalog := glue.NewFromConfig(a.cfg)
	for _, name := range []string{"__proto__", turned} {
		_, err = catalog.CreateDatabase(t.Context(), &glue.CreateDatabaseInput{DatabaseInput: &types.DatabaseInput{Name: &name}})
		a.must("create the database", err)
		_, err = catalog.CreateTable(t.Context(), &glue.CreateTableInput{DatabaseName: &name, TableInput: &types.TableInput{Name: aws.String("harmed"), StorageDescriptor: &types.StorageDescriptor{Columns: []types.Column{{Name: aws.String(markup), Type: aws.String("string")}}}}})
		a.must("create the table", err)
	}

	b := openBrowser(t, n.URL)
	b.open(t, "streams/odd", "6 records", "tab⟨U+202E⟩elttil")
	for row := 2; row < 8; row++ {
		b.do(t, chromedp.Click(fmt.Sprintf(`.grid .row[aria-rowindex="%d"]`, row), chromedp.ByQuery))
		b.shows(t, "Where it went")
	}
	b.do(t, chromedp.Focus(`input[aria-label="Filter"]`), input.InsertText(`SELECT * FROM odd`))
	b.shows(t, "6 rows of 6 records")
	b.do(t, chromedp.Evaluate(`document.querySelector("input[aria-label=Filter]").select()`, nil), input.InsertText(`SELECT constructor(a) FROM odd`))
	b.shows(t, "There is no constructor here")
	b.open(t, "objects/odd-names/a%2F", "bell⟨U+0007⟩ +%20⟨U+202E⟩.txt")
	b.do(t, chromedp.Click(`td button.cell`, chromedp.ByQuery))
	b.shows(t, markup)
	b.open(t, "lake", "__proto__", "tab⟨U+202E⟩elttil")
	b.open(t, "lake/"+url.PathEscape(turned)+"/harmed", markup)
	b.open(t, "sql", "No result yet")
	b.open(t, "streams/%zz", "ValidationException")
	var harmed bool
	b.do(t, chromedp.Evaluate(`window.harmed !== undefined || ({}).harmed !== undefined`, &harmed))
	if harmed {
		t.Error("what was shown has changed the page")
	}
	b.forgive(400)
	b.clean(t)
}
