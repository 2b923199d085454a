package dynamodb

import (
	"context"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/brookmere/brookmere/internal/engine/itemstore"
	"github.com/brookmere/brookmere/internal/engine/itemstore/attr"
)

// This file: incremental exports, of what was changed from a time (inclusive) to another
// (exclusive). Each item that was is a line: its keys, it as it was before the first of the
// changes and after the last. An item that was there at neither time has no line. The changes
// are gathered by item in a table of their own, so that memory does not grow with them.

// The shortest and the longest window of an incremental export.
const (
	minWindow = 15 * time.Minute
	maxWindow = 24 * time.Hour
)

// window is of what an incremental export tells the changes, and how.
type window struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
	View string    `json:"view"` // NEW_IMAGE, NEW_AND_OLD_IMAGES
}

func (w *window) output() *types.IncrementalExportSpecification {
	return &types.IncrementalExportSpecification{ExportFromTime: aws.Time(w.From), ExportToTime: aws.Time(w.To), ExportViewType: types.ExportViewType(w.View)}
}

// summarize makes the summary of a full export that of an incremental one.
func (w *window) summarize(m map[string]any) {
	m["version"], m["exportType"], m["outputView"] = "2023-08-01", string(types.ExportTypeIncrementalExport), w.View
	m["exportFromTime"], m["exportToTime"] = w.From, w.To
}

func exportTime(text string) error {
	return &types.InvalidExportTimeException{Message: aws.String(text)}
}

// checkExportType refuses the times of one kind of export that are given to the other.
func checkExportType(in *dynamodb.ExportTableToPointInTimeInput) error {
	incremental := in.ExportType == types.ExportTypeIncrementalExport
	switch {
	case incremental && in.IncrementalExportSpecification == nil:
		return invalid("Invalid Request: Incremental Export Specification expected when export type is set as Incremental Export")
	case incremental && in.IncrementalExportSpecification.ExportFromTime == nil:
		return invalid("Invalid Request: ExportFromTime must be provided in IncrementalExportSpecification")
	case incremental && in.FilterSpecification != nil:
		return unsupported("A filter of an incremental export is not supported by Brookmere: filter what it exports.")
	case !incremental && in.IncrementalExportSpecification != nil && in.ExportType == "":
		return invalid("Invalid Request: Export Type expected to be Incremental Export when incremental export specification is provided")
	case !incremental && in.IncrementalExportSpecification != nil:
		return invalid("Invalid Request: When Export Type is Full Export , Incremental Export Specification should not be provided")
	case in.S3SseKmsKeyId != nil && in.S3SseAlgorithm != types.S3SseAlgorithmKms:
		return invalid("Invalid Request: KMS Key Id is not supported for this encryption type")
	}
	return nil
}

// windowOf reads the window of an incremental export of a table that can be restored since
// earliest, which AWS calls the table's creation.
func windowOf(in *types.IncrementalExportSpecification, earliest, now time.Time) (*window, error) {
	w := &window{To: now.Truncate(time.Second), View: string(types.ExportViewTypeNewAndOldImages)}
	if in.ExportViewType != "" {
		w.View = string(in.ExportViewType)
	}
	w.From = in.ExportFromTime.UTC()
	if in.ExportToTime != nil {
		w.To = in.ExportToTime.UTC()
	}
	told := func(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }
	switch length := w.To.Sub(w.From); {
	case w.From.Before(earliest):
		return nil, exportTime("Incremental export period from time cannot be less than the table creation time : " + told(w.From))
	case w.To.After(now):
		return nil, exportTime("Incremental export period to time cannot be greater than the current time : " + told(w.To))
	case length < minWindow:
		return nil, exportTime("Difference between export period from time and export period to time is less than 15 minutes")
	case length > maxWindow:
		return nil, exportTime("Difference between export period from time and export period to time is greater than 24 hours")
	}
	return w, nil
}

// gathered names the attributes of the rows by which changes are gathered, beside those of the
// table's keys.
type gathered struct{ before, after, at string }

func gatheredFor(d *table) gathered {
	name := func(n string) string {
		for n == d.Hash || n == d.Range {
			n += "_"
		}
		return n
	}
	return gathered{name("before"), name("after"), name("at")}
}

// changes writes the lines of the window's changes.
func (e *exporter) changes(ctx context.Context, d *table, from *itemstore.Table) error {
	by, err := e.s.scratch(e.j, d)
	if err != nil {
		return err
	}
	names, l := gatheredFor(d), by.Loader()
	err = from.ChangesBetween(ctx, e.j.Window.From, e.j.Window.To, func(c itemstore.Change) error {
		return l.Change(ctx, c.Keys, attr.Size(c.Old)+attr.Size(c.New), func(have attr.Item) (attr.Item, error) {
			return names.add(have, c), nil
		})
	})
	if err != nil {
		return err
	}
	if err := l.Flush(); err != nil {
		return err
	}
	return by.Each(ctx, by.Scan(0, 0, 1), func(b []byte) (bool, error) {
		row, err := attr.ParseItem(b)
		if err != nil {
			return false, err
		}
		return true, e.change(ctx, names, by.Definition().Key(row), row)
	})
}

// add is the row of an item, nil for none yet, with one more change.
func (n gathered) add(have attr.Item, c itemstore.Change) attr.Item {
	row := attr.Item{n.at: attr.Number(strconv.FormatInt(c.Time.UnixMicro(), 10))}
	for name, v := range c.Keys {
		row[name] = v
	}
	if have == nil && c.Old != nil {
		row[n.before] = c.Old
	} else if before, ok := have[n.before]; ok {
		row[n.before] = before
	}
	if c.New != nil {
		row[n.after] = c.New
	}
	return row
}

// change writes the line of one item.
func (e *exporter) change(ctx context.Context, n gathered, keys, row attr.Item) error {
	before, was := row[n.before].(attr.Map)
	after, is := row[n.after].(attr.Map)
	if !was && !is {
		return nil
	}
	line := append([]byte(`{"Metadata":{"WriteTimestampMicros":{"N":"`), string(row[n.at].(attr.Number))...)
	line = attr.AppendJSON(append(line, `"}},"Keys":`...), keys)
	size := attr.Size(keys)
	if was && e.j.Window.View == string(types.ExportViewTypeNewAndOldImages) {
		line = attr.AppendJSON(append(line, `,"OldImage":`...), before)
		size += attr.Size(before)
	}
	if is {
		line = attr.AppendJSON(append(line, `,"NewImage":`...), after)
		size += attr.Size(after)
	}
	return e.line(ctx, append(line, "}\n"...), size)
}
