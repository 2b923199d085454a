package streamsql

// Plan is a compiled application. It is immutable, and may be run by several Apps.
type Plan struct {
	streams []Stream
}

// StreamKind says where a stream's rows come from.
type StreamKind uint8

// The kinds of streams.
const (
	SourceStream StreamKind = iota // records
	PumpedStream                   // pumps
	ErrorsStream                   // error_stream
)

// Stream is an in-application stream. ROWTIME is not among its columns.
type Stream struct {
	Name    string
	Kind    StreamKind
	Columns []Column
}

// Compile parses and checks an application: every stream, pump and function of its text. The
// error is an *Error with the position of the first mistake. Names in double quotes are taken as
// they are, others in upper case, as SQLstream does.
func Compile(code string, sources []Source, references []Reference) (*Plan, error) {
	return nil, &Error{Message: "streaming SQL cannot be compiled yet"}
}

// Streams are the application's streams: the sources, those it creates in their order, and
// error_stream.
func (p *Plan) Streams() []Stream { return p.streams }

// Explain describes the operators that every pump runs as.
func (p *Plan) Explain() string { return "" }
