package main

import (
	"bufio"
	"bytes"
	"context"
	"database/sql"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	_ "github.com/duckdb/duckdb-go/v2" // what deliveries are compared with, and read back by
	"github.com/spf13/cobra"

	"github.com/aws/aws-sdk-go-v2/aws"
	firehosetypes "github.com/aws/aws-sdk-go-v2/service/firehose/types"
	"github.com/aws/aws-sdk-go-v2/service/glue"
	gluetypes "github.com/aws/aws-sdk-go-v2/service/glue/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/brookmere/brookmere/internal/generate"
	"github.com/brookmere/brookmere/internal/node"
	"github.com/brookmere/brookmere/internal/nodeapi"
)

const benchBucket = "bench"

// batchRecords is the most that PutRecords and PutRecordBatch take.
const batchRecords = 500

// benchDelivery measures how fast a backlog in the log becomes objects.
type benchDelivery struct {
	records int
	data    string
	json    bool

	out, progress io.Writer
	node          *childNode
	clients       *demoClients
}

// deliveryResult is one line of the table.
type deliveryResult struct {
	Name       string  `json:"name"`
	Records    int     `json:"records"`
	Bytes      int64   `json:"bytes"` // of JSON
	Seconds    float64 `json:"seconds"`
	CPUSeconds float64 `json:"cpu_seconds,omitempty"`
	Rate       float64 `json:"records_per_second"`
	Rows       int64   `json:"rows_read_back,omitempty"` // from the objects' files, by DuckDB
	Objects    int64   `json:"objects,omitempty"`
	PeakMemory int64   `json:"peak_memory_bytes,omitempty"` // of the node's process
}

func newBenchDeliveryCommand() *cobra.Command {
	b := new(benchDelivery)
	cmd := &cobra.Command{
		Use:   "delivery",
		Short: "Benchmark the delivery of a backlog into the lake",
		Long: `Start a temporary node, put readings of devices (150 bytes of JSON each) to delivery
streams that are on hold, release one after the other, and time each until all is in
objects: as Snappy Parquet in one partition, in a hundred partitions, and unconverted.
Read the files back with DuckDB and compare the counts. For scale, have DuckDB convert
the same newline-delimited JSON to Parquet, and write a file of the same size to disk.`,
		Example: `  brookmere bench delivery
  brookmere bench delivery --records 5000000 --json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if b.records < 1 {
				return fmt.Errorf("--records %d: deliver at least one", b.records)
			}
			b.out, b.progress = cmd.OutOrStdout(), cmd.ErrOrStderr()
			return b.run(cmd.Context())
		},
	}
	cmd.Flags().IntVar(&b.records, "records", 2_000_000, "records per run")
	cmd.Flags().StringVar(&b.data, "data", "", "`directory` for temporary data (default: the system's)")
	cmd.Flags().BoolVar(&b.json, "json", false, "print JSON")
	return cmd
}

func (b *benchDelivery) run(ctx context.Context) (err error) {
	dir, err := os.MkdirTemp(b.data, "brookmere-bench-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if b.node, err = startChildNode(ctx, filepath.Join(dir, "node")); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.node.stop()) }()
	b.clients = newDemoClients(b.node.url, node.DefaultConfig().Account)
	if err := b.setUp(ctx); err != nil {
		return err
	}
	var results []deliveryResult
	file := filepath.Join(dir, "readings.json")
	for _, s := range []struct {
		name       string
		parquet    bool
		partitions int
	}{{"parquet", true, 1}, {"parquet, 100 partitions", true, 100}, {"unconverted", false, 1}} {
		r, err := b.measure(ctx, s.name, s.parquet, s.partitions, file)
		if err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		results = append(results, r)
	}
	b.sayf("DuckDB converts the same JSON ...\n")
	r, err := b.duckdb(ctx, file)
	if err != nil {
		return fmt.Errorf("DuckDB: %w", err)
	}
	results = append(results, r)
	if r, err = b.disk(file); err != nil {
		return fmt.Errorf("write to disk: %w", err)
	}
	results = append(results, r)
	if b.json {
		return printJSON(b.out, results)
	}
	rows := [][]string{{"", "RECORDS/S", "MB/S", "SECONDS", "CPU SECONDS", "OBJECTS", "READ BACK", "PEAK MEMORY"}}
	for _, r := range results {
		row := []string{r.Name, fmt.Sprintf("%.0f", r.Rate), fmt.Sprintf("%.0f", float64(r.Bytes)/r.Seconds/1e6), fmt.Sprintf("%.2f", r.Seconds), "", "", "", ""}
		if r.CPUSeconds > 0 {
			row[4] = fmt.Sprintf("%.2f", r.CPUSeconds)
		}
		if r.Objects > 0 {
			row[5], row[6] = fmt.Sprint(r.Objects), fmt.Sprint(r.Rows)
		}
		if r.PeakMemory > 0 {
			row[7] = fmt.Sprintf("%d MiB", r.PeakMemory>>20)
		}
		rows = append(rows, row)
	}
	printTable(b.out, rows)
	return nil
}

func (b *benchDelivery) sayf(format string, args ...any) { fmt.Fprintf(b.progress, format, args...) }

func (b *benchDelivery) setUp(ctx context.Context) error {
	if _, err := b.clients.s3.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: aws.String(benchBucket)}); err != nil {
		return err
	}
	if _, err := b.clients.glue.CreateDatabase(ctx, &glue.CreateDatabaseInput{DatabaseInput: &gluetypes.DatabaseInput{Name: aws.String(demoDatabase)}}); err != nil {
		return err
	}
	_, err := b.clients.glue.CreateTable(ctx, &glue.CreateTableInput{
		DatabaseName: aws.String(demoDatabase),
		TableInput:   &gluetypes.TableInput{Name: aws.String(demoSchema), StorageDescriptor: &gluetypes.StorageDescriptor{Columns: readingColumns()}},
	})
	return err
}

// measure fills a delivery stream that is on hold and times its delivery. The first one
// leaves what it puts in file, too.
func (b *benchDelivery) measure(ctx context.Context, name string, parquet bool, partitions int, file string) (deliveryResult, error) {
	r := deliveryResult{Name: name, Records: b.records}
	stream := strings.NewReplacer(", ", "-", " ", "-").Replace(name)
	in := b.clients.deliveryStream()
	in.DeliveryStreamName = &stream
	c := in.ExtendedS3DestinationConfiguration
	c.BucketARN = aws.String("arn:aws:s3:::" + benchBucket)
	c.Prefix, c.ErrorOutputPrefix = aws.String(stream+"/"), aws.String("errors/")
	c.BufferingHints = &firehosetypes.BufferingHints{SizeInMBs: aws.Int32(128), IntervalInSeconds: aws.Int32(900)}
	if partitions == 1 {
		c.DynamicPartitioningConfiguration, c.ProcessingConfiguration = nil, nil
	} else {
		*c.Prefix += "!{partitionKeyFromQuery:timestamp_sent}/"
	}
	if !parquet {
		c.DataFormatConversionConfiguration = nil
	}
	if _, err := b.clients.firehose.CreateDeliveryStream(ctx, in); err != nil {
		return r, err
	}
	d := &deliveries{awsClient: awsClient{endpoint: b.node.url}}
	var status nodeapi.Delivery
	if err := d.call(ctx, http.MethodPost, "/"+stream+"/hold", &status); err != nil {
		return r, err
	}
	b.sayf("%s: putting %d records ...\n", name, b.records)
	var err error
	if r.Bytes, err = b.fill(ctx, stream, partitions, file); err != nil {
		return r, err
	}
	b.node.resetPeak()
	b.sayf("%s: delivering ...\n", name)
	cpu, start := b.node.cpu(), time.Now()
	if err := d.call(ctx, http.MethodPost, "/"+stream+"/release", &status); err != nil {
		return r, err
	}
	if err := d.call(ctx, http.MethodPost, "/"+stream+"/flush", &status); err != nil {
		return r, err
	}
	r.Seconds = time.Since(start).Seconds()
	r.CPUSeconds = b.node.cpu() - cpu
	r.PeakMemory = b.node.peak()
	r.Rate = float64(r.Records) / r.Seconds
	r.Objects = status.Objects
	r.Rows, err = b.readBack(ctx, filepath.Join(b.node.data, "objects", benchBucket, stream), parquet)
	if err == nil && r.Rows != int64(b.records) {
		err = fmt.Errorf("put %d records, and %d are in the objects", b.records, r.Rows)
	}
	return r, err
}

// fill puts the records by several connections.
func (b *benchDelivery) fill(ctx context.Context, stream string, partitions int, file string) (int64, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var lines *bufio.Writer // nil: a run before this one has written the file
	if f, err := os.OpenFile(file, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600); err == nil {
		defer f.Close()
		lines = bufio.NewWriterSize(f, 1<<20)
	}
	bodies := make(chan []byte, 8)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for body := range bodies {
				if err := b.putBatch(ctx, body); err != nil {
					cancel(err)
					return
				}
			}
		})
	}
	var (
		g     = generate.NewIoT(1)
		t     = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
		line  []byte
		total int64
	)
	for at := 0; at < b.records && ctx.Err() == nil; at += batchRecords {
		body := fmt.Appendf(nil, `{"DeliveryStreamName":%q,"Records":[`, stream)
		for i := at; i < min(at+batchRecords, b.records); i++ {
			line = g.Append(line[:0], t.Add(time.Duration(i%partitions)*time.Hour+time.Duration(i)*time.Microsecond))
			total += int64(len(line))
			if i > at {
				body = append(body, ',')
			}
			body = append(body, `{"Data":"`...)
			body = base64.StdEncoding.AppendEncode(body, line)
			body = append(body, `"}`...)
			if lines != nil {
				if _, err := lines.Write(append(line, '\n')); err != nil {
					return 0, err
				}
			}
		}
		select {
		case bodies <- append(body, "]}"...):
		case <-ctx.Done():
		}
	}
	close(bodies)
	wg.Wait()
	if lines != nil {
		if err := lines.Flush(); err != nil {
			return 0, err
		}
	}
	return total, context.Cause(ctx)
}

// putBatch posts a PutRecordBatch. The SDK's client would take longer than the node.
func (b *benchDelivery) putBatch(ctx context.Context, body []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, b.node.url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-amz-json-1.1")
	req.Header.Set("X-Amz-Target", "Firehose_20150804.PutRecordBatch")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err == nil && (resp.StatusCode != http.StatusOK || !bytes.Contains(text, []byte(`"FailedPutCount":0`))) {
		err = fmt.Errorf("put records: %s: %.200s", resp.Status, text)
	}
	return err
}

// readBack counts the records in the files below dir, by a reader that is not ours.
func (b *benchDelivery) readBack(ctx context.Context, dir string, parquet bool) (n int64, err error) {
	db, err := sql.Open("duckdb", "")
	if err != nil {
		return 0, err
	}
	defer db.Close()
	query := fmt.Sprintf("SELECT count(*) FROM read_parquet('%s/**/*.parquet')", dir)
	if !parquet { // the records have no newline between them
		query = fmt.Sprintf(`SELECT CAST(sum(length(content) - length(replace(content, '"id_device"', '_device"'))) / 3 AS BIGINT)
			FROM read_text('%s/**/*')`, dir)
	}
	err = db.QueryRowContext(ctx, query).Scan(&n)
	return n, err
}

func (b *benchDelivery) duckdb(ctx context.Context, file string) (deliveryResult, error) {
	r := deliveryResult{Name: "DuckDB, JSON file to Parquet", Records: b.records}
	info, err := os.Stat(file)
	if err != nil {
		return r, err
	}
	db, err := sql.Open("duckdb", "")
	if err != nil {
		return r, err
	}
	defer db.Close()
	cpu, start := ownCPU(), time.Now()
	if _, err := db.ExecContext(ctx, fmt.Sprintf(`COPY (SELECT * FROM read_json('%s', format = 'newline_delimited', columns = {temperature: 'INTEGER',
		cpu: 'DOUBLE', ram: 'DOUBLE', hd: 'DOUBLE', timestamp: 'VARCHAR', timestamp_sent: 'VARCHAR', id_device: 'INTEGER'}))
		TO '%s.parquet' (FORMAT parquet, COMPRESSION snappy)`, file, file)); err != nil {
		return r, err
	}
	r.Seconds, r.CPUSeconds, r.Bytes = time.Since(start).Seconds(), ownCPU()-cpu, info.Size()
	r.Rate = float64(r.Records) / r.Seconds
	return r, nil
}

// disk writes as much as the records are, in large blocks, and syncs once.
func (b *benchDelivery) disk(file string) (deliveryResult, error) {
	r := deliveryResult{Name: "the disk, written in sequence", Records: b.records}
	info, err := os.Stat(file)
	if err != nil {
		return r, err
	}
	f, err := os.Create(file + ".copy")
	if err != nil {
		return r, err
	}
	block := bytes.Repeat([]byte("0123456789abcdef"), 1<<16)
	start := time.Now()
	for r.Bytes = 0; r.Bytes < info.Size() && err == nil; r.Bytes += int64(len(block)) {
		_, err = f.Write(block)
	}
	if err == nil {
		err = f.Sync()
	}
	r.Seconds = time.Since(start).Seconds()
	r.Rate = float64(r.Records) / r.Seconds
	return r, errors.Join(err, f.Close())
}
