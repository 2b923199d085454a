package node

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/brookmere/brookmere/internal/awskit/arn"
	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/function"
	"github.com/brookmere/brookmere/internal/engine/policy"
	"github.com/brookmere/brookmere/internal/server"
	"github.com/brookmere/brookmere/internal/service/glue"
	"github.com/brookmere/brookmere/internal/service/lambda"
)

// Functions limits what functions may use of the machine. Zero takes the default.
type Functions struct {
	Instances int  `yaml:"instances" default:"64" doc:"limit of function processes at the same time"`
	Outgoing  bool `yaml:"outgoing" doc:"let functions connect to other addresses than this node"`
}

// Jobs limits what script jobs may use of the machine. Zero takes the default.
type Jobs struct {
	Runs       int `yaml:"runs" default:"4" doc:"runs of script jobs at once; others wait"`
	MemoryMiB  int `yaml:"memory_mib" default:"3072" doc:"MiB of memory of one run, Spark included"`
	StorageMiB int `yaml:"storage_mib" default:"8192" doc:"MiB of disk of one run"`
}

// openFunctions opens the engine of functions. What functions print goes to the service,
// which is made after it.
func openFunctions(n *Node, s *services) (*function.Engine, error) {
	e, err := function.Open(function.Options{
		Dir: n.dirs.functions, Events: functionEvents{s}, Instances: n.cfg.Functions.Instances,
		Connect: []uint16{uint16(n.inner.Addr().(*net.TCPAddr).Port)}, Outgoing: n.cfg.Functions.Outgoing,
		Tasks: n.cfg.Jobs.Runs, Serve: func(l net.Listener) error { return n.functions.Serve(l) },
	})
	if err != nil {
		return nil, err
	}
	holds, missing := e.Layers()
	n.log.Info("functions are held by", "layers", holds)
	for _, m := range missing {
		n.log.Warn("functions are not held everywhere on this machine", "missing", m)
	}
	return e, nil
}

type functionEvents struct{ s *services }

func (e functionEvents) Log(f *function.Function, instance string, lines []function.Line) {
	if e.s.lambda != nil {
		e.s.lambda.Log(f, instance, lines)
	}
}

func (e functionEvents) Note(message string) {
	if e.s.lambda != nil {
		e.s.lambda.Note(message)
	}
}

func makeLambda(s *services, p parts) (_ service, err error) {
	s.lambda, err = lambda.New(lambda.Config{
		State: p.state, Log: p.log, Engine: p.functions, Meter: p.meter, S3: p.objects, Kinesis: askedKinesis{s.kinesis, p.node.reach}, FanOut: askedKinesis{s.kinesis, p.node.reach}, DynamoDB: askedChanges{s.dynamodb.Streams(), p.node.reach},
		SQS:         askedQueues{s.sqs, p.node.decide},
		Credentials: functionCredentials(s, p), Endpoint: p.node.URL, Inside: func() string { return "http://" + p.node.inner.Addr().String() }, Assumable: p.node.assumable,
		MayCallURL: mayCallURL(p.node.decide),
		Owner:      p.owner, Clock: p.clock, Logger: p.logger,
	})
	return s.lambda, err
}

// mayCallURL decides whether a function may be called by its URL: that needs the permission for the URL, and that for
// the function, which may be for calls by the URL alone.
func mayCallURL(decide func(ctx context.Context, action, arn string, keys policy.Keys) error) func(ctx context.Context, function, authType string) error {
	return func(ctx context.Context, function, authType string) error {
		only := func(name, value string) policy.Keys {
			return func(key string) []string {
				if key == name {
					return []string{value}
				}
				return nil
			}
		}
		if err := decide(ctx, "lambda:InvokeFunctionUrl", function, only("lambda:functionurlauthtype", authType)); err != nil {
			return err
		}
		return decide(ctx, "lambda:InvokeFunction", function, only("lambda:invokedviafunctionurl", "true"))
	}
}

// functionSessions is how long credentials of a function's role are good for: longer than a
// process is kept that has been given them.
const functionSessions = 12 * time.Hour

// functionCredentials are temporary credentials of a function's role, as the service gets
// them: for a session that is called as the function is.
func functionCredentials(s *services, p parts) lambda.Credentials {
	of := roleCredentials(s, p)
	return func(ctx context.Context, account, role, session string) (string, string, string, error) {
		return of(ctx, account, role, session, functionSessions) // whether Lambda may assume it was asked when it was given
	}
}

// jobCredentials are temporary credentials of the role of a job, which has to trust Glue where policies count.
func jobCredentials(s *services, p parts) glue.JobCredentials {
	of := roleCredentials(s, p)
	return func(ctx context.Context, account, role, session string, lasts time.Duration) (string, string, string, error) {
		if err := p.node.assumable(ctx); err != nil {
			return "", "", "", err
		}
		return of(ctx, account, role, session, lasts)
	}
}

// roleCredentials are temporary credentials of a role, for a session that lasts so long. Where policies count, the role
// must be there.
func roleCredentials(s *services, p parts) glue.JobCredentials {
	return func(ctx context.Context, account, role, session string, lasts time.Duration) (string, string, string, error) {
		a, ok := arn.Parse(role)
		path, isRole := a.After("role/")
		if !ok || !isRole || a.Account != account {
			return "", "", "", fmt.Errorf("%q is not a role of the account %s", role, account)
		}
		name := path[strings.LastIndexByte(path, '/')+1:]
		now := p.clock.Now().UTC().Truncate(time.Second)
		claims := &awswire.Session{
			Kind: awswire.RoleSession, Account: account, Principal: "arn:" + a.Partition + ":sts::" + account + ":assumed-role/" + name + "/" + session,
			Source: role, Issued: now, Expires: now.Add(lasts),
		}
		found, err := s.iam.Role(ctx, account, name)
		if err != nil {
			return "", "", "", fmt.Errorf("role %s: %w", role, err)
		}
		if found != nil && strings.HasSuffix(found.ARN, ":"+a.Resource) { // with another path it is another role
			claims.Source, claims.ID = found.ARN, found.ID+":"+session
		}
		key, secret, token := p.node.issuer.Issue(claims)
		return key, secret, token, nil
	}
}

// newFunctionServer makes the door that functions of this node come in by, of the options of the
// node's own: functions are guests, and do not reset the node, read its metrics or take other
// functions' invocations. It is in clear text, for it is on loopback alone.
func newFunctionServer(o server.Options) *server.Server {
	o.TLS, o.Proxy, o.Registerer, o.Console, o.Owner = nil, nil, prometheus.NewRegistry(), nil, nil
	o.Node = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "functions do not reach the node's own endpoints", http.StatusForbidden)
	})
	return server.New(o)
}
