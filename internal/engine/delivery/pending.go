package delivery

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"sort"
	"strings"
	"time"

	"github.com/brookmere/brookmere/internal/engine/columnar"
	"github.com/brookmere/brookmere/internal/engine/jsontext"
	"github.com/brookmere/brookmere/internal/engine/shardlog"
	"github.com/itchyny/gojq"
)

// Stand-in for the pure parts; not to be committed.
type parts struct {
	code  *gojq.Code
	names []string
}

func (q *parts) compile(s *Spec) error {
	if s.Partition == "" {
		return nil
	}
	query, err := gojq.Parse(s.Partition)
	if err != nil {
		return err
	}
	q.code, err = gojq.Compile(query)
	v, _ := q.code.Run(map[string]any{}).Next()
	m, _ := v.(map[string]any)
	for k := range m {
		q.names = append(q.names, k)
	}
	sort.Strings(q.names)
	return err
}

func (q *parts) each(data []byte, f func([]byte, error)) {
	for at := jsontext.SkipSpace(data, 0); at < len(data); at = jsontext.SkipSpace(data, at) {
		end, _, _, err := jsontext.Skip(data, at)
		if err != nil {
			f(data[at:], err)
			return
		}
		f(data[at:end], nil)
		at = end
	}
}

func (q *parts) keys(dst, data []byte) ([]byte, error) {
	var v any
	if err := json.Unmarshal(data, &v); err != nil {
		return dst, err
	}
	r, _ := q.code.Run(v).Next()
	m, ok := r.(map[string]any)
	if !ok {
		return dst, errors.New("no object")
	}
	for i, k := range q.names {
		if m[k] == nil {
			return dst, errors.New("no key " + k)
		}
		if i > 0 {
			dst = append(dst, keySeparator...)
		}
		dst = fmt.Append(dst, m[k])
	}
	return dst, nil
}

func (q *parts) name(s *Spec, t time.Time, values []string, errorType, ext string, seed []byte) string {
	p := s.Prefix
	if errorType != "" {
		p = s.ErrorPrefix
		if p == "" {
			p = errorType + "/"
		}
		p = strings.ReplaceAll(p, "!{firehose:error-output-type}", errorType)
	}
	for i, k := range q.names {
		if i < len(values) {
			p = strings.ReplaceAll(p, "!{partitionKeyFromQuery:"+k+"}", values[i])
		}
	}
	if !strings.Contains(p, "!{") && q.code == nil {
		p += t.UTC().Format("2006/01/02/15/")
	}
	sum := sha256.Sum256(seed)
	return p + s.Name + "-" + s.Version + "-" + t.UTC().Format("2006-01-02-15-04-05") + "-" + hex.EncodeToString(sum[:16]) + ext
}

func envelope(kind, code, msg string, raw []byte, arrival time.Time) *Rejected {
	b, _ := json.Marshal(map[string]any{"attemptsMade": 1, "arrivalTimestamp": arrival.UnixMilli(), "errorCode": code, "errorMessage": msg, "attemptEndingTimestamp": arrival.UnixMilli(), "rawData": base64.StdEncoding.EncodeToString(raw)})
	return &Rejected{Partition: ErrorMark + kind, Data: b, Reason: msg}
}

func (p *specPlan) failed(r *shardlog.Record, data []byte, err error) *Rejected {
	return envelope("processing-failed", "DynamicPartitioning.MetadataExtractionFailed", err.Error(), data, r.Time)
}
func (p *specPlan) malformed(r *shardlog.Record, data []byte, err error) *Rejected {
	return envelope("format-conversion-failed", columnar.ParseError, err.Error(), data, r.Time)
}
func (p *specPlan) unfit(row []byte, arrival time.Time, err *columnar.RecordError) *Rejected {
	return envelope("format-conversion-failed", err.Code, err.Reason, row, arrival)
}
func (p *specPlan) TooMany(partition string, row []byte, arrival time.Time) *Rejected {
	return envelope("processing-failed", "DynamicPartitioning.ActivePartitionsExceeded", "too many", row, arrival)
}
