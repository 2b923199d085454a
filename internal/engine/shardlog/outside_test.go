package shardlog

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/brookmere/brookmere/internal/engine/broker"
)

// outside has start use a server that is not part of the broker, over TCP.
var outside bool

// TestOutside runs tests of the log against such a server.
func TestOutside(t *testing.T) {
	outside = true
	defer func() { outside = false }()
	t.Run("AppendRead", TestAppendRead)
	t.Run("Shards", TestShards)
	t.Run("ConcurrentAppends", TestConcurrentAppends)
	t.Run("SeekTrimAge", TestSeekTrimAge)
	t.Run("ExpiredStayAway", TestExpiredStayAway)
	t.Run("CorruptMessage", TestCorruptMessage)
	t.Run("Wait", TestWait)
	t.Run("Backlog", TestBacklog)
}

func startBroker(t testing.TB, dir string) *broker.Broker {
	t.Helper()
	o := broker.Options{Dir: filepath.Join(dir, "nats")}
	if outside {
		srv := serve(t, o.Dir)
		o = broker.Options{URL: srv.ClientURL()}
	}
	b, err := broker.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// servers are those that run, by directory.
var servers = map[string]*server.Server{}

// serve starts a server, after it has stopped the one of the same directory.
func serve(t testing.TB, dir string) *server.Server {
	t.Helper()
	if was := servers[dir]; was != nil {
		was.Shutdown()
		was.WaitForShutdown()
	}
	srv, err := server.NewServer(&server.Options{
		Host: "127.0.0.1", Port: server.RANDOM_PORT, NoSigs: true, NoLog: true,
		JetStream: true, StoreDir: dir, SyncAlways: true, MaxPayload: broker.MaxPayload, MaxPending: 256 << 20,
	})
	if err != nil {
		t.Fatal(err)
	}
	srv.Start()
	if !srv.ReadyForConnections(time.Minute) {
		t.Fatal("server is not ready")
	}
	servers[dir] = srv
	t.Cleanup(func() { srv.Shutdown(); srv.WaitForShutdown() })
	return srv
}
