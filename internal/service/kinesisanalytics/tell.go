package kinesisanalytics

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/brookmere/brookmere/internal/awskit/arn"
	"github.com/brookmere/brookmere/internal/engine/streamsql"
	"github.com/brookmere/brookmere/internal/nodeapi"
)

// What applications tell of themselves: lines in their log stream, and metrics.

// logLine is a line of the log stream of an application, of the form that AWS gives it.
type logLine struct {
	Application string `json:"applicationARN"`
	Version     string `json:"applicationVersionId"`
	Type        string `json:"messageType"`
	Message     string `json:"message"`
}

// tell writes a line to the log streams that an application names.
func (s *Service) tell(d *applicationDoc, level, message string) {
	if s.cfg.Logs == nil {
		return
	}
	line, err := json.Marshal(logLine{d.arn(), fmt.Sprint(d.Version), level, clip(message, 8<<10)})
	if err != nil {
		return
	}
	for i := range d.Logging {
		group, stream, ok := logStream(d.Logging[i].Stream)
		if !ok {
			continue
		}
		a, _ := arn.Parse(d.Logging[i].Stream)
		if a.Account != d.Account {
			continue // of before such streams were refused
		}
		s.cfg.Logs.Log(LogPlace{a.Account, a.Region, group, stream, d.roleOf(d.Logging[i].Role), d.arn()}, s.clock.Now(), string(line))
	}
}

// toldErrors is how many rows of error_stream of one step are written to the log stream.
const toldErrors = 10

// tellErrors tells of rows that came into error_stream.
func (r *running) tellErrors(rows *streamsql.Rows) {
	r.s.metrics.rowsFailed(r.doc, rows.Len())
	if rows.Len() > 0 {
		r.lastError = rowError(rows, rows.Len()-1)
	}
	if r.replaying {
		return
	}
	for i := range min(rows.Len(), toldErrors) {
		r.s.tell(r.doc, "ERROR", string(rows.AppendJSON(nil, i)))
	}
}

// rowError is a row of error_stream, as the list of applications tells of it.
func rowError(rows *streamsql.Rows, i int) *nodeapi.RowError {
	e := &nodeapi.RowError{Time: rows.Rowtime(i)}
	for c, column := range rows.Columns() {
		text, _ := rows.Value(i, c).(string)
		switch column.Name {
		case "ERROR_NAME":
			e.Name = text
		case "MESSAGE":
			e.Message = clip(text, 1<<10)
		case "PUMP_NAME":
			e.Pump = text
		}
	}
	return e
}

// metrics are those of the node, for every application.
type metrics struct {
	in, bytes, out, rowErrors, outputErrors, processing *prometheus.CounterVec
	behind, state                                       *prometheus.GaugeVec
}

func newMetrics(reg prometheus.Registerer) (*metrics, error) {
	counter := func(name, help string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: "brookmere_analytics_" + name, Help: help}, []string{"application"})
	}
	gauge := func(name, help string) *prometheus.GaugeVec {
		return prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "brookmere_analytics_" + name, Help: help}, []string{"application"})
	}
	m := &metrics{
		in: counter("records_total", "Records that an application has taken in."), bytes: counter("bytes_total", "Bytes of them."),
		out:          counter("rows_delivered_total", "Rows that outputs have delivered."),
		rowErrors:    counter("row_errors_total", "Rows of the error stream."),
		outputErrors: counter("output_failures_total", "Failed calls of destinations."),
		processing:   counter("processing_failures_total", "Records on which the function of an input has failed."),
		behind:       gauge("behind_seconds", "How far the input of an application is behind the tip of its stream."),
		state:        gauge("state_bytes", "Memory that the state of an application takes, about."),
	}
	if reg == nil {
		return m, nil
	}
	for _, c := range []prometheus.Collector{m.in, m.bytes, m.out, m.rowErrors, m.outputErrors, m.processing, m.behind, m.state} {
		if err := reg.Register(c); err != nil {
			return nil, err
		}
	}
	return m, nil
}

func (m *metrics) took(d *applicationDoc, batches []streamsql.Batch) {
	records, bytes := 0, 0
	for i := range batches {
		records += len(batches[i].Records)
		for k := range batches[i].Records {
			bytes += len(batches[i].Records[k].Data)
		}
	}
	if records > 0 {
		m.in.WithLabelValues(d.Name).Add(float64(records))
		m.bytes.WithLabelValues(d.Name).Add(float64(bytes))
	}
}

func (m *metrics) delivered(d *applicationDoc, n int) { m.out.WithLabelValues(d.Name).Add(float64(n)) }

func (m *metrics) outputFailed(d *applicationDoc) { m.outputErrors.WithLabelValues(d.Name).Inc() }

func (m *metrics) processingFailed(d *applicationDoc, n int) {
	m.processing.WithLabelValues(d.Name).Add(float64(n))
}

func (m *metrics) rowsFailed(d *applicationDoc, n int) {
	if n > 0 {
		m.rowErrors.WithLabelValues(d.Name).Add(float64(n))
	}
}

func (m *metrics) forget(d *applicationDoc) {
	m.behind.DeleteLabelValues(d.Name)
	m.state.DeleteLabelValues(d.Name)
}

// metricsEvery is how often the metrics of AWS are put.
const metricsEvery = 15 * time.Second

// report puts the metrics of an application by AWS's names as long as it runs.
func (r *running) report(ctx context.Context) error {
	for {
		var behind time.Duration
		for _, f := range r.feeds {
			behind = max(behind, f.reader.Lag())
		}
		r.s.metrics.behind.WithLabelValues(r.doc.Name).Set(behind.Seconds())
		if m := r.s.cfg.Metrics; m != nil {
			now := r.s.clock.Now()
			for _, f := range r.feeds {
				m.Put(r.doc.Account, r.doc.Region, "AWS/KinesisAnalytics", "MillisBehindLatest", "Milliseconds",
					map[string]string{"Application": r.doc.Name, "Id": f.doc.ID, "Flow": "Input"}, float64(f.reader.Lag().Milliseconds()), now)
			}
			m.Put(r.doc.Account, r.doc.Region, "AWS/KinesisAnalytics", "KPUs", "Count", map[string]string{"Application": r.doc.Name}, 1, now)
		}
		select {
		case <-r.s.clock.After(metricsEvery):
		case <-ctx.Done():
			return nil
		}
	}
}

// maxReference bounds reference data, in bytes. AWS's limit is 1 GB; this is what fits beside the
// state in memory.
const maxReference = 256 << 20

var errNoS3 = errors.New("there is no S3 here")

// object reads an object of at most so many bytes; a larger one is an error.
func (s *Service) object(ctx context.Context, bucketARN, key string, most int64) ([]byte, error) {
	data, whole, err := s.beginning(ctx, bucketARN, key, most)
	if err == nil && !whole {
		err = fmt.Errorf("the object has more than %d bytes", most)
	}
	return data, err
}

// beginning reads the first bytes of an object, and says whether they are all.
func (s *Service) beginning(ctx context.Context, bucketARN, key string, most int64) (data []byte, whole bool, err error) {
	if s.cfg.S3 == nil {
		return nil, false, errNoS3
	}
	a, _ := arn.Parse(bucketARN)
	out, err := s.cfg.S3.GetObject(ctx, &s3.GetObjectInput{Bucket: &a.Resource, Key: &key})
	if err != nil {
		return nil, false, err
	}
	defer out.Body.Close()
	data, err = io.ReadAll(io.LimitReader(out.Body, most+1))
	if err != nil {
		return nil, false, err
	}
	if int64(len(data)) > most {
		return data[:most], false, nil
	}
	return data, true, nil
}

// isNotFound says whether a resource is not there.
func isNotFound(err error) bool {
	var e smithy.APIError
	return errors.As(err, &e) && e.ErrorCode() == "ResourceNotFoundException"
}
