package function

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/brookmere/brookmere/internal/engine/function/sandbox"
)

// processorTime is what a process has used, in ticks of a hundredth of a second.
func processorTime(t *testing.T, pid int) int {
	t.Helper()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		t.Fatal(err)
	}
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	user, _ := strconv.Atoi(fields[11])
	system, _ := strconv.Atoi(fields[12])
	return user + system
}

// stateOfTree tells of a process and all that came from it.
func stateOfTree(t *testing.T, pid int) (states string, ticks int) {
	t.Helper()
	for _, p := range append([]int{pid}, sandbox.Descendants(pid)...) {
		status, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(p), "status"))
		if err != nil {
			continue
		}
		_, rest, _ := strings.Cut(string(status), "State:\t")
		states += rest[:1]
		ticks += processorTime(t, p)
	}
	return states, ticks
}

// background is a function which leaves a thread and a process behind that count as fast as they can.
const background = `
import os, subprocess, threading, time
counted = [0]
def count():
    while True:
        counted[0] += 1
        sum(range(1000))
started = []
def handler(event, context):
    if not started:
        threading.Thread(target=count, daemon=True).start()
        started.append(subprocess.Popen(["setsid", "sh", "-c", "while :; do :; done"]))
    time.sleep(event.get("sleep", 0))
    return counted[0]
`

func TestNothingRunsBetweenInvocations(t *testing.T) {
	variants(t, func(t *testing.T, x *fixture) {
		f := x.python(t, background)
		x.invoke(t, f, `{}`)
		pid := x.Running("")[0].Pid
		resting := func() bool {
			_, before := stateOfTree(t, pid)
			time.Sleep(30 * time.Millisecond) // what runs uses some of it
			states, after := stateOfTree(t, pid)
			return states == "TT" && after == before
		}
		eventually(t, "the function rests", resting)
		// It goes on with the next invocation, and rests again.
		if r := x.invoke(t, f, `{"sleep":0.05}`); r.Failed || string(r.Payload) == "0" {
			t.Errorf("%s", r.Payload)
		}
		if got := x.Running("")[0].Pid; got != pid {
			t.Errorf("the process is %d, was %d", got, pid)
		}
		eventually(t, "the function rests again", resting)
		// What is stopped can be ended.
		x.Stop(func(*Function) bool { return true })
		eventually(t, "the processes are gone", func() bool {
			_, err := os.Stat(fmt.Sprintf("/proc/%d", pid))
			return err != nil && len(sandbox.Descendants(pid)) == 0
		})
	})
}

// A process has its invocation's time for what it does after the answer, and holds up nobody for longer.
func TestWorkAfterTheAnswerIsBounded(t *testing.T) {
	needs(t, "python3")
	x := open(t)
	f := x.function(t, "provided.al2023", "x", map[string]string{"bootstrap": `#!/usr/bin/env python3
import http.client, os, time
host, _, path = os.environ["AWS_LAMBDA_RUNTIME_API"].partition("/")
c = http.client.HTTPConnection(host)
base = "/" + path + "/2018-06-01/runtime/invocation/"
c.request("GET", base + "next"); r = c.getresponse(); r.read()
c.request("POST", base + r.headers["Lambda-Runtime-Aws-Request-Id"] + "/response", b'"%d"' % os.getpid()); c.getresponse().read()
time.sleep(600)
`})
	var first, second *Result
	begun(t, f, func() bool {
		first, second = x.invoke(t, f, `{}`), x.invoke(t, f, `{}`)
		return !first.TimedOut && !second.TimedOut
	})
	if first.Failed || second.Failed || second.Init == 0 {
		t.Errorf("%s, %s, init %v", first.Payload, second.Payload, second.Init)
	}
}
