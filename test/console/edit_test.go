package console_test

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
)

// pick takes an option of the list that has a label for those who do not see.
func pick(label, value string) chromedp.Action {
	return chromedp.Evaluate(fmt.Sprintf(`{const s = document.querySelector('select[aria-label="%s"]'); s.value = %q; s.dispatchEvent(new Event("change", {bubbles: true}))}`, label, value), nil)
}

// putFile puts a file of records into the stream, whose lines end as on Windows, and one that is no text.
func (p *pipeline) putFile(t *testing.T, b *browser) {
	dir := t.TempDir()
	records, other := filepath.Join(dir, "records.jsonl"), filepath.Join(dir, "other.bin")
	if err := os.WriteFile(records, []byte("{\"order_id\": \"file1\"}\r\n\r\n{\"order_id\": \"file2\"}\r\n{\"order_id\": \"file3\"}"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(other, []byte{'a', 0xff, '\n', 'b'}, 0o600); err != nil {
		t.Fatal(err)
	}
	b.open(t, "streams/orders", "Put a record")
	b.do(t, chromedp.Click(`//button[text()="Put a record"]`), chromedp.WaitVisible(".dialog"), chromedp.SetUploadFiles(`.dialog input[type="file"]`, []string{other}))
	b.shows(t, "not a text in UTF-8")
	b.do(t, chromedp.SetUploadFiles(`.dialog input[type="file"]`, []string{records}))
	b.shows(t, "records.jsonl has 3 records")
	b.do(t, chromedp.Click(`//button[text()="Put 3 records"]`))
	b.shows(t, "3 records put.")
	b.do(t, chromedp.Click(`.dialog .bar.end button`, chromedp.ByQuery), fillLabelled("Filter", `$.order_id = "file2"`))
	b.shows(t, "1 of ")
}

// fillLabelled types into a field that has a label for those who do not see.
func fillLabelled(label, text string) chromedp.Action {
	return chromedp.ActionFunc(func(ctx context.Context) error {
		field := fmt.Sprintf(`[aria-label=%q]`, label)
		return chromedp.Run(ctx, chromedp.WaitVisible(field, chromedp.ByQuery), chromedp.Focus(field, chromedp.ByQuery), chromedp.Evaluate(`document.activeElement.select()`, nil), input.InsertText(text))
	})
}

// from shows the records from a time on, and from one record's number on.
func (p *pipeline) from(t *testing.T, b *browser) {
	b.do(t, fillLabelled("Filter", "late"), pick("From", "at"), fillLabelled("Time or sequence number", "2024-01-31T14:05Z"), chromedp.KeyEvent("\r"))
	b.shows(t, "1 of 21 records match", "--from 2024-01-31T14:05:00.000Z")
	// From the number of that record on, its shard has what came later, which is nothing.
	var number string
	b.do(t, chromedp.Click(`.grid .row[aria-rowindex="2"]`, chromedp.ByQuery), until(`[...document.querySelectorAll(".facts dt")].find((d) => d.textContent === "sequence")?.nextElementSibling.textContent`, &number))
	b.do(t, fillLabelled("Time or sequence number", number), chromedp.KeyEvent("\r"))
	b.shows(t, "1 of 1 records match", "--shard-iterator-type AT_SEQUENCE_NUMBER --starting-sequence-number "+number)
}

// redrive puts the records of an error object again, and leaves the objects of others, and what it does not understand.
func (p *pipeline) redrive(t *testing.T, b *browser) {
	objects := s3.NewFromConfig(p.cfg, func(o *s3.Options) { o.UsePathStyle = true })
	const below = "errors/processing-failed/2026/11/29/17/"
	line := func(id string) string {
		return fmt.Sprintf(`{"attemptsMade":4,"arrivalTimestamp":1767225600000,"errorCode":"Lambda.FunctionError","errorMessage":"it raised","rawData":%q}`, base64.StdEncoding.EncodeToString(fmt.Appendf(nil, `{"order_id": %q}`, id))) + "\n"
	}
	stay := map[string]string{below + "orders-1-2026-11-29-17-00-00-aa": line("others"), below + "orders-raw-1-2026-11-29-17-00-01-bb": line("known") + "what is this?\n"}
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, _ = io.WriteString(z, line("again2"))
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	all := map[string]string{below + "orders-raw-1-2026-11-29-17-00-02-cc": line("again1"), below + "orders-raw-2-2026-11-29-17-00-03-dd.gz": packed.String()}
	for k, v := range stay {
		all[k] = v
	}
	for k, v := range all {
		if _, err := objects.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String("lake"), Key: &k, Body: strings.NewReader(v)}); err != nil {
			t.Fatal(err)
		}
	}
	b.open(t, "deliveries/orders-raw", "Records that failed", "again1", "it raised", "1 object with lines that tell no record stays")
	b.accessible(t)
	b.picture(t, "deliveries-redrive")
	b.do(t, chromedp.Click(`//button[text()="Redrive"]`))
	b.shows(t, "2 records of 2 error objects into the stream orders")
	b.do(t, chromedp.Click(`button.danger`, chromedp.ByQuery), until(`!document.body.innerText.includes("again1")`, nil))
	list, err := objects.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: aws.String("lake"), Prefix: aws.String("errors/")})
	if err != nil {
		t.Fatal(err)
	}
	var keys []string
	for _, o := range list.Contents {
		keys = append(keys, *o.Key)
	}
	if want := []string{below + "orders-1-2026-11-29-17-00-00-aa", below + "orders-raw-1-2026-11-29-17-00-01-bb"}; !slices.Equal(keys, want) {
		t.Errorf("below errors/ there are %q, want %q", keys, want)
	}
	b.open(t, "streams/orders", "Consumers")
	b.do(t, fillLabelled("Filter", `SELECT order_id WHERE order_id LIKE 'again%' OR order_id LIKE 'known%' OR order_id LIKE 'others%'`))
	b.shows(t, "2 rows of 2 records", "again1", "again2")
}

// parquet writes a result as Parquet, and looks at the file that it is.
func (p *pipeline) parquet(t *testing.T, b *browser) {
	b.do(t, chromedp.Evaluate(`{window.blobs = []; const made = URL.createObjectURL.bind(URL); URL.createObjectURL = (b) => (window.blobs.push(b), made(b))}`, nil), chromedp.Click(`//button[text()="Parquet"]`),
		until(`window.blobs.length === 1 && !document.body.innerText.includes("Writing…")`, nil))
	var text string
	b.do(t, chromedp.Evaluate(`window.blobs[0].arrayBuffer().then((a) => { window.got = btoa(String.fromCharCode(...new Uint8Array(a))) })&&0`, nil), until(`window.got`, &text))
	data, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	if len(data) < 12 || string(data[:4]) != "PAR1" || string(data[len(data)-4:]) != "PAR1" {
		t.Fatalf("the file of the result has %d bytes and is not Parquet", len(data))
	}
	objects := s3.NewFromConfig(p.cfg, func(o *s3.Options) { o.UsePathStyle = true })
	if _, err := objects.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String("lake"), Key: aws.String("results/best.parquet"), Body: bytes.NewReader(data)}); err != nil {
		t.Fatal(err)
	}
	// One whose footer has less than it says.
	if _, err := objects.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String("lake"), Key: aws.String("results/bad.parquet"), Body: bytes.NewReader(append(bytes.Repeat([]byte{0x19, 0xfc, 0xff}, 40), 120, 0, 0, 0, 'P', 'A', 'R', '1'))}); err != nil {
		t.Fatal(err)
	}
	b.do(t, chromedp.Click(`//button[text()="Explain"]`), chromedp.WaitVisible(`.plan .plan`, chromedp.ByQuery))
	b.shows(t, "TableScan")
	b.accessible(t)
	b.picture(t, "sql-explain")
	b.open(t, "objects/lake/results%2F", "2 objects", "best.parquet")
	b.do(t, chromedp.Click(`//button[text()="best.parquet"]`))
	b.shows(t, "2 rows in 1 row group", "order_id", "o0018", "o0019", "DOUBLE")
	b.accessible(t)
	b.picture(t, "objects-parquet")
	b.do(t, chromedp.Click(`//button[text()="bad.parquet"]`))
	b.shows(t, "The footer")
}

// deploy changes a file of a function, and wants the others as they were.
func (p *pipeline) deploy(t *testing.T, b *browser) {
	var packed bytes.Buffer
	w := zip.NewWriter(&packed)
	for name, text := range map[string]string{"bootstrap": "#!/bin/sh\r\necho one\r\n", "lib/data.txt": strings.Repeat("0123456789", 2000)} {
		h := &zip.FileHeader{Name: name, Method: zip.Deflate}
		h.SetMode(0o755)
		f, err := w.CreateHeader(h)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(f, text); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	functions := lambda.NewFromConfig(p.cfg)
	if _, err := functions.CreateFunction(t.Context(), &lambda.CreateFunctionInput{FunctionName: aws.String("hello"), Runtime: lambdatypes.RuntimeProvidedal2023, Handler: aws.String("bootstrap"),
		Role: aws.String("arn:aws:iam::000000000000:role/hello"), Code: &lambdatypes.FunctionCode{ZipFile: packed.Bytes()}}); err != nil {
		t.Fatal(err)
	}
	b.open(t, "functions/hello", "Code", "2 files")
	b.do(t, until(`document.querySelector('[aria-label="Code of bootstrap"]')?.value.includes("echo one")`, nil), fillLabelled("Code of bootstrap", "#!/bin/sh\necho two\n"))
	b.shows(t, "1 file changed")
	b.accessible(t)
	b.do(t, chromedp.Click(`//button[text()="Deploy"]`))
	b.shows(t, "2 files")
	f, err := functions.GetFunction(t.Context(), &lambda.GetFunctionInput{FunctionName: aws.String("hello")})
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.Get(*f.Code.Location)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	data, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, f := range z.File {
		c, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(c)
		if err != nil {
			t.Fatal(err)
		}
		got[fmt.Sprintf("%s %v", f.Name, f.Mode().Perm())] = string(text)
	}
	if want := "#!/bin/sh\r\necho two\r\n"; len(got) != 2 || got["bootstrap -rwxr-xr-x"] != want || len(got["lib/data.txt -rwxr-xr-x"]) != 20_000 || len(data) > 2000 {
		t.Errorf("the package of %d bytes has %.200q", len(data), got)
	}
}
