package metricmath

// Kind is what an expression gives, as far as that is known without its data.
type Kind int

// Kinds of values.
const (
	Scalar    Kind = iota
	OneSeries      // one time series, or a scalar where an IF says so
	Array          // any number of time series
)

// Kind is what the expression gives. of says what an id that it names gives.
func (e *Expr) Kind(of func(id string) Kind) Kind { return e.root.kind(of) }

func (n *node) kind(of func(id string) Kind) Kind {
	arg := func(i int) Kind { return n.args[i].kind(of) }
	switch n.op {
	case "number", "text", "word":
		return Scalar
	case "id":
		return of(n.name)
	case "neg":
		return arg(0)
	case "list":
		return Array
	case "call":
	default: // an operator of two
		return max(arg(0), arg(1))
	}
	switch n.name {
	case "METRICS", "SEARCH", "SORT", "REMOVE_EMPTY", "ANOMALY_DETECTION_BAND":
		return Array
	case "PERIOD", "METRIC_COUNT":
		return Scalar
	case "TIME_SERIES", "FIRST", "LAST":
		return OneSeries
	case "SLICE":
		if len(n.args) == 3 {
			return Array
		}
		return OneSeries
	case "IF": // of the values if the condition is a scalar, else by its points
		if len(n.args) == 3 {
			return max(arg(0), arg(1), arg(2))
		}
		return OneSeries
	case "SUM", "AVG", "MIN", "MAX", "STDDEV", "DATAPOINT_COUNT":
		if len(n.args) == 1 && arg(0) != Array {
			return Scalar
		}
		return OneSeries
	}
	return arg(0) // point by point
}

// Calls reports whether the expression calls a function anywhere.
func (e *Expr) Calls(function string) bool { return e.root.calls(function) }

func (n *node) calls(function string) bool {
	if n.op == "call" && n.name == function {
		return true
	}
	for i := range n.args {
		if n.args[i].calls(function) {
			return true
		}
	}
	return false
}

// IsBand reports whether the expression is a band of what is expected, and nothing else.
func (e *Expr) IsBand() bool { return e.root.op == "call" && e.root.name == "ANOMALY_DETECTION_BAND" }
