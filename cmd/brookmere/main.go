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
)

// garbagePercent trades memory for time: a node's heap is small beside the copies that
// each put makes, and half as many collections save a tenth of the processor under load.
// GOGC has the last word.
const garbagePercent = 200

func main() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(garbagePercent)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// A second signal ends the process at once: what was acknowledged is on disk.
	context.AfterFunc(ctx, stop)
	err := newRootCommand().ExecuteContext(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "brookmere:", err)
		os.Exit(1)
	}
}
