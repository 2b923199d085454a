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
	var ended *exec.ExitError
	if errors.As(err, &ended) && ended.ExitCode() >= 0 { // of the command that "run" ran, which has said why
		os.Exit(ended.ExitCode())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "brookmere:", err)
		os.Exit(1)
	}
}
