package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/term"

	"github.com/brookmere/brookmere/internal/nodeapi"
)

// progress shows how far the demo is: on a terminal as one line that is written over,
// elsewhere as a line now and then.
type progress struct {
	out      io.Writer
	terminal bool
	start    time.Time
	length   time.Duration // 0: open-ended
}

func newProgress(out io.Writer, length time.Duration) *progress {
	f, ok := out.(*os.File)
	return &progress{out: out, terminal: ok && term.IsTerminal(int(f.Fd())), start: time.Now(), length: length}
}

// every is how often to show.
func (p *progress) every() time.Duration {
	if p.terminal {
		return 200 * time.Millisecond
	}
	return 5 * time.Second
}

func (p *progress) show(sent, acked int64, s nodeapi.Delivery) {
	line := fmt.Sprintf("sent %d  acknowledged %d  delivered %d  lag %d records, %.1f s",
		sent, acked, s.RecordsDelivered, s.LagRecords, s.LagSeconds)
	p.line(line)
}

// line shows a line in the place of the one before.
func (p *progress) line(line string) {
	if !p.terminal {
		fmt.Fprintln(p.out, line)
		return
	}
	if p.length > 0 {
		line = bar(min(1, float64(time.Since(p.start))/float64(p.length)), 20) + "  " + line
	}
	fmt.Fprintf(p.out, "\r%s\x1b[K", line)
}

// done leaves the line for what comes after it.
func (p *progress) done() {
	if p.terminal {
		fmt.Fprintln(p.out)
	}
}

// bar draws a share of 0 to 1 as width cells.
func bar(share float64, width int) string {
	full := int(share*float64(width) + 0.5)
	return "[" + strings.Repeat("#", full) + strings.Repeat(".", width-full) + "]"
}

// printTable prints rows, the first of which are the names, in aligned columns.
func printTable(out io.Writer, rows [][]string) {
	if len(rows) == 0 {
		return
	}
	width := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, v := range row {
			width[i] = max(width[i], len([]rune(v)))
		}
	}
	for n, row := range rows {
		var line strings.Builder
		for i, v := range row {
			fmt.Fprintf(&line, "  %-*s", width[i], v)
		}
		fmt.Fprintln(out, strings.TrimRight(line.String(), " "))
		if n == 0 {
			for _, w := range width {
				fmt.Fprint(out, "  ", strings.Repeat("-", w))
			}
			fmt.Fprintln(out)
		}
	}
}
