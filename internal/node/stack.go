package node

import (
	"context"
	"errors"
	"fmt"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/awswire/model"
	"github.com/brookmere/brookmere/internal/engine/broker"
	"github.com/brookmere/brookmere/internal/engine/delivery"
	"github.com/brookmere/brookmere/internal/engine/lakesql"
	"github.com/brookmere/brookmere/internal/engine/shardlog"
	"github.com/brookmere/brookmere/internal/engine/state"
	"github.com/brookmere/brookmere/internal/service/athena"
	"github.com/brookmere/brookmere/internal/service/firehose"
	"github.com/brookmere/brookmere/internal/service/glue"
	"github.com/brookmere/brookmere/internal/service/kinesis"
	"github.com/brookmere/brookmere/internal/service/sts"
)

// stack is everything between the listener and the disk but the objects. A reset
// closes one and opens another on an empty log.
type stack struct {
	// ctx ends when the stack is about to close: requests that wait on it end.
	ctx    context.Context
	cancel context.CancelFunc

	registry *prometheus.Registry
	apis     []api
	firehose *firehose.Service
	state    *state.Store
	closers  []func(context.Context) error // in the order of opening
}

// api is one service behind awswire's handler.
type api struct {
	name    string
	model   *model.Service
	handler *awswire.Handler
}

// maxBody is the limit of a request's body for the services that take records: 10 MiB of
// them at Kinesis and 4 MiB at Firehose, in base64, with their keys and the JSON around
// them, and as much again, so that it is the service that says which limit was passed. The
// others have awswire's default.
var maxBody = map[string]int64{"kinesis": 20 << 20, "firehose": 12 << 20}

// operator is a service as awswire binds it.
type operator interface{ Operations() []awswire.Operation }

// openStack opens the engines, then the services from the log upwards.
func openStack(ctx context.Context, n *Node) (_ *stack, err error) {
	s := &stack{registry: prometheus.NewRegistry()}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close(context.Background()))
		}
	}()

	b, err := broker.Start(broker.Options{Dir: n.dirs.log, NoSync: n.dirs.temporary, Logf: n.logBroker})
	if err != nil {
		return nil, fmt.Errorf("start the log: %w", err)
	}
	s.onClose(func(context.Context) error { return b.Close() })
	documents, err := state.Open(ctx, b, state.Options{})
	if err != nil {
		return nil, fmt.Errorf("open state: %w", err)
	}
	s.state = documents
	s.onClose(func(context.Context) error { return documents.Close() })
	shards, err := shardlog.Open(ctx, b, shardlog.Options{})
	if err != nil {
		return nil, fmt.Errorf("open the log: %w", err)
	}
	s.onClose(func(context.Context) error { return shards.Close() })
	queries, err := openQueries(lakesql.Options{
		Dir:           n.dirs.objects,
		TempDir:       n.dirs.temp("query"),
		MemoryLimit:   fmt.Sprintf("%dMiB", orDefault(n.cfg.Query.MemoryMiB, 1024)),
		Threads:       n.cfg.Query.Threads,
		MaxConcurrent: orDefault(n.cfg.Query.Concurrent, 8),
	})
	if err != nil {
		return nil, fmt.Errorf("open the query engine: %w", err)
	}
	s.onClose(func(context.Context) error { return queries.Close() })

	objects := n.objects.Client()
	streams, err := kinesis.New(kinesis.Config{
		State: documents, Log: shards, Logger: n.log.With("service", "kinesis"), Registerer: s.registry,
		EnforceLimits: n.cfg.Limits == "enforce", ControlDelay: n.cfg.ControlDelay,
	})
	if err := s.start(ctx, "kinesis", streams, err); err != nil {
		return nil, err
	}
	catalog, err := glue.New(glue.Config{
		State: documents, Objects: objects, Logger: n.log.With("service", "glue"), Registerer: s.registry,
	})
	if err := s.start(ctx, "glue", catalog, err); err != nil {
		return nil, err
	}
	compaction, err := n.cfg.Delivery.compaction()
	if err != nil {
		return nil, err
	}
	s.firehose, err = firehose.New(firehose.Config{
		State: documents, Log: shards, S3: objects, Glue: catalog, Kinesis: streams, EnforceLimits: n.cfg.Limits == "enforce", TempDir: n.dirs.temp("delivery"),
		Budget: &delivery.Budget{Limit: int64(orDefault(n.cfg.Delivery.MemoryMiB, 64)) << 20},
		Lake:   lake{n.objects, n.objects}, Compaction: compaction,
		Logger: n.log.With("service", "firehose"), Registerer: s.registry,
	})
	if err := s.start(ctx, "firehose", s.firehose, err); err != nil {
		return nil, err
	}
	sql, err := athena.New(athena.Config{
		State: documents, Glue: catalog, Objects: objects, Engine: &politeEngine{Engine: queries}, Files: objectFiles{s3: n.objects, access: n.objects, list: n.objects}, TempDir: n.dirs.tmp,
		Logger: n.log.With("service", "athena"), Registerer: s.registry,
	})
	if err := s.start(ctx, "athena", sql, err); err != nil {
		return nil, err
	}
	identity, err := sts.New(sts.Config{Issuer: n.issuer, AnyAccount: n.openToAny()})
	if err := s.start(ctx, "sts", identity, err); err != nil {
		return nil, err
	}
	for _, a := range []struct {
		name string // of its model
		svc  operator
	}{{"kinesis", streams}, {"glue", catalog}, {"firehose", s.firehose}, {"athena", sql}, {"sts", identity}} {
		if err := s.serve(n, a.name, a.svc); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func (s *stack) onClose(f func(context.Context) error) { s.closers = append(s.closers, f) }

// start starts a service that New returned with err, and closes it with the stack.
func (s *stack) start(ctx context.Context, name string, svc any, err error) error {
	if err != nil {
		return fmt.Errorf("make %s: %w", name, err)
	}
	if c, ok := svc.(interface{ Close(context.Context) error }); ok {
		s.onClose(c.Close)
	}
	// What cannot be read, or a newer version wrote, is told before anything goes by it.
	if err := s.state.Check(); err != nil {
		return fmt.Errorf("start %s: damaged state: %w", name, err)
	}
	if st, ok := svc.(interface{ Start(context.Context) error }); ok {
		if err := st.Start(ctx); err != nil {
			return fmt.Errorf("start %s: %w", name, err)
		}
	}
	return nil
}

// serve puts a service behind the wire protocols.
func (s *stack) serve(n *Node, name string, svc operator) error {
	m, err := model.Load(name)
	if err != nil {
		return fmt.Errorf("serve %s: %w", name, err)
	}
	h, err := awswire.NewHandler(m, svc.Operations(), awswire.HandlerOptions{
		MaxBody: maxBody[name],
		OnInternalError: func(ctx context.Context, operation string, err error) {
			n.log.Error("internal failure", "service", name, "operation", operation,
				"request", awswire.CallerFrom(ctx).RequestID, "error", err)
		},
	})
	if err != nil {
		return fmt.Errorf("serve %s: %w", name, err)
	}
	s.apis = append(s.apis, api{name: name, model: m, handler: h})
	return nil
}

// close closes everything in the reverse order of its opening.
func (s *stack) close(ctx context.Context) error {
	s.cancel()
	var errs []error
	for i := len(s.closers) - 1; i >= 0; i-- {
		errs = append(errs, s.closers[i](ctx))
	}
	s.closers = nil
	return errors.Join(errs...)
}

// logBroker puts what the embedded server says into the node's log.
func (n *Node) logBroker(level, message string) {
	log := n.log.With("part", "log")
	if level == "error" || level == "fatal" {
		log.Error(message)
		return
	}
	log.Debug(message)
}

func orDefault(v, def int) int {
	if v == 0 {
		return def
	}
	return v
}

// queryVersion is the Version parameter of a service of the query protocol.
func queryVersion(m *model.Service) string {
	if m.Answers("query") {
		return m.APIVersion
	}
	return ""
}
