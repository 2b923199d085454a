package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/brookmere/brookmere/internal/awskit/shardreader"
	"github.com/brookmere/brookmere/internal/engine/schemaheader"
	"github.com/brookmere/brookmere/internal/engine/schemarecord"
)

type tailOptions struct {
	from     string
	shards   []string
	json     bool
	count    int
	noFollow bool
}

func newStreamsTailCommand(c *awsClient) *cobra.Command {
	var o tailOptions
	cmd := &cobra.Command{
		Use:   "tail NAME",
		Short: "Print a stream's records as they arrive",
		Long: `Print the records of a stream, a line each: when it arrived, its shard, its partition key
and its data. JSON and other text is printed as it is, JSON of several lines as one line,
line breaks of other text as \n, and anything else in base64. A header of the Glue
Schema Registry is taken off: schema: and the id of the schema's version stand in its place,
and a record in Avro or Protocol Buffers is printed as the JSON that its schema makes of it.

All shards are followed, and those that come of splits and merges after their parents,
so that the records of a partition key come in their order. Ctrl-C ends it.`,
		Example: `  brookmere streams tail clicks                           # what arrives from now on
  brookmere streams tail clicks --from trim_horizon       # all that is kept
  brookmere streams tail clicks --from 15m --no-follow    # the last 15 minutes
  brookmere streams tail clicks --from 2026-01-01T12:00:00Z --json | jq .data`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			t := &tail{
				client: kinesis.NewFromConfig(c.config()), stream: args[0], tailOptions: o,
				out: newRecordPrinter(cmd.OutOrStdout(), o.json),
			}
			t.out.schemas.Lookup = lookSchemasUp(cmd.Context(), glue.NewFromConfig(c.config()), time.Now)
			return c.plain(t.run(cmd.Context()))
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.from, "from", "latest", "latest, trim_horizon, a time (RFC 3339), or how long ago (15m)")
	f.StringSliceVar(&o.shards, "shard", nil, "only this `shard` and its children, such as shardId-000000000001 or 1; may be repeated")
	f.BoolVar(&o.json, "json", false, "print one JSON object per line")
	f.IntVarP(&o.count, "count", "n", 0, "stop after this many records; 0 means no limit")
	f.BoolVar(&o.noFollow, "no-follow", false, "stop at the current end of the stream")
	return cmd
}

// tail follows a stream by a goroutine a shard.
type tail struct {
	tailOptions
	client *kinesis.Client
	stream string
	out    *recordPrinter

	mu   sync.Mutex
	left int // records that may still be printed, if count is set
}

var errEnough = errors.New("enough records")

func (t *tail) run(ctx context.Context) error {
	start, filter, err := t.begin(time.Now())
	if err != nil {
		return err
	}
	user := ctx
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	t.left = t.count
	shards, err := listShards(ctx, t.client, &kinesis.ListShardsInput{StreamName: &t.stream, ShardFilter: filter})
	if err != nil {
		return quietEnd(user, err)
	}
	only, err := t.choose(shards)
	if err != nil {
		return err
	}
	r := shardreader.New(shardreader.Kinesis(t.client, t.stream), nil, shardreader.Options{
		Start: start, Only: only, PollWait: tailPoll, IdleWait: tailPoll,
		Events: shardreader.Events{Failed: func(_ string, err error, _ int, _ time.Duration) { stop(err) }},
	})
	defer r.Close()
	until := shardreader.Forever
	if t.noFollow {
		until = shardreader.Tip
	}
	err = r.Run(ctx, nil, until, func(ctx context.Context, s *shardreader.Shard[types.Record]) error {
		for {
			records, err := s.Next(ctx, shardreader.Limits{})
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err != nil {
				return err
			}
			if err := t.print(s.ID, records); err != nil {
				return err
			}
		}
	})
	if err := t.out.flush(); err != nil {
		return err
	}
	if errors.Is(err, errEnough) {
		return nil
	}
	return quietEnd(user, err)
}

// tailPoll is the pause between reads of a shard that has nothing new: Kinesis allows
// five a second.
const tailPoll = 220 * time.Millisecond

// quietEnd drops the error of a user's Ctrl-C.
func quietEnd(user context.Context, err error) error {
	if user.Err() != nil {
		return nil
	}
	return err
}

// begin says where reading begins, and in which shards.
func (t *tail) begin(now time.Time) (shardreader.Start, *types.ShardFilter, error) {
	switch strings.ToLower(t.from) {
	case "latest":
		return shardreader.Start{Kind: shardreader.Latest}, &types.ShardFilter{Type: types.ShardFilterTypeAtLatest}, nil
	case "trim_horizon", "trim-horizon", "start":
		return shardreader.Start{Kind: shardreader.TrimHorizon}, &types.ShardFilter{Type: types.ShardFilterTypeFromTrimHorizon}, nil
	}
	at, err := time.Parse(time.RFC3339, t.from)
	if err != nil {
		ago, derr := time.ParseDuration(t.from)
		if derr != nil {
			return shardreader.Start{}, nil, fmt.Errorf("--from %s: want latest, trim_horizon, a time as %s, or how long ago as 15m", t.from, now.UTC().Format(time.RFC3339))
		}
		at = now.Add(-ago.Abs())
	}
	if at.After(now) {
		return shardreader.Start{}, nil, fmt.Errorf("--from %s: that is in the future", t.from)
	}
	return shardreader.Start{Kind: shardreader.AtTime, Time: at}, &types.ShardFilter{Type: types.ShardFilterTypeFromTimestamp, Timestamp: &at}, nil
}

// choose reports which shards --shard names: nil for all.
func (t *tail) choose(all []types.Shard) (func(string) bool, error) {
	if len(t.shards) == 0 {
		return nil, nil
	}
	chosen := make(map[string]bool)
	for _, name := range t.shards {
		i := slices.IndexFunc(all, func(s types.Shard) bool { return *s.ShardId == name || shortShard(*s.ShardId) == shortShard(name) })
		if i < 0 {
			return nil, fmt.Errorf("--shard %s: the stream %s has no such shard to read from there; brookmere streams describe %s lists them", name, t.stream, t.stream)
		}
		chosen[*all[i].ShardId] = true
	}
	return func(shard string) bool { return chosen[shard] }, nil
}

// print prints records of a shard, in one piece.
func (t *tail) print(shard string, records []types.Record) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	enough := false
	if t.count > 0 {
		records = records[:min(len(records), t.left)]
		t.left -= len(records)
		enough = t.left == 0
	}
	for i := range records {
		if err := t.out.print(shard, &records[i]); err != nil {
			return err
		}
	}
	if err := t.out.flush(); err != nil {
		return err
	}
	if enough {
		return errEnough
	}
	return nil
}

// recordPrinter writes records, a line each.
type recordPrinter struct {
	out   io.Writer
	json  bool
	color bool
	buf   bytes.Buffer

	schemas schemarecord.Reader
}

const (
	schemaPatience = 5 * time.Second // how long one look at the Schema Registry may take
	schemaAgain    = time.Minute     // after which a version that could not be had is asked for again
	maxRefused     = 1000            // versions that are known not to be had
)

// schemas is where versions of schemas are looked up.
type schemas interface {
	GetSchemaVersion(context.Context, *glue.GetSchemaVersionInput, ...func(*glue.Options)) (*glue.GetSchemaVersionOutput, error)
}

// refusal is why a version cannot be had, and until when it is not asked for.
type refusal struct {
	err   error
	until time.Time
}

// lookSchemasUp asks the registry for versions: for one that cannot be had not for each of its records.
func lookSchemasUp(ctx context.Context, registry schemas, now func() time.Time) schemarecord.Lookup {
	refused := make(map[string]refusal)
	return func(version string) (schemarecord.Schema, error) {
		if r, ok := refused[version]; ok && now().Before(r.until) {
			return schemarecord.Schema{}, r.err
		}
		ctx, cancel := context.WithTimeout(ctx, schemaPatience)
		defer cancel()
		out, err := registry.GetSchemaVersion(ctx, &glue.GetSchemaVersionInput{SchemaVersionId: &version})
		if err != nil {
			if len(refused) >= maxRefused {
				clear(refused)
			}
			refused[version] = refusal{err, now().Add(schemaAgain)}
			return schemarecord.Schema{}, err
		}
		delete(refused, version)
		return schemarecord.Schema{Format: string(out.DataFormat), Definition: aws.ToString(out.SchemaDefinition)}, nil
	}
}

func newRecordPrinter(out io.Writer, asJSON bool) *recordPrinter {
	f, ok := out.(*os.File)
	return &recordPrinter{out: out, json: asJSON, color: ok && term.IsTerminal(int(f.Fd())) && os.Getenv("NO_COLOR") == ""}
}

// recordLine is a record in JSON. Data is its JSON value or its text; what is neither is
// in DataBase64.
type recordLine struct {
	Shard          string          `json:"shard"`
	SequenceNumber string          `json:"sequence_number"`
	PartitionKey   string          `json:"partition_key"`
	Arrived        time.Time       `json:"arrived"`
	SchemaVersion  string          `json:"schema_version,omitempty"` // of the Glue Schema Registry
	Data           json.RawMessage `json:"data,omitempty"`
	DataBase64     []byte          `json:"data_base64,omitempty"`
}

func (p *recordPrinter) print(shard string, r *types.Record) error {
	arrived := aws.ToTime(r.ApproximateArrivalTimestamp)
	version, data, _ := schemaheader.Split(r.Data)
	if version != "" && p.schemas.Encoded(r.Data) {
		if text, err := p.schemas.AppendJSON(nil, r.Data); err == nil {
			data = text
		}
	}
	if p.json {
		l := recordLine{Shard: shard, SequenceNumber: aws.ToString(r.SequenceNumber), PartitionKey: aws.ToString(r.PartitionKey), Arrived: arrived.UTC(), SchemaVersion: version}
		switch {
		case json.Valid(data):
			l.Data = data
		case utf8.Valid(data):
			l.Data, _ = json.Marshal(string(data)) // text always has a form
		default:
			l.DataBase64 = data
		}
		return json.NewEncoder(&p.buf).Encode(l)
	}
	dim, plain := "", ""
	if p.color {
		dim, plain = "\x1b[2m", "\x1b[0m"
	}
	fmt.Fprintf(&p.buf, "%s%s  %s  %s%s  ", dim, arrived.Local().Format("2006-01-02 15:04:05.000"), shortShard(shard), printable(aws.ToString(r.PartitionKey)), plain)
	if version != "" {
		p.buf.WriteString("schema:" + version + " ")
	}
	if text := bytes.TrimRight(data, "\r\n"); isText(text) {
		p.buf.Write(text)
	} else if lines := asOneLine(text); lines != nil {
		p.buf.Write(lines)
	} else {
		p.buf.WriteString("base64:")
		p.buf.WriteString(base64.StdEncoding.EncodeToString(data))
	}
	p.buf.WriteByte('\n')
	return nil
}

// isText says that data can go to a terminal as one line.
func isText(data []byte) bool {
	return utf8.Valid(data) && bytes.IndexFunc(data, func(r rune) bool { return unicode.IsControl(r) && r != '\t' }) < 0
}

// asOneLine is text of several lines as one: JSON without its line breaks and indentation,
// other text with \r and \n where lines end. It is nil for what is not text.
func asOneLine(data []byte) []byte {
	var compact bytes.Buffer
	if json.Compact(&compact, data) == nil && isText(compact.Bytes()) {
		return compact.Bytes()
	}
	text := bytes.ReplaceAll(bytes.ReplaceAll(data, []byte("\r"), []byte(`\r`)), []byte("\n"), []byte(`\n`))
	if !isText(text) {
		return nil
	}
	return text
}

func printable(s string) string {
	if isText([]byte(s)) {
		return s
	}
	return fmt.Sprintf("%q", s)
}

func (p *recordPrinter) flush() error {
	_, err := p.out.Write(p.buf.Bytes())
	p.buf.Reset()
	return err
}
