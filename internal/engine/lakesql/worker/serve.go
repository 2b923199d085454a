package worker

import (
	"bufio"
	"context"
	"database/sql/driver"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"runtime/debug"
	"sync/atomic"
	"time"

	"github.com/duckdb/duckdb-go/v2"

	"github.com/brookmere/brookmere/internal/engine/lakesql/duck"
	"github.com/brookmere/brookmere/internal/engine/lakesql/udf"
)

// The side of the worker.

// environment has the Settings in JSON where this process is to be a worker.
const environment = "BROOKMERE_QUERY_WORKER"

// firstSlot is the file descriptor of the first pair of sockets.
const firstSlot = 3

// enabled is that this program can be a worker.
var enabled bool

// Main makes a worker of this process if it was started to be one, and does not return then.
// A program calls it first in its main, a test in TestMain. (It cannot be done by an init
// function: threads of DuckDB's that call Go wait until those have run.) Where it was not
// called, DuckDB runs within the process, and its limits are DuckDB's own.
func Main() {
	enabled = true
	text := os.Getenv(environment)
	if text == "" {
		return
	}
	if err := serve(text); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// serve is the life of a worker.
func serve(text string) error {
	var s Settings
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		return fmt.Errorf("read settings: %w", err)
	}
	os.Unsetenv(environment)
	// The collector of this process has little to do: what Go makes here are rows on their way.
	debug.SetMemoryLimit(max(64<<20, s.Memory/4))
	volunteer()
	if err := limitData(s.DataLimit); err != nil {
		return fmt.Errorf("limit the process's memory: %w", err)
	}
	conns := make([]net.Conn, s.Slots)
	for i := range conns {
		f := os.NewFile(uintptr(firstSlot+i), "slot")
		c, err := net.FileConn(f)
		f.Close()
		if err != nil {
			return fmt.Errorf("open slot %d: %w", i, err)
		}
		conns[i] = c
	}
	// The threads that DuckDB shares among queries give way a little: a thread begins with the
	// priority of the one that starts it.
	var connector *duckdb.Connector
	var err error
	niced(5, func() { connector, err = open(s) })
	if err != nil {
		writeFrame(conns[0], frameError, []byte(err.Error()))
		return err
	}
	// Where the parent is gone, so are those who wait for what runs.
	w := &server{connector: connector, gone: func() { os.Exit(0) }}
	for _, c := range conns {
		go w.slot(c)
	}
	if err := writeFrame(conns[0], frameDone, []byte("{}")); err != nil {
		return err
	}
	select {} // until the parent is gone, see slot
}

// macros are functions in DuckDB's own language.
var macros = []string{
	// What fails the query. TRY takes no such function, so within it, it is null.
	"CREATE MACRO __raise(message) AS error(message)",
	"CREATE MACRO __missing(message) AS NULL",
	// The quotient of whole numbers, halves rounded away from zero.
	"CREATE MACRO trino_quotient(n, d) AS CASE WHEN (n < 0) <> (d < 0) THEN -((2 * abs(n) + abs(d)) // (2 * abs(d))) ELSE (2 * abs(n) + abs(d)) // (2 * abs(d)) END",
	// Text as a value of a type, null where Trino's cast fails: DuckDB's take more.
	"CREATE MACRO trino_to_boolean(x) AS CASE lower(x) WHEN 'true' THEN true WHEN 't' THEN true WHEN '1' THEN true WHEN 'false' THEN false WHEN 'f' THEN false WHEN '0' THEN false END",
	"CREATE MACRO trino_to_double(x) AS CASE WHEN contains(x, '_') THEN NULL WHEN isfinite(TRY_CAST(x AS DOUBLE)) OR NOT regexp_matches(x, '[iInN]') THEN TRY_CAST(x AS DOUBLE) WHEN regexp_full_match(trim(x), '[+-]?(NaN|Infinity)') THEN TRY_CAST(ltrim(trim(x), '+') AS DOUBLE) END",
	"CREATE MACRO trino_to_real(x) AS CASE WHEN contains(x, '_') THEN NULL WHEN isfinite(TRY_CAST(x AS FLOAT)) OR NOT regexp_matches(x, '[iInN]') THEN TRY_CAST(x AS FLOAT) WHEN regexp_full_match(trim(x), '[+-]?(NaN|Infinity)') THEN TRY_CAST(ltrim(trim(x), '+') AS FLOAT) END",
	"CREATE MACRO trino_to_date(x) AS CASE WHEN x LIKE '____-__-__' AND NOT contains(x, ' ') OR regexp_full_match(trim(x), '[+-]?[0-9]{1,9}-[0-9]{1,2}-[0-9]{1,2}') THEN TRY_CAST(ltrim(trim(x), '+') AS DATE) END",
	// What is behind the time is a zone, which a timestamp does not have.
	"CREATE MACRO trino_to_micros(x) AS CASE WHEN regexp_full_match(trim(x), '[+-]?[0-9]{4,}-[0-9]{1,2}-[0-9]{1,2}( .*)?') AND NOT regexp_matches(x, ' 2[4-9]:') THEN TRY_CAST(regexp_extract(ltrim(trim(x), '+'), '^[^ ]+( [0-9]{1,2}:[0-9]{1,2}(:[0-9]{1,2}([.][0-9]+)?)?)?') AS TIMESTAMP) END",
	"CREATE MACRO trino_to_timestamp(x) AS date_trunc('millisecond', trino_to_micros(x) + INTERVAL 500 MICROSECOND)",
}

// open starts DuckDB in memory, shut off from all files but those of Dir, from the network,
// from extensions and from its own settings.
func open(s Settings) (*duckdb.Connector, error) {
	allowed := duck.Quote(s.Dir + "/")
	if s.TempDir != "" {
		allowed += ", " + duck.Quote(s.TempDir+"/")
	}
	settings := []string{
		"SET autoinstall_known_extensions=false",
		"SET autoload_known_extensions=false",
		"SET allow_community_extensions=false",
		fmt.Sprintf("SET memory_limit='%dB'", s.Memory),
		fmt.Sprintf("SET threads=%d", s.Threads),
		"SET integer_division=true",
		"SET TimeZone='UTC'",
		"SET enable_progress_bar=false",
		"SET parquet_metadata_cache=true", // of files as they are now: DuckDB looks at their times
		"SET temp_directory=" + duck.Quote(s.SpillDir),
		"SET allowed_directories=[" + allowed + "]",
		"SET enable_external_access=false",
		"SET lock_configuration=true",
	}
	connector, err := duckdb.NewConnector("", nil)
	if err != nil {
		return nil, fmt.Errorf("start DuckDB: %w", err)
	}
	c, err := connector.Connect(context.Background())
	if err != nil {
		return nil, fmt.Errorf("connect to DuckDB: %w", err)
	}
	defer c.Close()
	if err := udf.Register(connector, s.Memory/4/int64(max(1, s.Threads))); err != nil {
		return nil, err
	}
	for _, text := range append(macros, settings...) {
		if _, err := c.(driver.ExecerContext).ExecContext(context.Background(), text, nil); err != nil {
			return nil, fmt.Errorf("%s: %w", text, err)
		}
	}
	return connector, nil
}

type server struct {
	connector *duckdb.Connector
	gone      func() // called where the other side has closed a slot
	running   atomic.Int32
}

// statement is a call that has arrived.
type statement struct {
	ctx  context.Context
	stop context.CancelFunc
	call Call
}

// slot runs the statements of one pair of sockets, one after the other.
func (w *server) slot(c net.Conn) {
	statements := make(chan *statement)
	go func() {
		r := bufio.NewReader(c)
		stop := func() {}
		for {
			kind, payload, err := readFrame(r, nil)
			if err != nil {
				stop()
				close(statements)
				w.gone()
				return
			}
			switch kind {
			case frameStop:
				stop()
			case frameCall:
				st := new(statement)
				if err := json.Unmarshal(payload, &st.call); err != nil {
					panic(fmt.Sprintf("read a call: %v", err)) // the parent wrote it
				}
				st.ctx, st.stop = context.WithCancel(context.Background())
				stop = st.stop
				statements <- st
			}
		}
	}()
	out := bufio.NewWriterSize(c, 128<<10)
	var conn driver.Conn
	for st := range statements {
		var err error
		if conn == nil {
			conn, err = w.connector.Connect(context.Background())
		}
		var done Done
		if err == nil {
			done, err = w.run(st.ctx, conn, st.call, out)
		}
		st.stop()
		kind, payload := byte(frameDone), []byte(nil)
		if err == nil {
			payload, err = json.Marshal(done)
		}
		if err != nil {
			kind, payload = frameError, []byte(message(err))
		}
		if err = writeFrame(out, kind, payload); err == nil {
			err = out.Flush()
		}
		if err != nil {
			w.gone()
		}
	}
	if conn != nil {
		conn.Close()
	}
	c.Close()
}

// message is an error's text, of DuckDB's without what it adds.
func message(err error) string {
	if d, ok := errors.AsType[*duckdb.Error](err); ok {
		return d.Msg
	}
	return err.Error()
}

// run runs a statement. The statements beyond the first that run at once do so on threads that
// give way to all others: many take what processors are left, one alone is as fast as it can be.
func (w *server) run(ctx context.Context, conn driver.Conn, call Call, out *bufio.Writer) (done Done, err error) {
	prepared, err := conn.(driver.ConnPrepareContext).PrepareContext(ctx, call.Text)
	if err != nil {
		return done, err
	}
	stmt := prepared.(*duckdb.Stmt)
	defer stmt.Close()
	if call.Execute {
		var result driver.Result
		w.politely(func() { result, err = stmt.ExecContext(ctx, nil) })
		if err == nil {
			done.Affected, err = result.RowsAffected()
		}
		return done, err
	}
	columns, infos, err := describe(stmt)
	if err != nil {
		return done, err
	}
	var rows driver.Rows
	if !call.Describe {
		w.politely(func() { rows, err = stmt.QueryContext(ctx, nil) })
		if err != nil {
			return done, err
		}
		defer rows.Close()
	}
	text, err := json.Marshal(columns)
	if err != nil {
		return done, err
	}
	if err := writeFrame(out, frameColumns, text); err != nil || call.Describe {
		return done, err
	}
	return done, send(ctx, out, rows, infos, call.Zones)
}

func (w *server) politely(f func()) {
	defer w.running.Add(-1)
	if w.running.Add(1) == 1 {
		f()
		return
	}
	niced(10, f)
}

// niced calls f on a thread of its own, of lower priority, which ends with it. A panic of
// f is the caller's, who may know what to do about it.
func niced(by int, f func()) {
	done := make(chan any)
	go func() {
		defer func() { done <- recover() }()
		runtime.LockOSThread() // and never unlocked, so that the thread ends
		giveWay(by)
		f()
	}()
	if p := <-done; p != nil {
		panic(p)
	}
}

// batchBytes is how much of the rows goes into a frame.
const batchBytes = 64 << 10

// send writes the rows of a result.
func send(ctx context.Context, out *bufio.Writer, rows driver.Rows, infos []duckdb.TypeInfo, zoneNames []string) error {
	zones := make([]*time.Location, len(infos))
	for i, name := range zoneNames {
		if name != "" && i < len(zones) {
			var err error
			if zones[i], err = udf.Location(name); err != nil {
				return err
			}
		}
	}
	values := make([]driver.Value, len(infos))
	var batch, text []byte
	for {
		switch err := rows.Next(values); {
		case errors.Is(err, io.EOF):
			if len(batch) == 0 {
				return nil
			}
			return writeFrame(out, frameRows, batch)
		case err != nil:
			return err
		}
		for i, v := range values {
			if v == nil {
				batch = append(batch, 0)
				continue
			}
			if at, ok := v.(time.Time); ok && zones[i] != nil {
				text = append(append(at.In(zones[i]).AppendFormat(text[:0], "2006-01-02 15:04:05.000"), ' '), zones[i].String()...)
			} else {
				text = appendValue(text[:0], v, infos[i])
			}
			batch = append(binary.AppendUvarint(batch, uint64(len(text))+1), text...)
		}
		if len(batch) >= batchBytes {
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := writeFrame(out, frameRows, batch); err != nil {
				return err
			}
			batch = batch[:0]
		}
	}
}
