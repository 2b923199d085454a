package console_test

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamodbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/firehose"
	firehosetypes "github.com/aws/aws-sdk-go-v2/service/firehose/types"
	"github.com/aws/aws-sdk-go-v2/service/glue"
	gluetypes "github.com/aws/aws-sdk-go-v2/service/glue/types"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	kinesistypes "github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/brookmere/brookmere/test/nodetest"
)

// TestPages opens every page of the console of a node with a small pipeline, does the page's
// main job, and wants no error in the browser: of a script, of the policy, of a request.
func TestPages(t *testing.T) {
	needsConsole(t)
	n := nodetest.Start(t, nodetest.Options{Data: ":memory:"})
	b := openBrowser(t, n.URL)
	p := newPipeline(t, n)

	t.Run("pipeline", func(t *testing.T) {
		b.open(t, "", "Pipeline", "orders-raw", "shop.orders", "resources")
		b.do(t, chromedp.Click(`g[aria-label^="from stream/orders to delivery/orders-raw"]`, chromedp.ByQuery))
		b.shows(t, "last records over this line", "o00")
		// Keys reach lines and resources too.
		b.do(t, chromedp.Evaluate(`document.querySelector('g[aria-label^="from delivery/orders-raw"]').focus()`, nil), chromedp.KeyEvent(kb.Enter))
		b.shows(t, "what this delivery has written")
		b.do(t, chromedp.Evaluate(`document.querySelector('g.node[role=link]').focus()`, nil), until(`document.activeElement.matches("g.node")`, nil))
		b.do(t, pick("Time", "3600"))
		b.shows(t, "mean of 1 h")
		b.do(t, pick("Time", "0"))
		b.accessible(t)
		b.picture(t, "pipeline")
	})
	t.Run("palette", func(t *testing.T) {
		b.open(t, "pipeline", "resources") // are known, so that Enter takes one
		b.do(t, press("/"), chromedp.WaitVisible(".palette input"), chromedp.SendKeys(".palette input", "stream orders\r"))
		b.shows(t, "Hash range and load")
	})
	t.Run("streams", func(t *testing.T) {
		b.open(t, "streams", "1 stream", "orders")
		b.open(t, "streams/orders", "2 shards", "o0001")
		b.do(t, chromedp.SendKeys(`input[aria-label="Filter"]`, "$.amount >= 19"))
		b.shows(t, "1 of 20 records match", "o0019")
		b.do(t, chromedp.Click(`.grid .row[aria-rowindex="2"]`, chromedp.ByQuery))
		b.shows(t, "sequence", `"order_id"`, "Where it went", "wrote it to an object", "Find it")
		b.do(t, chromedp.Click(`//button[text()="Find it in orders"]`))
		b.shows(t, "s3://lake/orders/", "after it arrived", "The SQL that finds it")
		b.accessible(t)
		b.picture(t, "streams-orders")
		p.put(t, "late", `{"order_id": "late", "amount": 77}`)
		b.shows(t, "2 of 21 records match")
		b.do(t, chromedp.Evaluate(`document.querySelector("input[aria-label=Filter]").select()`, nil), input.InsertText(`SELECT count(*) AS orders, max(amount) FROM orders WHERE order_id LIKE 'o%'`))
		b.shows(t, "1 rows of 20 records", "orders", "max(amount)")
		b.do(t, chromedp.Evaluate(`document.querySelector("input[aria-label=Filter]").select()`, nil), input.InsertText(`SELECT nope(amount)`))
		b.shows(t, "There is no nope here")
		p.from(t, b)
	})
	t.Run("split", func(t *testing.T) {
		b.open(t, "streams/orders", "2 shards", "Consumers", "behind: none")
		b.do(t, chromedp.Click(`.range`, chromedp.ByQuery), chromedp.Click(`//button[text()="Split in the middle"]`))
		b.shows(t, "3 shards")
		b.do(t, chromedp.Click(`.range`, chromedp.ByQuery), chromedp.Click(`//button[starts-with(text(),"Merge with")]`))
		b.shows(t, "2 shards")
	})
	t.Run("put", func(t *testing.T) {
		b.open(t, "streams/orders", "Put a record")
		b.do(t, chromedp.Click(`//button[text()="Put a record"]`), chromedp.WaitVisible(".dialog"), chromedp.Click(`.dialog button.primary`, chromedp.ByQuery))
		b.shows(t, "It is durable in shardId-")
		p.putFile(t, b)
	})
	t.Run("redrive", func(t *testing.T) { p.redrive(t, b) })
	t.Run("deliveries", func(t *testing.T) {
		b.open(t, "deliveries", "1 delivery stream", "orders-raw", "lake")
		b.open(t, "deliveries/orders-raw", "Last objects", "orders/20", "delivered")
		b.accessible(t)
		b.picture(t, "deliveries-orders-raw")
	})
	t.Run("lake", func(t *testing.T) {
		b.open(t, "lake", "1 database", "shop", "JSON")
		b.open(t, "lake/shop/orders", "2 columns", "double")
		b.do(t, chromedp.Click(`//button[text()="Sample"]`))
		b.shows(t, "o0007", "Files")
		b.do(t, chromedp.Click(`(//section[contains(.,"Files")]//td/button)[last()]`))
		b.shows(t, `"order_id"`)
		b.accessible(t)
		b.picture(t, "lake-shop-orders")
		b.open(t, "objects", "lake")
		b.open(t, "objects/lake/orders%2F", "Table shop.orders", "Make a table of this prefix")
		b.accessible(t)
	})
	t.Run("sql", func(t *testing.T) {
		b.open(t, "sql", "No result yet", "orders")
		// The editor is in a shadow root, and has the focus.
		b.do(t, until(`document.activeElement?.shadowRoot?.activeElement?.isContentEditable === true`, nil),
			input.InsertText("SELECT order_id, amount FROM orders WHERE amount >= 18 ORDER BY 1"),
			chromedp.KeyEvent("\r", chromedp.KeyModifiers(input.ModifierCtrl)))
		b.shows(t, "scanned", "o0018", "o0019")
		b.do(t, chromedp.Click(`//button[text()="Chart"]`))
		b.shows(t, "amount by order_id")
		b.do(t, chromedp.Click(`.headrow > div:nth-child(2) button`, chromedp.ByQuery))
		b.shows(t, "Most frequent", "about 3", "median")
		b.accessible(t)
		b.picture(t, "sql")
		b.do(t, chromedp.Click(`//button[text()="history"]`))
		b.shows(t, "succeeded")
		b.do(t, chromedp.Click(`//button[text()="functions"]`))
		b.shows(t, "approx_distinct")
	})
	t.Run("dashboards", func(t *testing.T) {
		b.do(t, chromedp.Click(`//button[text()="To dashboard"]`), chromedp.WaitVisible(".dialog"), fill("Its name", "shop"), fill("Title", "Best orders"), choose("Drawn as", "bar"))
		b.accessible(t)
		b.do(t, chromedp.Click(`//div[@class="dialog"]//button[text()="Add"]`))
		b.shows(t, "Best orders", "1 visual", "o0019")
		b.do(t, chromedp.Click(`//button[text()="Edit"]`), chromedp.Click(`//button[text()="Add a visual"]`), chromedp.Click(`//button[text()="Live stream"]`), fill("Title", "Live"), choose("Drawn as", "number"),
			fill("Statement", "SELECT count(*) AS orders FROM orders"), chromedp.Click(`//div[@class="dialog"]//button[text()="Add"]`))
		b.shows(t, "2 visuals", "orders")
		// A visual is moved by keys alone.
		b.do(t, chromedp.Focus(`//section[contains(.,"Live")]//button[contains(@class,"grip")]`), chromedp.KeyEvent(kb.ArrowRight), chromedp.Click(`//button[text()="Save"]`), chromedp.WaitVisible(`//button[text()="Edit"]`))
		b.accessible(t)
		b.picture(t, "dashboards-shop")
		var columns []string
		b.open(t, "dashboards/shop/full", "Best orders", "Leave full page")
		b.do(t, chromedp.Evaluate(`[...document.querySelectorAll(".widget")].map((w) => w.style.gridColumn)`, &columns))
		if len(columns) != 2 || columns[1] != "2 / span 6" {
			t.Errorf("the visuals are at %q", columns)
		}
		// A file of YAML becomes one.
		file := filepath.Join(t.TempDir(), "from-file.yaml")
		if err := os.WriteFile(file, []byte("start: -PT15M\nwidgets:\n  - type: text # a note\n    properties: {markdown: Made of YAML}\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		b.open(t, "dashboards", "New dashboard")
		b.do(t, chromedp.Click(`//button[text()="New dashboard"]`), chromedp.WaitVisible(".dialog"), chromedp.SetUploadFiles(`.dialog input[type="file"]`, []string{file}),
			until(`document.querySelector(".dialog .primary").disabled === false`, nil), chromedp.Click(`.dialog .primary`, chromedp.ByQuery))
		b.shows(t, "Made of YAML", "1 visual", "last 15m")
		p.dashboard(t, "odd", `{"widgets": [{"type": "text", "properties": {"markdown": "<img src=x onerror=alert(1)> [a](javascript:alert(1))"}}, {"type": "explorer"}, 5,
			{"type": "custom", "properties": {"title": "Bad", "endpoint": "brookmere:sql", "params": {"sql": "DROP TABLE orders", "database": "shop"}}}, {"type": "metric", "properties": {"metrics": "none"}}]}`)
		b.open(t, "dashboards/odd", "<img src=x", "is kept, and not drawn here", "does not only read", "names no metric")
		// Places are where they are on the Earth, over borders; a place alone too.
		const places = `{"widgets": [{"type": "custom", "width": 24, "height": 12, "properties": {"title": "Where", "endpoint": "brookmere:sql", "params": {"view": "map", "database": "shop",
			"sql": "SELECT * FROM (VALUES %s) AS t(name, latitude, longitude)"}}}]}`
		p.dashboard(t, "odd", fmt.Sprintf(places, "('Tokyo', 35.68, 139.69), ('Berlin', 52.52, 13.40), ('Buenos Aires', -34.60, -58.38)"))
		b.open(t, "dashboards/odd", "Tokyo", "Berlin", "Buenos Aires")
		var at map[string][]float64
		b.do(t, chromedp.WaitVisible("path.land", chromedp.ByQuery), chromedp.Evaluate(`Object.fromEntries([...document.querySelectorAll("svg.places circle")].map((c) => [c.parentElement.querySelector("title").textContent, [+c.getAttribute("cx"), +c.getAttribute("cy")]]))`, &at))
		b.picture(t, "dashboards-map")
		tokyo, berlin, south := at["Tokyo"], at["Berlin"], at["Buenos Aires"]
		if len(tokyo) != 2 || len(berlin) != 2 || len(south) != 2 {
			t.Fatalf("the places are at %v", at)
		}
		between := func(a, b, c float64) float64 { return (b - a) / (c - a) }
		if x, y := between(south[0], berlin[0], tokyo[0]), between(berlin[1], tokyo[1], south[1]); math.Abs(x-71.78/198.07) > 0.01 || math.Abs(y-16.84/87.12) > 0.01 || south[0] > tokyo[0] || berlin[1] > south[1] {
			t.Errorf("the places are at %v", at)
		}
		p.dashboard(t, "odd", fmt.Sprintf(places, "('Lisbon', 38.7, -9.1)"))
		b.open(t, "dashboards/odd", "Lisbon")
		b.do(t, chromedp.WaitVisible("path.land", chromedp.ByQuery))
		b.picture(t, "dashboards-map-one")
		p.dashboard(t, "odd", `{"widgets": []}`)
		b.open(t, "dashboards/odd", "Nothing on it yet")
		b.open(t, "dashboards", "3 dashboards")
		b.accessible(t)
		b.forgive(http.StatusNotFound) // a new name is asked for first
	})
	t.Run("saved", func(t *testing.T) {
		b.open(t, "sql", "No result yet", "orders")
		b.do(t, chromedp.Click(`//button[text()="+"]`), until(`document.activeElement?.shadowRoot?.activeElement?.textContent === "SELECT …"`, nil), input.InsertText("SELECT count(*) AS big FROM orders WHERE amount > ?"))
		b.do(t, chromedp.WaitVisible(".params input"), chromedp.Click(`//button[starts-with(text(),"Run")]`))
		b.shows(t, "give each its value")
		b.do(t, chromedp.SendKeys(".params input", "12", chromedp.ByQuery), chromedp.Click(`//button[starts-with(text(),"Run")]`))
		b.shows(t, "big", "1 row")
		b.do(t, chromedp.Click(`//button[text()="Save"]`), chromedp.WaitVisible(".dialog"), fill("Name", "big_orders"), chromedp.Click(`//div[@class="dialog"]//button[text()="Save"]`))
		b.shows(t, "big_orders", "prepared, 1 parameters")
		b.do(t, chromedp.Click(`//button[text()="Save"]`), chromedp.WaitVisible(".dialog"), fill("Name", "Big ones"), choose("As", "named"), chromedp.Click(`//div[@class="dialog"]//button[text()="Save"]`))
		b.shows(t, "Big ones")
		b.accessible(t)
	})
	t.Run("generator", func(t *testing.T) {
		b.open(t, "generator", "None runs", "stream orders")
		b.do(t, chromedp.Click(`//button[text()="Preview"]`))
		b.shows(t, "5 records", "sensorId")
		b.do(t, fill("Template of the Kinesis Data Generator", `{"order_id": "{{no.such}}"}`), chromedp.Click(`//button[text()="Start"]`))
		b.shows(t, `there is no module "no"`)
		b.forgive(http.StatusBadRequest)
		b.do(t, fill("Template of the Kinesis Data Generator", `{"order_id": "made{{random.number({"min":100,"max":999})}}", "amount": 1}`), fill("Records a second", "100"), chromedp.Click(`//button[text()="Start"]`))
		b.shows(t, "1 generator", "running")
		b.do(t, until(`Number([...document.querySelectorAll("td.n")].map((e) => e.textContent)[0]) > 0`, nil))
		b.accessible(t)
		b.picture(t, "generator")
		b.do(t, chromedp.Click(`//button[text()="Stop"]`))
		b.shows(t, "0 generators", "stopped")
		b.open(t, "streams/orders", "made")
	})
	t.Run("Parquet and plans", func(t *testing.T) {
		b.open(t, "sql", "functions")
		b.do(t, chromedp.Click(`//button[text()="+"]`), until(`document.activeElement?.shadowRoot?.activeElement?.textContent === "SELECT …"`, nil),
			input.InsertText("SELECT order_id, amount FROM orders WHERE amount BETWEEN 18 AND 19"), chromedp.Click(`//button[starts-with(text(),"Run")]`))
		b.shows(t, "o0018", "2 rows")
		p.parquet(t, b)
	})
	t.Run("a statement that fails", func(t *testing.T) {
		b.open(t, "sql", "functions")
		b.do(t, chromedp.Click(`//button[text()="+"]`), until(`document.activeElement?.shadowRoot?.activeElement?.textContent === "SELECT …"`, nil),
			input.InsertText("SELECT nothing FROM orders"), chromedp.Click(`//button[starts-with(text(),"Run")]`))
		b.shows(t, "COLUMN_NOT_FOUND")
	})
	t.Run("tables", func(t *testing.T) {
		b.open(t, "tables", "1 table", "customers")
		b.open(t, "tables/customers", "c1", "Lisbon", "What changes in the table from now on")
		b.do(t, chromedp.Click(`.grid .row[aria-rowindex="2"]`, chromedp.ByQuery), chromedp.Click(`//button[text()="Edit"]`), chromedp.WaitVisible(".dialog textarea"),
			chromedp.Evaluate(`document.querySelector(".dialog textarea").select()`, nil), input.InsertText(`{"id": "c2", "city": "Porto"}`), chromedp.Click(`//button[text()="Save"]`))
		b.shows(t, "Porto", "2 items", "insert")
		b.do(t, until(`document.querySelector("section table")?.innerText.includes("Porto")`, nil))
		b.do(t, chromedp.SendKeys(`input[aria-label="Filter"]`, "city ~ Por\r", chromedp.ByQuery))
		b.shows(t, "1 item")
		b.do(t, chromedp.SendKeys(`input[aria-label="id"]`, "SELECT city FROM customers WHERE id = 'c1'\r", chromedp.ByQuery))
		b.do(t, until(`document.querySelector(".grid").innerText.includes("Lisbon") && !document.querySelector(".grid").innerText.includes("Porto")`, nil))
		b.accessible(t)
		b.picture(t, "tables-customers")
	})
	t.Run("functions", func(t *testing.T) {
		b.open(t, "functions", "No functions yet", "aws lambda create-function")
		p.deploy(t, b)
	})
	b.clean(t)
}

// TestSignIn signs in to a node that verifies signatures: the browser's are right for every
// protocol that its pages speak. A wrong key is refused in the node's words.
func TestSignIn(t *testing.T) {
	needsConsole(t)
	config := filepath.Join(t.TempDir(), "node.yaml")
	if err := os.WriteFile(config, []byte("account: \"123456789012\"\ncredentials:\n  - access_key_id: AKIDCONSOLE\n    secret_access_key: a/long+secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	n := nodetest.Start(t, nodetest.Options{Data: ":memory:", Args: []string{"--config", config}})
	b := openBrowser(t, n.URL)
	sign := func(secret string) {
		t.Helper()
		b.do(t, chromedp.WaitVisible(".signin"),
			chromedp.Evaluate(`document.querySelector("input[type=password]").select()`, nil), input.InsertText(secret), chromedp.Click(".signin button.primary"))
	}
	b.open(t, "", "Sign in to this node")
	b.do(t, chromedp.Focus(".signin input[autocomplete=username]"), input.InsertText("AKIDCONSOLE"))
	b.accessible(t)
	b.picture(t, "signin")
	sign("wrong")
	b.shows(t, "SignatureDoesNotMatch")
	b.forgive(http.StatusForbidden)
	sign("a/long+secret")
	b.shows(t, "Nothing flows here yet", "123456789012")
	var denied bool
	b.do(t, chromedp.Evaluate(`document.querySelector(".notice") !== null`, &denied))
	if denied {
		t.Error("a service refused the page")
	}
	b.open(t, "sql", "No result yet")
	b.do(t, until(`document.activeElement?.shadowRoot?.activeElement?.isContentEditable === true`, nil), input.InsertText("SELECT 6 * 7 AS answer"),
		chromedp.Click(`//button[starts-with(text(),"Run")]`))
	b.shows(t, "1 row", "42")
	b.clean(t)
	// A page whose keys are good no more says so, and leads to others.
	b.do(t, chromedp.Evaluate(`sessionStorage.setItem("brookmere.keys", JSON.stringify({id: "AKIDGONE", secret: "s"}))`, nil))
	b.open(t, "streams", "These keys are good no more")
	b.do(t, chromedp.Click(`//button[text()="Sign in again"]`))
	b.shows(t, "Sign in to this node")
}

// pipeline is what the node of the test has: a stream of orders, delivered into a table of the
// lake.
type pipeline struct {
	cfg     aws.Config
	kinesis *kinesis.Client
}

func newPipeline(t *testing.T, n *nodetest.Node) *pipeline {
	t.Helper()
	ctx, cfg := t.Context(), n.AWS()
	must := func(what string, err error) {
		t.Helper()
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
	}
	p := &pipeline{cfg: cfg, kinesis: kinesis.NewFromConfig(cfg)}
	_, err := p.kinesis.CreateStream(ctx, &kinesis.CreateStreamInput{StreamName: aws.String("orders"), ShardCount: aws.Int32(2)})
	must("create the stream", err)
	stream, err := p.kinesis.DescribeStreamSummary(ctx, &kinesis.DescribeStreamSummaryInput{StreamName: aws.String("orders")})
	must("describe the stream", err)
	objects := s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = true })
	_, err = objects.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: aws.String("lake")})
	must("create the bucket", err)
	catalog := glue.NewFromConfig(cfg)
	_, err = catalog.CreateDatabase(ctx, &glue.CreateDatabaseInput{DatabaseInput: &gluetypes.DatabaseInput{Name: aws.String("shop")}})
	must("create the database", err)
	_, err = catalog.CreateTable(ctx, &glue.CreateTableInput{DatabaseName: aws.String("shop"), TableInput: &gluetypes.TableInput{
		Name: aws.String("orders"), TableType: aws.String("EXTERNAL_TABLE"),
		StorageDescriptor: &gluetypes.StorageDescriptor{
			Location: aws.String("s3://lake/orders/"), InputFormat: aws.String("org.apache.hadoop.mapred.TextInputFormat"),
			OutputFormat: aws.String("org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat"),
			SerdeInfo:    &gluetypes.SerDeInfo{SerializationLibrary: aws.String("org.openx.data.jsonserde.JsonSerDe")},
			Columns: []gluetypes.Column{
				{Name: aws.String("order_id"), Type: aws.String("string")}, {Name: aws.String("amount"), Type: aws.String("double")},
			},
		},
	}})
	must("create the table", err)
	role := aws.String("arn:aws:iam::000000000000:role/delivery")
	_, err = firehose.NewFromConfig(cfg).CreateDeliveryStream(ctx, &firehose.CreateDeliveryStreamInput{
		DeliveryStreamName: aws.String("orders-raw"), DeliveryStreamType: firehosetypes.DeliveryStreamTypeKinesisStreamAsSource,
		KinesisStreamSourceConfiguration: &firehosetypes.KinesisStreamSourceConfiguration{KinesisStreamARN: stream.StreamDescriptionSummary.StreamARN, RoleARN: role},
		ExtendedS3DestinationConfiguration: &firehosetypes.ExtendedS3DestinationConfiguration{
			BucketARN: aws.String("arn:aws:s3:::lake"), RoleARN: role, Prefix: aws.String("orders/"), ErrorOutputPrefix: aws.String("errors/"),
			BufferingHints: &firehosetypes.BufferingHints{IntervalInSeconds: aws.Int32(1), SizeInMBs: aws.Int32(1)},
			ProcessingConfiguration: &firehosetypes.ProcessingConfiguration{Enabled: aws.Bool(true), Processors: []firehosetypes.Processor{{
				Type: firehosetypes.ProcessorTypeAppendDelimiterToRecord,
			}}},
		},
	})
	must("create the delivery stream", err)
	items := dynamodb.NewFromConfig(cfg)
	_, err = items.CreateTable(ctx, &dynamodb.CreateTableInput{
		TableName: aws.String("customers"), BillingMode: dynamodbtypes.BillingModePayPerRequest,
		StreamSpecification:  &dynamodbtypes.StreamSpecification{StreamEnabled: aws.Bool(true), StreamViewType: dynamodbtypes.StreamViewTypeNewAndOldImages},
		KeySchema:            []dynamodbtypes.KeySchemaElement{{AttributeName: aws.String("id"), KeyType: dynamodbtypes.KeyTypeHash}},
		AttributeDefinitions: []dynamodbtypes.AttributeDefinition{{AttributeName: aws.String("id"), AttributeType: dynamodbtypes.ScalarAttributeTypeS}},
	})
	must("create the table of items", err)
	_, err = items.PutItem(ctx, &dynamodb.PutItemInput{TableName: aws.String("customers"), Item: map[string]dynamodbtypes.AttributeValue{
		"id": &dynamodbtypes.AttributeValueMemberS{Value: "c1"}, "city": &dynamodbtypes.AttributeValueMemberS{Value: "Lisbon"},
	}})
	must("put the item", err)
	var entries []kinesistypes.PutRecordsRequestEntry
	for i := range 20 {
		id := fmt.Sprintf("o%04d", i)
		entries = append(entries, kinesistypes.PutRecordsRequestEntry{PartitionKey: aws.String(id), Data: fmt.Appendf(nil, `{"order_id": %q, "amount": %d}`, id, i)})
	}
	_, err = p.kinesis.PutRecords(ctx, &kinesis.PutRecordsInput{StreamName: aws.String("orders"), Records: entries})
	must("put the orders", err)
	return p
}

// fill is what a user types into a field, in place of what is there.
func fill(label, text string) chromedp.Action {
	return chromedp.ActionFunc(func(ctx context.Context) error {
		field := fmt.Sprintf(`//label[starts-with(normalize-space(.),%q)]//*[self::input or self::textarea]`, label)
		return chromedp.Run(ctx, chromedp.WaitVisible(field), chromedp.Focus(field), chromedp.Evaluate(`document.activeElement.select()`, nil), input.InsertText(text))
	})
}

// choose takes an option of a list.
func choose(label, value string) chromedp.Action {
	return chromedp.Evaluate(fmt.Sprintf(`{const s = [...document.querySelectorAll("label")].find((l) => l.textContent.startsWith(%q)).querySelector("select"); s.value = %q; s.dispatchEvent(new Event("change", {bubbles: true}))}`, label, value), nil)
}

// dashboard puts a dashboard.
func (p *pipeline) dashboard(t *testing.T, name, body string) {
	t.Helper()
	if _, err := cloudwatch.NewFromConfig(p.cfg).PutDashboard(t.Context(), &cloudwatch.PutDashboardInput{DashboardName: &name, DashboardBody: &body}); err != nil {
		t.Fatal(err)
	}
}

func (p *pipeline) put(t *testing.T, key, data string) {
	t.Helper()
	_, err := p.kinesis.PutRecord(t.Context(), &kinesis.PutRecordInput{StreamName: aws.String("orders"), PartitionKey: &key, Data: []byte(data)})
	if err != nil {
		t.Fatal(err)
	}
}
