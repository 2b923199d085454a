package crash

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	resttypes "github.com/aws/aws-sdk-go-v2/service/apigateway/types"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"

	"github.com/brookmere/brookmere/test/nodetest"
)

// restAPI makes an API whose POST /orders puts a record by a template, and returns its path.
func restAPI(t *testing.T, n *nodetest.Node) string {
	t.Helper()
	ctx := t.Context()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	c := apigateway.NewFromConfig(n.AWS())
	api, err := c.CreateRestApi(ctx, &apigateway.CreateRestApiInput{Name: aws.String("orders")})
	must(err)
	r, err := c.CreateResource(ctx, &apigateway.CreateResourceInput{RestApiId: api.Id, ParentId: api.RootResourceId, PathPart: aws.String("orders")})
	must(err)
	_, err = c.PutMethod(ctx, &apigateway.PutMethodInput{RestApiId: api.Id, ResourceId: r.Id, HttpMethod: aws.String("POST"), AuthorizationType: aws.String("NONE")})
	must(err)
	_, err = c.PutMethodResponse(ctx, &apigateway.PutMethodResponseInput{RestApiId: api.Id, ResourceId: r.Id, HttpMethod: aws.String("POST"), StatusCode: aws.String("200")})
	must(err)
	_, err = c.PutIntegration(ctx, &apigateway.PutIntegrationInput{
		RestApiId: api.Id, ResourceId: r.Id, HttpMethod: aws.String("POST"), IntegrationHttpMethod: aws.String("POST"), Type: resttypes.IntegrationTypeAws,
		Uri: aws.String("arn:aws:apigateway:us-east-1:kinesis:action/PutRecord"), Credentials: aws.String("arn:aws:iam::000000000000:role/api"),
		RequestTemplates: map[string]string{"application/json": `#set($in = $input.path('$')){"StreamName":"` + crashStream + `","PartitionKey":"$in.key","Data":"$in.data"}`},
	})
	must(err)
	_, err = c.PutIntegrationResponse(ctx, &apigateway.PutIntegrationResponseInput{RestApiId: api.Id, ResourceId: r.Id, HttpMethod: aws.String("POST"), StatusCode: aws.String("200"), SelectionPattern: aws.String("200")})
	must(err)
	_, err = c.PutMethodResponse(ctx, &apigateway.PutMethodResponseInput{RestApiId: api.Id, ResourceId: r.Id, HttpMethod: aws.String("POST"), StatusCode: aws.String("500")})
	must(err)
	_, err = c.PutIntegrationResponse(ctx, &apigateway.PutIntegrationResponseInput{RestApiId: api.Id, ResourceId: r.Id, HttpMethod: aws.String("POST"), StatusCode: aws.String("500")})
	must(err) // the default: what is not known to have been put is no 200
	_, err = c.CreateDeployment(ctx, &apigateway.CreateDeploymentInput{RestApiId: api.Id, StageName: aws.String("v1")})
	must(err)
	return "/_aws/execute-api/" + *api.Id + "/v1/orders"
}

// TestRestKeepsWhatItAnswered: whatever POST was answered with 200 is in the stream, however often the node was killed.
func TestRestKeepsWhatItAnswered(t *testing.T) {
	if *rounds == 20 { // unless somebody asks for another number
		*rounds = 2
		defer func() { *rounds = 20 }()
	}
	const writers = 8
	var (
		mu    sync.Mutex
		acked = map[string]bool{}
		next  [writers]int
		path  string
	)
	client := func(n *nodetest.Node) *kinesis.Client {
		return kinesis.NewFromConfig(n.AWS(), func(o *kinesis.Options) { o.RetryMaxAttempts = 1 })
	}
	post := func(ctx context.Context, c *http.Client, n *nodetest.Node, key, data string) bool {
		body := fmt.Sprintf(`{"key":%q,"data":%q}`, key, base64.StdEncoding.EncodeToString([]byte(data)))
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, n.URL+path, strings.NewReader(body))
		if err != nil {
			t.Error(err)
			return false
		}
		r.Header.Set("Content-Type", "application/json")
		resp, err := c.Do(r)
		if err != nil {
			return false
		}
		defer resp.Body.Close()
		_, _ = io.Copy(io.Discard, resp.Body)
		return resp.StatusCode == http.StatusOK
	}
	n := underFire(t, func(n *nodetest.Node) {
		if _, err := client(n).CreateStream(t.Context(), &kinesis.CreateStreamInput{StreamName: aws.String(crashStream), ShardCount: aws.Int32(1)}); err != nil {
			t.Fatal(err)
		}
		path = restAPI(t, n)
		c := &http.Client{Timeout: time.Minute}
		if !post(t.Context(), c, n, "0", "first") {
			t.Fatal("the API does not answer with 200")
		}
		acked["first"] = true
	}, func(ctx context.Context, n *nodetest.Node) {
		c := &http.Client{Timeout: time.Minute, Transport: &http.Transport{MaxIdleConnsPerHost: writers}}
		defer c.CloseIdleConnections()
		var wg sync.WaitGroup
		for w := range writers {
			wg.Go(func() {
				for ctx.Err() == nil {
					data := fmt.Sprintf("%d %08d", w, next[w])
					next[w]++
					if post(ctx, c, n, fmt.Sprint(w), data) {
						mu.Lock()
						acked[data] = true
						mu.Unlock()
					}
				}
			})
		}
		wg.Wait()
	})
	c := client(n)
	it, err := c.GetShardIterator(t.Context(), &kinesis.GetShardIteratorInput{StreamName: aws.String(crashStream), ShardId: aws.String("shardId-000000000000"), ShardIteratorType: "TRIM_HORIZON"})
	if err != nil {
		t.Fatal(err)
	}
	answered := len(acked)
	for iterator := it.ShardIterator; len(acked) > 0; {
		out, err := c.GetRecords(t.Context(), &kinesis.GetRecordsInput{ShardIterator: iterator}, reading)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range out.Records {
			delete(acked, string(r.Data))
		}
		if iterator = out.NextShardIterator; len(out.Records) == 0 && aws.ToInt64(out.MillisBehindLatest) == 0 {
			break
		}
	}
	if len(acked) > 0 {
		t.Errorf("%d of %d orders that were answered with 200 are not in the stream", len(acked), answered)
	}
	t.Logf("%d orders were answered with 200", answered)
}
