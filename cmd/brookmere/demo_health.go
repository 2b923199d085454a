package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/glue"
	gluetypes "github.com/aws/aws-sdk-go-v2/service/glue/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	kinesistypes "github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/jonboulle/clockwork"
	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/brookmere/brookmere/internal/console"
	"github.com/brookmere/brookmere/internal/generate"
)

// What the demo of health makes: a stream, a job and a table for what is right, and for what is wrong.
const (
	healthBucket   = "health-lake"
	healthDatabase = "health"
	healthRole     = "health-jobs"
	healthRight    = "patient_stats"
	healthWrong    = "error_message"
)

var healthStreams = []string{healthRight, healthWrong}

func healthJob(stream string) string { return stream + "_to_lake" }

func newDemoHealthCommand() *cobra.Command {
	var (
		flags  demoFlags
		length time.Duration
		rate   int
		clean  bool
	)
	cmd := &cobra.Command{
		Use:   "health",
		Short: "Start a node that validates and streams vital signs, with visual jobs that write Parquet",
		Long: `Start a node, and play the pipeline of examples/health on it: an HTTP endpoint that validates
vital signs puts what is right into one stream and what is wrong into another; two visual Glue
streaming jobs write both as Parquet, with tables that they make and partitions that they add; and
Athena tells what came.

Without --for it goes on until Ctrl-C. --clean removes all that it made, and ends.`,
		Example: `  brookmere demo health
  brookmere demo health --for 20s
  brookmere demo health --clean`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if rate < 1 {
				return fmt.Errorf("--rate %d: send at least one reading a second", rate)
			}
			return flags.on(cmd, func(c *demoClients) error {
				d := newHealthDemo(c, cmd.OutOrStdout())
				if clean {
					return d.clean(cmd.Context())
				}
				return d.run(cmd.Context(), length, float64(rate))
			})
		},
	}
	flags.register(cmd)
	cmd.Flags().DurationVar(&length, "for", 0, "how long to send before the final result; 0 sends until Ctrl-C")
	cmd.Flags().IntVar(&rate, "rate", 50, "readings a second")
	cmd.Flags().BoolVar(&clean, "clean", false, "remove everything that the demo created, and exit")
	quiet(cmd)
	return cmd
}

type healthDemo struct {
	*demoClients
	kinesis *kinesis.Client
	iam     *iam.Client
	out     io.Writer
}

func newHealthDemo(c *demoClients, out io.Writer) *healthDemo {
	return &healthDemo{c, kinesis.NewFromConfig(c.config), iam.NewFromConfig(c.config), out}
}

func (d *healthDemo) step(what, name string) { fmt.Fprintf(d.out, "  %-16s %s\n", what, name) }

func (d *healthDemo) run(ctx context.Context, length time.Duration, rate float64) error {
	fmt.Fprintf(d.out, "Brookmere is up: %s\nIts console:     %s%s\n\n", d.url, d.url, console.Path)
	if err := d.setUp(ctx); err != nil {
		return err
	}
	endpoint, stop, err := d.serve()
	if err != nil {
		return err
	}
	defer stop()
	fmt.Fprintf(d.out, "\nThe validating endpoint is at %s/%s/. Sending %.0f readings a second; about one of ten breaks a rule.\n", endpoint, healthRight, rate)
	source, err := generate.Builtin("patients", generate.Options{Seed: uint64(time.Now().UnixNano())})
	if err != nil {
		return err
	}
	sink := &healthSink{url: endpoint, client: &http.Client{Timeout: time.Minute}}
	feed := &generate.Feed{Source: source, Pattern: generate.Steady(rate), Sink: sink, Clock: clockwork.NewRealClock(), For: length}
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error { return feed.Run(gctx) })
	sent := make(chan error, 1)
	go func() { sent <- g.Wait() }()
	tick := time.NewTicker(5 * time.Second)
	defer tick.Stop()
	for done := false; !done; {
		select {
		case <-tick.C:
			if err := d.ask(ctx); err != nil && ctx.Err() == nil {
				return err
			}
		case err = <-sent:
			done = true
		}
	}
	if err != nil || ctx.Err() != nil {
		fmt.Fprintf(d.out, "\nStopped. What is not in the lake yet is in the streams, and the jobs go on when the node runs again.\n")
		return err
	}
	_, taken, _ := feed.Counts()
	fmt.Fprintf(d.out, "\n%d readings were answered. Waiting until they are in the lake.\n", taken)
	if err := poll(ctx, 200*time.Millisecond, func() (bool, error) {
		n, err := d.count(ctx)
		return n >= taken, err
	}); err != nil {
		return err
	}
	return d.ask(ctx)
}

// setUp makes what the pipeline needs and leaves what an earlier run made.
func (d *healthDemo) setUp(ctx context.Context) error {
	for _, name := range healthStreams {
		_, err := d.kinesis.CreateStream(ctx, &kinesis.CreateStreamInput{StreamName: &name, ShardCount: aws.Int32(1)})
		if err := unless(err, "ResourceInUseException"); err != nil {
			return fmt.Errorf("create stream %s: %w", name, err)
		}
		if err := kinesis.NewStreamExistsWaiter(d.kinesis).Wait(ctx, &kinesis.DescribeStreamInput{StreamName: &name}, time.Minute); err != nil {
			return err
		}
		d.step("stream", name)
	}
	err := d.createBucket(ctx, healthBucket)
	if err := unless(err, "BucketAlreadyOwnedByYou"); err != nil {
		return fmt.Errorf("create bucket %s: %w", healthBucket, err)
	}
	d.step("bucket", healthBucket)
	_, err = d.glue.CreateDatabase(ctx, &glue.CreateDatabaseInput{DatabaseInput: &gluetypes.DatabaseInput{Name: aws.String(healthDatabase)}})
	if err := unless(err, "AlreadyExistsException"); err != nil {
		return fmt.Errorf("create database %s: %w", healthDatabase, err)
	}
	d.step("database", healthDatabase)
	_, err = d.iam.CreateRole(ctx, &iam.CreateRoleInput{RoleName: aws.String(healthRole), AssumeRolePolicyDocument: aws.String(
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"glue.amazonaws.com"},"Action":"sts:AssumeRole"}]}`)})
	if err := unless(err, "EntityAlreadyExists", "EntityAlreadyExistsException"); err != nil {
		return fmt.Errorf("create role %s: %w", healthRole, err)
	}
	if _, err := d.iam.PutRolePolicy(ctx, &iam.PutRolePolicyInput{RoleName: aws.String(healthRole), PolicyName: aws.String("lake"), PolicyDocument: aws.String(
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["kinesis:*","s3:*","glue:*","logs:*"],"Resource":"*"}]}`)}); err != nil {
		return err
	}
	d.step("role", healthRole)
	for _, name := range healthStreams {
		if err := d.startJob(ctx, name); err != nil {
			return fmt.Errorf("job %s: %w", healthJob(name), err)
		}
		d.step("visual job", healthJob(name))
	}
	if err := d.dashboard(ctx, healthDatabase); err != nil {
		return err
	}
	d.step("dashboard", healthDatabase)
	return nil
}

// startJob makes the job of a stream, unless it is there, and starts a run, unless one goes on.
func (d *healthDemo) startJob(ctx context.Context, stream string) error {
	summary, err := d.kinesis.DescribeStreamSummary(ctx, &kinesis.DescribeStreamSummaryInput{StreamName: &stream})
	if err != nil {
		return err
	}
	job := healthJob(stream)
	_, err = d.glue.CreateJob(ctx, &glue.CreateJobInput{
		Name: &job, Role: aws.String("arn:aws:iam::" + d.account + ":role/" + healthRole), JobMode: gluetypes.JobModeVisual,
		Command:     &gluetypes.JobCommand{Name: aws.String("gluestreaming"), ScriptLocation: aws.String("s3://" + healthBucket + "/scripts/" + job + ".py"), PythonVersion: aws.String("3")},
		GlueVersion: aws.String("4.0"), WorkerType: gluetypes.WorkerTypeG1x, NumberOfWorkers: aws.Int32(2),
		DefaultArguments: map[string]string{"--TempDir": "s3://" + healthBucket + "/temporary/"},
		CodeGenConfigurationNodes: map[string]gluetypes.CodeGenConfigurationNode{
			"node-1": {DirectKinesisSource: &gluetypes.DirectKinesisSource{
				Name: aws.String("Amazon Kinesis"), WindowSize: aws.Int32(2), DetectSchema: aws.Bool(true),
				StreamingOptions: &gluetypes.KinesisStreamingSourceOptions{
					StreamArn: summary.StreamDescriptionSummary.StreamARN, Classification: aws.String("json"), StartingPosition: gluetypes.StartingPositionEarliest,
				},
			}},
			"node-2": {S3GlueParquetTarget: &gluetypes.S3GlueParquetTarget{
				Name: aws.String("Amazon S3"), Inputs: []string{"node-1"}, Path: aws.String("s3://" + healthBucket + "/" + stream + "/"), Compression: gluetypes.ParquetCompressionTypeSnappy,
				SchemaChangePolicy: &gluetypes.DirectSchemaChangePolicy{
					EnableUpdateCatalog: aws.Bool(true), UpdateBehavior: gluetypes.UpdateCatalogBehaviorUpdateInDatabase, Database: aws.String(healthDatabase), Table: &stream,
				},
			}},
		},
	})
	if err := unless(err, "AlreadyExistsException"); err != nil {
		return err
	}
	_, err = d.glue.StartJobRun(ctx, &glue.StartJobRunInput{JobName: &job})
	return unless(err, "ConcurrentRunsExceededException")
}

// vitals is what the endpoint takes.
type vitals struct {
	Diastolic   *float64 `json:"blood_pressure_diastolic"`
	Systolic    *float64 `json:"blood_pressure_systolic"`
	Temperature *float64 `json:"body_temperature"`
	Glucose     *float64 `json:"glucose_level"`
	HeartRate   *float64 `json:"heart_rate"`
	Oxygen      *float64 `json:"oxygen_saturation"`
	Patient     *string  `json:"patient"`
	Respiratory *float64 `json:"respiratory_rate"`
	Time        *string  `json:"time"`
}

func (v *vitals) check() error {
	for name, missing := range map[string]bool{
		"blood_pressure_diastolic": v.Diastolic == nil, "blood_pressure_systolic": v.Systolic == nil, "body_temperature": v.Temperature == nil,
		"glucose_level": v.Glucose == nil, "heart_rate": v.HeartRate == nil, "oxygen_saturation": v.Oxygen == nil, "patient": v.Patient == nil,
		"respiratory_rate": v.Respiratory == nil, "time": v.Time == nil,
	} {
		if missing {
			return errors.New(name + " is missing")
		}
	}
	switch {
	case *v.Diastolic >= *v.Systolic:
		return errors.New("the diastolic pressure is below the systolic")
	case *v.Oxygen < 0 || *v.Oxygen > 100:
		return errors.New("oxygen_saturation is a percentage")
	}
	return nil
}

// serve is the service of the example as a handler: POST /patient_stats/ and /error_message/.
func (d *healthDemo) serve() (url string, stop func(), err error) {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /"+healthRight+"/", func(w http.ResponseWriter, r *http.Request) {
		var v vitals
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
		if err == nil {
			err = json.Unmarshal(body, &v)
		}
		if err == nil {
			err = v.check()
		}
		if err != nil {
			answer(w, http.StatusUnprocessableEntity, map[string]string{"detail": err.Error()})
			return
		}
		d.put(w, r, healthRight, body)
	})
	mux.HandleFunc("POST /"+healthWrong+"/", func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
		if err != nil {
			answer(w, http.StatusUnprocessableEntity, map[string]string{"detail": err.Error()})
			return
		}
		d.put(w, r, healthWrong, body)
	})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	s := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = s.Serve(l) }()
	return "http://" + l.Addr().String(), func() { _ = s.Close() }, nil
}

func (d *healthDemo) put(w http.ResponseWriter, r *http.Request, stream string, data []byte) {
	out, err := d.kinesis.PutRecords(r.Context(), &kinesis.PutRecordsInput{
		StreamName: &stream, Records: []kinesistypes.PutRecordsRequestEntry{{Data: data, PartitionKey: aws.String("partition_key")}},
	})
	if err == nil && aws.ToInt32(out.FailedRecordCount) > 0 {
		err = errors.New(aws.ToString(out.Records[0].ErrorMessage))
	}
	if err != nil {
		answer(w, http.StatusServiceUnavailable, map[string]string{"detail": err.Error()})
		return
	}
	answer(w, http.StatusOK, map[string]string{"SequenceNumber": aws.ToString(out.Records[0].SequenceNumber)})
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

// healthSink is the generator of the example: it posts readings, and reports to the service what it refused.
type healthSink struct {
	url    string
	client *http.Client
}

func (*healthSink) Limits() (records, bytes int) { return 1, 1 << 20 }

func (s *healthSink) Put(ctx context.Context, batch []generate.Record) (int, error) {
	for i, r := range batch {
		status, detail, err := s.post(ctx, healthRight, r.Data)
		if err == nil && status == http.StatusUnprocessableEntity {
			var message []byte
			message, err = json.MarshalIndent(map[string]any{"error_message": detail, "payload": string(r.Data), "status_code": status}, "", "    ")
			if err == nil {
				status, detail, err = s.post(ctx, healthWrong, message)
			}
		}
		if err == nil && status != http.StatusOK {
			err = fmt.Errorf("the endpoint answers %d: %s", status, detail)
		}
		if err != nil {
			return i, err
		}
	}
	return len(batch), nil
}

func (s *healthSink) post(ctx context.Context, path string, body []byte) (int, string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url+"/"+path+"/", bytes.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, 1<<16))
	return resp.StatusCode, string(bytes.TrimSpace(text)), err
}

// tables reports which of the tables the jobs have made.
func (d *healthDemo) tables(ctx context.Context) (map[string]bool, error) {
	out, err := d.glue.GetTables(ctx, &glue.GetTablesInput{DatabaseName: aws.String(healthDatabase)})
	if err != nil {
		return nil, err
	}
	made := make(map[string]bool)
	for _, t := range out.TableList {
		made[*t.Name] = true
	}
	return made, nil
}

// ask prints what the lake says of the patients and of the errors, as far as there are tables.
func (d *healthDemo) ask(ctx context.Context) error {
	made, err := d.tables(ctx)
	if err != nil {
		return err
	}
	for _, q := range [][2]string{
		{healthRight, "SELECT patient, count(*) AS readings, round(avg(heart_rate), 1) AS heart_rate, max(time) AS last FROM " + healthRight + " GROUP BY 1 ORDER BY 1"},
		{healthWrong, "SELECT error_message, count(*) AS readings FROM " + healthWrong + " GROUP BY 1 ORDER BY 2 DESC"},
	} {
		stream, question := q[0], q[1]
		if !made[stream] {
			fmt.Fprintf(d.out, "\nThe job %s has no window yet.\n", healthJob(stream))
			continue
		}
		rows, err := d.queryAt(ctx, healthDatabase, "s3://"+healthBucket+"/results/", question)
		if err != nil {
			return err
		}
		fmt.Fprintf(d.out, "\n%s\n\n", question)
		printTable(d.out, rows)
	}
	return nil
}

// count is how many readings are in the lake, right and wrong.
func (d *healthDemo) count(ctx context.Context) (int64, error) {
	made, err := d.tables(ctx)
	if err != nil {
		return 0, err
	}
	var total int64
	for _, stream := range healthStreams {
		if !made[stream] {
			continue
		}
		rows, err := d.queryAt(ctx, healthDatabase, "s3://"+healthBucket+"/results/", "SELECT count(*) FROM "+stream)
		if err != nil || len(rows) < 2 {
			return 0, err
		}
		n, err := strconv.ParseInt(rows[1][0], 10, 64)
		if err != nil {
			return 0, err
		}
		total += n
	}
	return total, nil
}

// clean removes what the demo made.
func (d *healthDemo) clean(ctx context.Context) error {
	if err := d.removeDashboard(ctx, healthDatabase); err != nil {
		return err
	}
	d.step("removed", "dashboard "+healthDatabase)
	for _, stream := range healthStreams {
		job := healthJob(stream)
		runs, err := d.glue.GetJobRuns(ctx, &glue.GetJobRunsInput{JobName: &job})
		if err := unless(err, "EntityNotFoundException"); err != nil {
			return err
		}
		var going []string
		if runs != nil {
			for _, r := range runs.JobRuns {
				if r.JobRunState == gluetypes.JobRunStateRunning || r.JobRunState == gluetypes.JobRunStateStarting {
					going = append(going, *r.Id)
				}
			}
		}
		if len(going) > 0 {
			if _, err := d.glue.BatchStopJobRun(ctx, &glue.BatchStopJobRunInput{JobName: &job, JobRunIds: going}); err != nil {
				return err
			}
		}
		if _, err := d.glue.DeleteJob(ctx, &glue.DeleteJobInput{JobName: &job}); err != nil {
			return err
		}
		d.step("removed", "job "+job)
		_, err = d.kinesis.DeleteStream(ctx, &kinesis.DeleteStreamInput{StreamName: &stream})
		if err := unless(err, "ResourceNotFoundException"); err != nil {
			return err
		}
		d.step("removed", "stream "+stream)
	}
	_, err := d.glue.DeleteDatabase(ctx, &glue.DeleteDatabaseInput{Name: aws.String(healthDatabase)})
	if err := unless(err, "EntityNotFoundException"); err != nil {
		return err
	}
	d.step("removed", "database "+healthDatabase)
	if err := d.removeBucket(ctx, healthBucket); err != nil {
		return err
	}
	d.step("removed", "bucket "+healthBucket)
	_, err = d.iam.DeleteRolePolicy(ctx, &iam.DeleteRolePolicyInput{RoleName: aws.String(healthRole), PolicyName: aws.String("lake")})
	if err := unless(err, "NoSuchEntity", "NoSuchEntityException"); err != nil {
		return err
	}
	_, err = d.iam.DeleteRole(ctx, &iam.DeleteRoleInput{RoleName: aws.String(healthRole)})
	if err := unless(err, "NoSuchEntity", "NoSuchEntityException"); err != nil {
		return err
	}
	d.step("removed", "role "+healthRole)
	return nil
}
