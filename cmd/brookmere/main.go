// Command brookmere runs the AWS streaming-data stack as one program. See
// `brookmere --help`.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"runtime/debug"
	"runtime/metrics"
	"syscall"
	"time"

	"github.com/brookmere/brookmere/internal/engine/lakesql/worker"
)

// garbagePercent trades memory for time: a node's heap is small beside the copies that
// each put makes, and half as many collections save a tenth of the processor under load.
// GOGC has the last word.
const garbagePercent = 200

// memoryFloor is what the Go heap may grow to before garbage is collected more eagerly
// than garbagePercent says: the process stays below 512 MiB whatever it is doing, unless
// what it really holds is more. GOMEMLIMIT has the last word.
const memoryFloor = 340 << 20

// holdMemory keeps the memory limit at the floor, or a quarter above what is
// held, so that a large heap is not collected all the time.
func holdMemory() {
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	for {
		metrics.Read(live)
		debug.SetMemoryLimit(max(memoryFloor, int64(live[0].Value.Uint64()*5/4)))
		time.Sleep(time.Second)
	}
}

func main() {
	worker.Main() // the process that queries run in begins here too
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(garbagePercent)
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		go holdMemory()
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// A second signal ends the process at once: what was acknowledged is on disk.
	context.AfterFunc(ctx, stop)
	err := newRootCommand().ExecuteContext(ctx)
	stop()
	var ended *exec.ExitError
	if errors.As(err, &ended) && ended.ExitCode() >= 0 { // of the command that "run" ran, which has said why
		os.Exit(ended.ExitCode())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "brookmere:", err)
		os.Exit(1)
	}
}
