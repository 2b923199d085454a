package node

import (
	"context"
	"errors"
	"fmt"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/brookmere/brookmere/internal/authorize"
	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/broker"
	"github.com/brookmere/brookmere/internal/engine/itemstore"
	"github.com/brookmere/brookmere/internal/engine/jobscript"
	"github.com/brookmere/brookmere/internal/engine/lakesql"
	"github.com/brookmere/brookmere/internal/engine/metering"
	"github.com/brookmere/brookmere/internal/engine/metricstore"
	"github.com/brookmere/brookmere/internal/engine/oidc"
	"github.com/brookmere/brookmere/internal/engine/queue"
	"github.com/brookmere/brookmere/internal/engine/shardlog"
	"github.com/brookmere/brookmere/internal/engine/state"
	"github.com/brookmere/brookmere/internal/engine/work"
)

// stack is everything between the listener and the disk but the objects. A reset
// closes one and opens another on an empty log.
type stack struct {
	// ctx ends when the stack is about to close: requests that wait on it end.
	ctx    context.Context
	cancel context.CancelFunc

	node       *Node
	registry   *prometheus.Registry
	documents  *state.Store
	services   services
	authorizer *authorize.Authorizer
	signer     *oidc.Signer                  // of tokens of the node's own issuer
	apis       []*awswire.Handler            // in the order of the catalog
	fronts     []awswire.Front               // of services, beside their APIs
	doors      *doors                        // the node's own endpoints that services contribute
	closers    []func(context.Context) error // in the order of opening
}

// advise says of a damaged log what to do.
func advise(err error) error {
	if errors.Is(err, broker.ErrDamaged) || errors.Is(err, shardlog.ErrPacksChanged) {
		return fmt.Errorf("%w\n\"brookmere check\" tells more, and can give up what is lost", err)
	}
	return err
}

// openStack opens the engines, then the services from the log upwards.
func openStack(ctx context.Context, n *Node) (_ *stack, err error) {
	s := &stack{node: n, registry: prometheus.NewRegistry()}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close(context.Background()))
		}
	}()

	if err := n.dirs.checkState(); err != nil {
		return nil, err
	}
	b := n.shared
	if b == nil {
		if b, err = broker.Start(broker.Options{Dir: n.dirs.log, NoSync: n.dirs.temporary, Logf: n.logBroker}); err == nil {
			s.onClose(func(context.Context) error { return b.Close() })
		}
	}
	if err != nil {
		return nil, fmt.Errorf("start the log: %w", advise(err))
	}
	documents, err := state.Open(ctx, b, state.Options{})
	if err != nil {
		return nil, fmt.Errorf("open state: %w", err)
	}
	s.documents = documents
	s.onClose(func(context.Context) error { return documents.Close() })
	owner, here, err := s.openOwners(ctx, n)
	if err != nil {
		return nil, err
	}
	shards, err := shardlog.Open(ctx, b, shardlog.Options{
		Clock: n.clock, Journal: broker.AppendsDir(n.dirs.log), NoSync: n.dirs.temporary, Shared: n.shared != nil,
		Report: func(err error) { n.log.Error("shard log", "part", "log", "error", err) },
	})
	if err != nil {
		return nil, fmt.Errorf("open the log: %w", advise(err))
	}
	s.onClose(func(context.Context) error { return shards.Close() })
	items, err := itemstore.Open(itemstore.Options{Clock: n.clock, Dir: n.dirs.items, NoSync: n.dirs.temporary, OnError: func(err error) {
		n.log.Error("item store", "part", "items", "error", err)
	}})
	if err != nil {
		return nil, fmt.Errorf("open the item store: %w", err)
	}
	s.onClose(func(context.Context) error { return items.Close() })
	queues, err := queue.Open(queue.Options{Clock: n.clock, Dir: n.dirs.queues, NoSync: n.dirs.temporary, OnError: func(err error) {
		n.log.Error("queue store", "part", "queues", "error", err)
	}})
	if err != nil {
		return nil, fmt.Errorf("open the queue store: %w", err)
	}
	s.onClose(func(context.Context) error { return queues.Close() })
	outbox, err := queue.Open(queue.Options{Clock: n.clock, Dir: n.dirs.outbox, NoSync: n.dirs.temporary, OnError: func(err error) {
		n.log.Error("queue store", "part", "outbox", "error", err)
	}})
	if err != nil {
		return nil, fmt.Errorf("open the outbox: %w", err)
	}
	s.onClose(func(context.Context) error { return outbox.Close() })
	samples, err := metricstore.Open(metricstore.Options{Clock: n.clock, Dir: n.dirs.metrics, NoSync: n.dirs.temporary, OnError: func(err error) {
		n.log.Error("metric store", "part", "metrics", "error", err)
	}})
	if err != nil {
		return nil, fmt.Errorf("open the metric store: %w", err)
	}
	s.onClose(func(context.Context) error { return samples.Close() })
	var measured *metering.Registry
	if n.cfg.Signals.Metrics != "off" {
		measured = metering.New()
		s.registry.MustRegister(measured)
	}
	queries, err := lakesql.Open(lakesql.Options{
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

	functions, err := openFunctions(n, &s.services)
	if err != nil {
		return nil, fmt.Errorf("open the engine of functions: %w", err)
	}
	s.onClose(func(context.Context) error { return functions.Close() })
	scripts, err := jobscript.Open(jobscript.Options{Dir: n.dirs.jobs, Tasks: functions, Memory: n.cfg.Jobs.MemoryMiB, Storage: n.cfg.Jobs.StorageMiB})
	if err != nil {
		return nil, fmt.Errorf("open the engine of job scripts: %w", err)
	}

	err = s.makeServices(ctx, parts{
		node: n, stack: s, state: documents, log: shards, items: items, queues: queues, outbox: outbox, samples: samples, meter: measured, queries: queries, objects: n.objects.Client(),
		functions: functions, scripts: scripts, owner: owner, here: here,
		clock: n.clock, registerer: s.registry,
	})
	if err != nil {
		return nil, err
	}
	return s, nil
}

// openOwners says what of that which runs by itself this node runs: all of it where it has its log
// to itself, else what it gets a lease of, and what works on its own stores.
func (s *stack) openOwners(ctx context.Context, n *Node) (owner, here work.Owner, err error) {
	if n.shared == nil {
		started, err := work.Started(ctx, s.documents)
		return started, started, err
	}
	leases, err := work.Share(ctx, s.documents, work.LeaseOptions{})
	if err != nil {
		return nil, nil, err
	}
	s.onClose(leases.Close)
	return leases, work.Mine(1), nil
}

func (s *stack) onClose(f func(context.Context) error) { s.closers = append(s.closers, f) }

// start starts a service, and closes it with the stack.
func (s *stack) start(ctx context.Context, name string, svc service) error {
	if c, ok := svc.(interface{ Close(context.Context) error }); ok {
		s.onClose(c.Close)
	}
	if st, ok := svc.(interface{ Start(context.Context) error }); ok {
		if err := st.Start(ctx); err != nil {
			return fmt.Errorf("start %s: %w", name, err)
		}
	}
	return nil
}

// serve puts a service behind the wire protocols.
func (s *stack) serve(n *Node, svc service, interceptors []awswire.Interceptor) error {
	described := svc.API()
	h, err := awswire.NewHandler(described, awswire.HandlerOptions{
		Interceptors: interceptors,
		Answers:      n.answers,
		OnInternalError: func(ctx context.Context, operation string, err error) {
			n.log.Error("internal failure", "service", described.Model, "operation", operation,
				"request", awswire.CallerFrom(ctx).RequestID, "error", err)
		},
	})
	if err != nil {
		return fmt.Errorf("serve %s: %w", described.Model, err)
	}
	s.apis = append(s.apis, h)
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
