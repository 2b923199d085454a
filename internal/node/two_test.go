package node

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/broker"
	"github.com/brookmere/brookmere/internal/engine/state"
)

// turns are calls by service, each to the node that did not answer the one before, in JSON by
// the members of the model. $NAME stands for what an earlier answer had at the last word's path.
var turns = map[string][]string{
	"kinesis": {
		`CreateStream {"StreamName":"s","ShardCount":2}`,
		`DescribeStreamSummary {"StreamName":"s"}`,
		`PutRecord {"StreamName":"s","Data":"YQ==","PartitionKey":"k"}`,
		`SplitShard {"StreamName":"s","ShardToSplit":"shardId-000000000000","NewStartingHashKey":"85070591730234615865843651857942052863"}`,
		`PutRecord {"StreamName":"s","Data":"Yg==","PartitionKey":"k"}`,
		`PutRecord {"StreamName":"s","Data":"Yw==","PartitionKey":"k"}`,
		`IncreaseStreamRetentionPeriod {"StreamName":"s","RetentionPeriodHours":48}`,
		`DeleteStream {"StreamName":"s"}`,
		`DescribeStreamSummary {"StreamName":"s"} ResourceNotFoundException`,
	},
	"glue": {
		`CreateDatabase {"DatabaseInput":{"Name":"d"}}`,
		`CreateTable {"DatabaseName":"d","TableInput":{"Name":"t","StorageDescriptor":{"Location":"s3://b/t/"}}}`,
		`GetTable {"DatabaseName":"d","Name":"t"}`,
		`DeleteDatabase {"Name":"d"}`,
		`GetTable {"DatabaseName":"d","Name":"t"} EntityNotFoundException`,
	},
	"firehose": {
		`CreateDeliveryStream {"DeliveryStreamName":"f","ExtendedS3DestinationConfiguration":{"BucketARN":"arn:aws:s3:::nobody","RoleARN":"arn:aws:iam::000000000000:role/r"}}`,
		`PutRecord {"DeliveryStreamName":"f","Record":{"Data":"YQ=="}}`,
		`PutRecord {"DeliveryStreamName":"f","Record":{"Data":"YQ=="}}`,
		`TagDeliveryStream {"DeliveryStreamName":"f","Tags":[{"Key":"k","Value":"v"}]}`,
		`DescribeDeliveryStream {"DeliveryStreamName":"f"}`,
		`DeleteDeliveryStream {"DeliveryStreamName":"f"}`,
		`DescribeDeliveryStream {"DeliveryStreamName":"f"} ResourceNotFoundException`,
	},
	"athena": {
		`CreateWorkGroup {"Name":"w"}`,
		`GetWorkGroup {"WorkGroup":"w"}`,
		`CreateNamedQuery {"Name":"q","Database":"d","QueryString":"SELECT 1","WorkGroup":"w"} =id NamedQueryId`,
		`GetNamedQuery {"NamedQueryId":"$id"}`,
		`DeleteWorkGroup {"WorkGroup":"w","RecursiveDeleteOption":true}`,
		`GetWorkGroup {"WorkGroup":"w"} InvalidRequestException`,
	},
	"iam": {
		`CreateUser {"UserName":"u"}`,
		`GetUser {"UserName":"u"}`,
		`DeleteUser {"UserName":"u"}`,
		`GetUser {"UserName":"u"} NoSuchEntity`,
	},
	"logs": {
		`CreateLogGroup {"logGroupName":"g"}`,
		`CreateLogGroup {"logGroupName":"g"} ResourceAlreadyExistsException`,
		`DeleteLogGroup {"logGroupName":"g"}`,
		`DeleteLogGroup {"logGroupName":"g"} ResourceNotFoundException`,
	},
	"sts": {`GetCallerIdentity {}`, `GetCallerIdentity {}`},
	"cognito-identity": {
		`CreateIdentityPool {"IdentityPoolName":"p","AllowUnauthenticatedIdentities":true} =id IdentityPoolId`,
		`GetId {"IdentityPoolId":"$id"} =who IdentityId`,
		`DescribeIdentity {"IdentityId":"$who"}`,
		`DeleteIdentityPool {"IdentityPoolId":"$id"}`,
	},
	"kinesisanalytics": {
		`CreateApplication {"ApplicationName":"a"}`,
		`DescribeApplication {"ApplicationName":"a"}`,
		`CreateApplication {"ApplicationName":"a"} ResourceInUseException`,
	},
	"kinesisanalyticsv2": {
		`CreateApplication {"ApplicationName":"b","RuntimeEnvironment":"SQL-1_0","ServiceExecutionRole":"arn:aws:iam::000000000000:role/r"}`,
		`DescribeApplication {"ApplicationName":"b"}`,
		`CreateApplication {"ApplicationName":"b","RuntimeEnvironment":"SQL-1_0","ServiceExecutionRole":"arn:aws:iam::000000000000:role/r"} ResourceInUseException`,
	},
	"events": {
		`CreateEventBus {"Name":"b"}`,
		`DescribeEventBus {"Name":"b"}`,
		`PutRule {"Name":"r","EventBusName":"b","EventPattern":"{\"source\":[\"s\"]}"}`,
		`PutTargets {"Rule":"r","EventBusName":"b","Targets":[{"Id":"q","Arn":"arn:aws:sqs:us-east-1:000000000000:q"}]}`,
		`ListTargetsByRule {"Rule":"r","EventBusName":"b"}`,
		`DisableRule {"Name":"r","EventBusName":"b"}`,
		`RemoveTargets {"Rule":"r","EventBusName":"b","Ids":["q"]}`,
		`DeleteRule {"Name":"r","EventBusName":"b"}`,
		`DescribeRule {"Name":"r","EventBusName":"b"} ResourceNotFoundException`,
		`DeleteEventBus {"Name":"b"}`,
		`DescribeEventBus {"Name":"b"} ResourceNotFoundException`,
	},
	"cloudwatch": {
		`PutDashboard {"DashboardName":"d","DashboardBody":"{\"widgets\":[]}"}`,
		`GetDashboard {"DashboardName":"d"}`,
		`PutCompositeAlarm {"AlarmName":"a","AlarmRule":"FALSE"}`,
		`DeleteAlarms {"AlarmNames":["a"]}`,
		`DeleteAlarms {"AlarmNames":["a"]} ResourceNotFound`,
		`DeleteDashboards {"DashboardNames":["d"]}`,
		`GetDashboard {"DashboardName":"d"} ResourceNotFound`,
	},
	"apigateway": {
		`CreateRestApi {"name":"a"} =id id`,
		`GetRestApi {"restApiId":"$id"}`,
		`DeleteRestApi {"restApiId":"$id"}`,
		`GetRestApi {"restApiId":"$id"} NotFoundException`,
	},
	"apigatewayv2": {
		`CreateApi {"Name":"a","ProtocolType":"HTTP"} =id ApiId`,
		`GetApi {"ApiId":"$id"}`,
		`CreateStage {"ApiId":"$id","StageName":"s"}`,
		`GetStage {"ApiId":"$id","StageName":"s"}`,
		`DeleteApi {"ApiId":"$id"}`,
		`GetApi {"ApiId":"$id"} NotFoundException`,
	},
}

// apart are the services whose data is of one node, and why: docs/ARCHITECTURE.md has them too.
var apart = map[string]string{
	"dynamodb":        "items are in the node's own store",
	"dynamodbstreams": "changes of items are in the node's own store",
	"sns":             "messages on their way are in the node's own store",
	"sqs":             "messages of queues are in the node's own store",
	"kms":             "what keys hold is sealed by the node's own key",
	"lambda":          "packages and processes of functions are of the node's machine",
}

// TestTwoOfEvery opens two nodes on one broker and calls each of their services by turns: what one
// has made, changed or removed, the other sees.
func TestTwoOfEvery(t *testing.T) {
	b, err := broker.Start(broker.Options{Dir: filepath.Join(t.TempDir(), "log"), NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	marks, err := state.Open(t.Context(), b, state.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer marks.Close()
	var nodes [2]*Node
	for i := range nodes {
		cfg := DefaultConfig()
		cfg.Data, cfg.Listen = InMemory, "127.0.0.1:0"
		if nodes[i], err = start(t.Context(), cfg, slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn})).With("node", i), b); err != nil {
			t.Fatal(err)
		}
		defer stopNode(t, nodes[i])
	}
	ctx := awswire.WithCaller(t.Context(), awswire.Caller{Account: awswire.DefaultAccount, Region: awswire.DefaultRegion})
	for i, e := range catalog {
		model := e.zero.API().Model
		t.Run(model, func(t *testing.T) {
			steps, why := turns[model], apart[model]
			switch {
			case why != "":
				t.Skip(why)
			case steps == nil:
				t.Fatal("a service without calls: add some to turns, or to apart why not")
			}
			saved := map[string]string{}
			for n, step := range steps {
				settle(t, marks, nodes[:], fmt.Sprint(model, n))
				operation, input, want, save := taken(step)
				for name, value := range saved {
					input = strings.ReplaceAll(input, "$"+name, value)
				}
				status, answer := nodes[n%2].stack.apis[i].Direct(ctx, operation, []byte(input))
				if failed := status >= 400; failed != (want != "") || !strings.Contains(string(answer), want) {
					t.Fatalf("%s at node %d: %d %s", operation, n%2, status, answer)
				}
				if save != nil {
					var v map[string]any
					if err := json.Unmarshal(answer, &v); err != nil {
						t.Fatal(err)
					}
					saved[save[0]] = fmt.Sprint(v[save[1]])
				}
			}
		})
	}
}

// taken takes a step of turns apart.
func taken(step string) (operation, input, want string, save []string) {
	operation, rest, _ := strings.Cut(step, " ")
	at := strings.LastIndexByte(rest, '}') + 1
	input = rest[:at]
	after := strings.Fields(rest[at:])
	if len(after) == 2 {
		return operation, input, "", []string{strings.TrimPrefix(after[0], "="), after[1]}
	}
	return operation, input, strings.Join(after, ""), nil
}

// settle returns when both nodes have seen what has been written to documents.
func settle(t *testing.T, marks *state.Store, nodes []*Node, mark string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	seen := make(chan int, 2*len(nodes))
	for i, n := range nodes {
		err := n.stack.documents.Watch(ctx, state.Key{"test.mark"}, func(e state.Event) {
			if string(e.Value) == mark {
				seen <- i
			}
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	// Written by a third, so that it comes to both behind what each has written.
	if _, err := marks.Put(ctx, state.Key{"test.mark"}, []byte(mark)); err != nil {
		t.Fatal(err)
	}
	var by []int
	for len(by) < len(nodes) {
		select {
		case i := <-seen:
			if !slices.Contains(by, i) {
				by = append(by, i)
			}
		case <-ctx.Done():
			t.Fatal("a node does not see what has been written")
		}
	}
}
