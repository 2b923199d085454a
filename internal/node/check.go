package node

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/jonboulle/clockwork"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/brookmere/brookmere/internal/engine/broker"
	"github.com/brookmere/brookmere/internal/engine/function"
	"github.com/brookmere/brookmere/internal/engine/itemstore"
	"github.com/brookmere/brookmere/internal/engine/metricstore"
	"github.com/brookmere/brookmere/internal/engine/queue"
	"github.com/brookmere/brookmere/internal/engine/seal"
	"github.com/brookmere/brookmere/internal/engine/shardlog"
	"github.com/brookmere/brookmere/internal/engine/state"
	"github.com/brookmere/brookmere/internal/service/athena"
	"github.com/brookmere/brookmere/internal/service/sts"
)

// Checked is what Check has found of a data directory.
type Checked struct {
	Damage []broker.Finding       // in the files of the log and of the state; a node does not start with any
	Packs  []shardlog.PackFinding // in the packs of the log, likewise
	State  error                  // documents that cannot be read, or that name what is missing

	// A node starts with these:
	Lost   []shardlog.PackFinding // frames in packs; their readers get an error
	Strays []string               // shards that belong to nothing, which are kept
}

// OK says whether a node starts on the directory.
func (c *Checked) OK() bool { return len(c.Damage) == 0 && len(c.Packs) == 0 && c.State == nil }

// Check looks at the data directory of a node that does not run: at every record of the log
// and of the state, and then at whether documents and shards belong together, without which the shards in Lost have numbers
// rather than names. It changes
// nothing, unless an earlier start was killed: then it finishes what that left, as a start
// would.
func Check(ctx context.Context, data string) (*Checked, error) {
	d, err := existingDirs(data)
	if err != nil {
		return nil, err
	}
	defer d.close()
	c := new(Checked)
	if c.Damage, err = broker.Check(d.log, true); err != nil {
		return nil, err
	}
	if c.Packs, c.Lost, err = shardlog.CheckPacks(broker.AppendsDir(d.log)); err != nil {
		return nil, err
	}
	if c.State = d.checkState(); c.OK() {
		err = c.together(ctx, d)
	}
	return c, err
}

// existingDirs locks a data directory that is there.
func existingDirs(data string) (d dirs, err error) {
	if d.root, err = filepath.Abs(data); err != nil {
		return d, err
	}
	if _, err := os.Stat(filepath.Join(d.root, "FORMAT")); errors.Is(err, fs.ErrNotExist) {
		return d, fmt.Errorf("%s is not the data directory of a node: it has no FORMAT", d.root)
	}
	d.log, d.objects, d.s3, d.tmp = filepath.Join(d.root, "log"), filepath.Join(d.root, "objects"), filepath.Join(d.root, "s3"), filepath.Join(d.root, "tmp")
	if err := d.takeLocks(); err != nil {
		d.close()
		return d, err
	}
	if err := checkFormat(filepath.Join(d.root, "FORMAT")); err != nil {
		d.close()
		return d, fmt.Errorf("data directory %s: %w", d.root, err)
	}
	return d, nil
}

// together opens state and log and asks the services whether one has what the other names.
func (c *Checked) together(ctx context.Context, d dirs) (err error) {
	b, err := broker.Start(broker.Options{Dir: d.log})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	documents, err := state.Open(ctx, b, state.Options{})
	if err != nil {
		return err
	}
	defer documents.Close()
	shards, err := shardlog.Open(ctx, b, shardlog.Options{Journal: broker.AppendsDir(d.log)})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, shards.Close()) }()
	if c.Lost, err = shards.LostFrames(ctx, c.Lost); err != nil {
		return err
	}
	s := &stack{registry: prometheus.NewRegistry()}
	key := seal.Random() // nothing is opened
	made, err := s.construct(parts{
		node: &Node{dirs: d, log: slog.New(slog.DiscardHandler), key: key, issuer: sts.NewIssuer(key)}, state: documents, log: shards,
		queries: struct{ athena.Engine }{}, objects: new(s3.Client), items: new(itemstore.Store), queues: new(queue.Store), outbox: new(queue.Store), samples: new(metricstore.Store), functions: new(function.Engine), // none of them is called
		clock: clockwork.NewRealClock(), registerer: s.registry,
	})
	if err != nil {
		return err
	}
	c.State = documents.Check()
	for _, svc := range made {
		if k, ok := svc.(interface {
			Check(context.Context) ([]string, error)
		}); ok && c.State == nil {
			strays, err := k.Check(ctx)
			c.Strays, c.State = append(c.Strays, strays...), err
		}
	}
	return nil
}

// Repair gives up what Check has found to be lost in the files of the log and of the state.
// Copies of what it changes are kept in a folder of the data directory, whose name it
// returns, with what it can do nothing about.
func Repair(data string, c *Checked) (saved string, left []broker.Finding, err error) {
	d, err := existingDirs(data)
	if err != nil {
		return "", nil, err
	}
	defer d.close()
	saved = filepath.Join(d.root, "damaged", time.Now().UTC().Format("20060102T150405Z"))
	if len(c.Damage) > 0 {
		left, err = broker.Repair(d.log, saved, c.Damage)
	}
	if err == nil && len(c.Packs) > 0 {
		err = shardlog.RepairPacks(broker.AppendsDir(d.log), saved)
	}
	return saved, left, err
}
