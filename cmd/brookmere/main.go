// Command brookmere runs the AWS streaming-data stack as one program. See
// `brookmere --help`.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/brookmere/brookmere/internal/engine/lakesql/worker"
)

func main() {
	worker.Main() // the process that queries run in begins here too
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(garbagePercent)
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		holdMemory()
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// A second signal ends the process at once: what was acknowledged is on disk.
	context.AfterFunc(ctx, stop)
	err := newRootCommand().ExecuteContext(ctx)
	stop()
	code, told := exitCode(err)
	if !told {
		fmt.Fprintln(os.Stderr, "brookmere:", err)
	}
	os.Exit(code)
}
