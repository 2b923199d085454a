package function

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// JSONLog makes a log of JSON documents: what the engine says of an instance, as events of the
// platform, each at a level. Lines that the function prints stay as they are; the bootstraps of
// Python and Node make documents of what goes through their loggers.
//
// Levels are TRACE, DEBUG, INFO, WARN, ERROR and FATAL; what is below is not logged. Empty: INFO.
type JSONLog struct {
	System      string // of events of the platform
	Application string // of lines of the function: of their member "level", INFO without one
}

// levels are ranks of what programs call their levels.
var levels = map[string]int{
	"TRACE": 1, "DEBUG": 2, "INFO": 3, "WARN": 4, "WARNING": 4, "ERROR": 5, "FATAL": 6, "CRITICAL": 6,
}

// rank is that of a level; INFO for what is none.
func rank(level string) int {
	if n := levels[strings.ToUpper(level)]; n > 0 {
		return n
	}
	return levels["INFO"]
}

// keeps reports whether a line that the function printed is logged.
func (j *JSONLog) keeps(line string) bool {
	if j == nil {
		return true
	}
	var of struct {
		Level any `json:"level"`
		Old   any `json:"log_level"`
	}
	level := ""
	if strings.HasPrefix(strings.TrimLeft(line, " \t"), "{") && json.Unmarshal([]byte(line), &of) == nil {
		if of.Level == nil {
			of.Level = of.Old
		}
		level, _ = of.Level.(string) // a number is no level
	}
	return rank(level) >= rank(j.Application)
}

// filter returns the lines that are logged.
func (j *JSONLog) filter(lines []Line) []Line {
	if j == nil {
		return lines
	}
	kept := lines[:0]
	for _, l := range lines {
		if j.keeps(l.Text) {
			kept = append(kept, l)
		}
	}
	return kept
}

// event is a line of the platform's; ok is false where its level is not logged.
func (j *JSONLog) event(at time.Time, level, kind string, record any) (l Line, ok bool) {
	if rank(level) < rank(j.System) {
		return Line{}, false
	}
	b, err := json.Marshal(struct {
		Time   string `json:"time"`
		Type   string `json:"type"`
		Record any    `json:"record"`
	}{at.UTC().Format("2006-01-02T15:04:05.000Z"), "platform." + kind, record})
	if err != nil {
		return Line{}, false // not for texts and numbers
	}
	return Line{at, string(b)}, true
}

type initRecord struct {
	Type            string        `json:"initializationType"`
	Phase           string        `json:"phase"`
	Runtime         string        `json:"runtimeVersion,omitempty"`
	Function        string        `json:"functionName,omitempty"`
	FunctionVersion string        `json:"functionVersion,omitempty"`
	Status          string        `json:"status,omitempty"`
	ErrorType       string        `json:"errorType,omitempty"`
	Metrics         *onlyDuration `json:"metrics,omitempty"`
}

type onlyDuration struct {
	Duration float64 `json:"durationMs"`
}

type startRecord struct {
	ID      string `json:"requestId"`
	Version string `json:"version"`
}

// reportRecord is that of a report (metrics), and of the end of the runtime's work (onlyDuration).
type reportRecord struct {
	ID        string `json:"requestId"`
	Metrics   any    `json:"metrics"`
	Status    string `json:"status"`
	ErrorType string `json:"errorType,omitempty"`
}

type metrics struct {
	Duration float64 `json:"durationMs"`
	Billed   int64   `json:"billedDurationMs"`
	Size     int     `json:"memorySizeMB"`
	Used     int64   `json:"maxMemoryUsedMB"`
	Init     float64 `json:"initDurationMs,omitempty"`
}

// initStart is logged when a process starts.
func (c *capture) initStart() {
	j, f := c.i.f.JSON, c.i.f
	if j == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if l, ok := j.event(c.i.started, "INFO", "initStart", initRecord{Type: "on-demand", Phase: "init", Runtime: f.Runtime, Function: f.Name, FunctionVersion: f.Version}); ok {
		c.emit([]Line{l})
	}
}

// initEnd logs that an instance has started, or failed to. A text log has that of a failure alone.
func (c *capture) initEnd(took time.Duration, r Result) {
	j, at := c.i.f.JSON, c.i.e.clock.Now()
	ms := float64(took) / float64(time.Millisecond)
	c.mu.Lock()
	defer c.mu.Unlock()
	if j == nil {
		if status := r.statusOf(); status == "timeout" {
			c.emit([]Line{{at, fmt.Sprintf("INIT_REPORT Init Duration: %.2f ms\tPhase: init\tStatus: timeout", ms)}})
		} else if status != "success" {
			c.emit([]Line{{at, fmt.Sprintf("INIT_REPORT Init Duration: %.2f ms\tPhase: init\tStatus: error\tError Type: %s", ms, r.ErrorType)}})
		}
		return
	}
	level, record := "DEBUG", initRecord{Type: "on-demand", Phase: "init", Status: r.statusOf(), ErrorType: r.ErrorType}
	if record.Status != "success" {
		level = "WARN"
	}
	for _, kind := range []string{"initRuntimeDone", "initReport"} {
		if kind == "initReport" {
			record.Metrics = &onlyDuration{ms}
		}
		if l, ok := j.event(at, level, kind, record); ok {
			c.emit([]Line{l})
		}
	}
}

// reportEvents are the events at the end of an invocation.
func (j *JSONLog) reportEvents(at time.Time, m metrics, r reportRecord) []Line {
	level, done := "INFO", "DEBUG"
	if r.Status != "success" {
		level, done = "WARN", "WARN"
	}
	var lines []Line
	r.Metrics = onlyDuration{m.Duration}
	if l, ok := j.event(at, done, "runtimeDone", r); ok {
		lines = append(lines, l)
	}
	r.Metrics = m
	if l, ok := j.event(at, level, "report", r); ok {
		lines = append(lines, l)
	}
	return lines
}

// statusOf words how an invocation ended.
func (r *Result) statusOf() string {
	switch {
	case r.TimedOut:
		return "timeout"
	case r.Failed:
		return "error"
	}
	return "success"
}
