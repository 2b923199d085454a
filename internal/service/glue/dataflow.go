package glue

import (
	"cmp"
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"
)

// CreateScript, GetDataflowGraph: a graph of nodes as a script, and back.
//
// Four lines of comment before each call tell of its node: its type, arguments, name and inputs. They alone make the
// graph of a script; a script without them has an empty one, whatever it does. Values of arguments are expressions of
// Python, taken as they are, but that brackets and quotes must be closed. Scala, and nodes of types that are not below,
// are refused.

// maxDataflow bounds the nodes, and the edges, of a graph.
const maxDataflow = 1000

// dataflowInputs are the parameters of the transforms that take inputs; that of most is frame.
var dataflowInputs = map[string][]string{
	"DataSource": {}, "DataSink": nil, "ApplyMapping": nil, "SelectFields": nil, "DropFields": nil, "DropNullFields": nil, "RenameField": nil,
	"ResolveChoice": nil, "Filter": nil, "Map": nil, "FlatMap": {"dfc"}, "SplitFields": nil, "SplitRows": nil, "Relationalize": nil, "Unbox": nil,
	"UnnestFrame": nil, "Spigot": nil, "Join": {"frame1", "frame2"}, "Union": {"frame1", "frame2"},
	"SelectFromCollection": {"dfc"}, "MapToCollection": {"dfc"},
}

func inputsOf(kind string) (list []string, known bool) {
	list, known = dataflowInputs[kind]
	if list == nil {
		list = []string{"frame"}
	}
	return list, known
}

// flowNode is a node of a graph, with its inputs in the order of its parameters.
type flowNode struct {
	id, kind string
	args     []types.CodeGenNodeArg
	inputs   []flowInput
}

type flowInput struct{ parameter, from string }

var (
	pythonName  = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	pythonWords = strings.Fields("False None True and as assert async await break class continue def del elif else except finally for from global if import in is lambda nonlocal not or pass raise return try while with yield")
)

func isPythonName(s string) bool {
	return pythonName.MatchString(s) && !slices.Contains(pythonWords, s)
}

// CreateScript writes the script of a graph.
func (s *Service) CreateScript(_ context.Context, in *glue.CreateScriptInput, _ ...func(*glue.Options)) (*glue.CreateScriptOutput, error) {
	if in.Language == types.LanguageScala {
		return nil, invalidInput("Scripts in Scala are not supported: those in Python are.")
	}
	nodes, err := flowNodes(in)
	if err != nil {
		return nil, err
	}
	return &glue.CreateScriptOutput{PythonScript: aws.String(flowScript(nodes))}, nil
}

// flowNodes checks a graph and returns its nodes, each behind its inputs.
func flowNodes(in *glue.CreateScriptInput) ([]*flowNode, error) {
	if len(in.DagNodes) > maxDataflow || len(in.DagEdges) > maxDataflow {
		return nil, invalidInput("A graph has at most %d nodes and %d edges.", maxDataflow, maxDataflow)
	}
	nodes := make([]*flowNode, 0, len(in.DagNodes))
	byID := make(map[string]*flowNode, len(in.DagNodes))
	for i := range in.DagNodes {
		n, err := newFlowNode(&in.DagNodes[i])
		if err != nil {
			return nil, err
		}
		if byID[n.id] != nil {
			return nil, invalidInput("Two nodes have the identifier %s.", n.id)
		}
		nodes, byID[n.id] = append(nodes, n), n
	}
	for _, e := range in.DagEdges {
		from, to := aws.ToString(e.Source), aws.ToString(e.Target)
		for _, id := range []string{from, to} {
			if byID[id] == nil {
				return nil, invalidInput("An edge from %s to %s: there is no node %s.", from, to, id)
			}
		}
		if byID[from].kind == "DataSink" {
			return nil, invalidInput("The node %s is a DataSink: no edge starts there.", from)
		}
		byID[to].inputs = append(byID[to].inputs, flowInput{aws.ToString(e.TargetParameter), from})
	}
	for _, n := range nodes {
		if err := n.place(); err != nil {
			return nil, err
		}
	}
	return flowOrder(nodes)
}

func newFlowNode(d *types.CodeGenNode) (*flowNode, error) {
	n := &flowNode{id: aws.ToString(d.Id), kind: aws.ToString(d.NodeType)}
	if !isPythonName(n.id) {
		return nil, invalidInput("The identifier %q of a node is not a name of Python.", n.id)
	}
	if _, known := inputsOf(n.kind); !known {
		return nil, invalidInput("Nodes of the type %s are not supported. The node is %s.", n.kind, n.id)
	}
	for _, a := range d.Args {
		name, value := aws.ToString(a.Name), aws.ToString(a.Value)
		switch {
		case !isPythonName(name):
			return nil, invalidInput("The node %s: %q is not a name of an argument.", n.id, name)
		case slices.ContainsFunc(n.args, func(b types.CodeGenNodeArg) bool { return aws.ToString(b.Name) == name }):
			return nil, invalidInput("The node %s has the argument %s twice.", n.id, name)
		case a.Param && !isPythonName(value):
			return nil, invalidInput("The node %s: the argument %s is a parameter, and %q is not a name of one.", n.id, name, value)
		}
		value, err := oneLine(value)
		if err != nil {
			return nil, invalidInput("The node %s: the value of the argument %s %v.", n.id, name, err)
		}
		n.args = append(n.args, types.CodeGenNodeArg{Name: aws.String(name), Value: aws.String(value), Param: a.Param})
	}
	if n.arg("transformation_ctx") == "" {
		n.args = append(n.args, types.CodeGenNodeArg{Name: aws.String("transformation_ctx"), Value: aws.String(py(n.id))})
	}
	return n, nil
}

// arg is the value of an argument; empty: there is none.
func (n *flowNode) arg(name string) string {
	for _, a := range n.args {
		if aws.ToString(a.Name) == name {
			return aws.ToString(a.Value)
		}
	}
	return ""
}

// place gives each input its parameter.
func (n *flowNode) place() error {
	want, _ := inputsOf(n.kind)
	if len(n.inputs) != len(want) {
		return invalidInput("The node %s (%s) has %d inputs: it takes %d.", n.id, n.kind, len(n.inputs), len(want))
	}
	taken := make(map[string]bool)
	for _, x := range n.inputs {
		switch {
		case x.parameter == "":
		case !slices.Contains(want, x.parameter):
			return invalidInput("The node %s (%s) has no input %s.", n.id, n.kind, x.parameter)
		case taken[x.parameter]:
			return invalidInput("The node %s (%s) has two inputs %s.", n.id, n.kind, x.parameter)
		}
		taken[x.parameter] = true
	}
	for i := range n.inputs {
		if n.inputs[i].parameter != "" {
			continue
		}
		free := slices.IndexFunc(want, func(p string) bool { return !taken[p] })
		n.inputs[i].parameter, taken[want[free]] = want[free], true
	}
	slices.SortStableFunc(n.inputs, func(a, b flowInput) int {
		return cmp.Compare(slices.Index(want, a.parameter), slices.Index(want, b.parameter))
	})
	for _, x := range n.inputs {
		if n.arg(x.parameter) != "" {
			return invalidInput("The node %s has the argument %s, which is an edge.", n.id, x.parameter)
		}
	}
	return nil
}

// flowOrder sorts nodes behind their inputs, and else leaves them in their order.
func flowOrder(nodes []*flowNode) ([]*flowNode, error) {
	sorted := make([]*flowNode, 0, len(nodes))
	done := make(map[string]bool, len(nodes))
	for len(sorted) < len(nodes) {
		before := len(sorted)
		for _, n := range nodes {
			if done[n.id] || slices.ContainsFunc(n.inputs, func(x flowInput) bool { return !done[x.from] }) {
				continue
			}
			sorted, done[n.id] = append(sorted, n), true
		}
		if len(sorted) == before {
			i := slices.IndexFunc(nodes, func(n *flowNode) bool { return !done[n.id] })
			return nil, invalidInput("The edges of the graph make a circle: the node %s waits for itself, or for one that does.", nodes[i].id)
		}
	}
	return sorted, nil
}

// flowScript writes nodes that are in order.
func flowScript(nodes []*flowNode) string {
	params := []string{"JOB_NAME"}
	known := map[string]bool{"JOB_NAME": true}
	for _, n := range nodes {
		for _, a := range n.args {
			if v := aws.ToString(a.Value); a.Param && !known[v] {
				params, known[v] = append(params, v), true
			}
		}
	}
	w := &scriptWriter{}
	for _, l := range []string{
		"import sys", "from awsglue.transforms import *", "from awsglue.utils import getResolvedOptions", "from pyspark.context import SparkContext",
		"from awsglue.context import GlueContext", "from awsglue.job import Job", "",
		"## @params: [" + strings.Join(params, ", ") + "]", "args = getResolvedOptions(sys.argv, " + py(params) + ")", "",
		"sc = SparkContext()", "glueContext = GlueContext(sc)", "spark = glueContext.spark_session", "job = Job(glueContext)", `job.init(args["JOB_NAME"], args)`,
	} {
		w.text(l)
	}
	for _, n := range nodes {
		w.flowNode(n)
	}
	w.text("job.commit()")
	return w.b.String()
}

// text writes a line as it is.
func (w *scriptWriter) text(line string) { w.b.WriteString(w.indent + line + "\n") }

func (w *scriptWriter) flowNode(n *flowNode) {
	var told, called, inputs []string
	for _, x := range n.inputs {
		inputs = append(inputs, x.parameter+" = "+x.from)
	}
	called = slices.Clone(inputs)
	for _, a := range n.args {
		name, value := aws.ToString(a.Name), aws.ToString(a.Value)
		told = append(told, name+" = "+value)
		if a.Param {
			value = "args[" + py(value) + "]"
		}
		if n.kind == "ApplyMapping" && name == "mapping" {
			name = "mappings" // as the transform has it
		}
		called = append(called, name+" = "+value)
	}
	w.text("## @type: " + n.kind)
	w.text("## @args: [" + strings.Join(told, ", ") + "]")
	w.text("## @return: " + n.id)
	w.text("## @inputs: [" + strings.Join(inputs, ", ") + "]")
	from := "from_options"
	if n.arg("database") != "" {
		from = "from_catalog"
	}
	call := n.kind + ".apply"
	switch {
	case n.kind == "DataSource":
		call = "glueContext.create_dynamic_frame." + from
	case n.kind == "DataSink" && n.arg("catalog_connection") != "":
		call = "glueContext.write_dynamic_frame.from_jdbc_conf"
	case n.kind == "DataSink":
		call = "glueContext.write_dynamic_frame." + from
	}
	w.text(n.id + " = " + call + "(" + strings.Join(called, ", ") + ")")
}

// oneLine is an expression of Python on one line. An error says what it is not.
func oneLine(s string) (string, error) {
	s = strings.TrimSpace(s)
	if s == "" {
		return "", fmt.Errorf("is empty")
	}
	if strings.ContainsAny(s, "\r\n") {
		if strings.Contains(s, `"""`) || strings.Contains(s, "'''") || strings.Contains(s, "#") || strings.Contains(s, "\\\n") {
			return "", fmt.Errorf("has several lines with text or comments over them")
		}
		lines := strings.FieldsFunc(s, func(r rune) bool { return r == '\r' || r == '\n' })
		for i := range lines {
			lines[i] = strings.TrimSpace(lines[i])
		}
		s = strings.Join(lines, " ")
	}
	if parts, ok := splitPython(s); !ok || len(parts) != 1 {
		return "", fmt.Errorf("is not one expression with its brackets and quotes closed")
	}
	return s, nil
}

// splitPython splits at commas that are in no brackets and no text. It is not ok where brackets or quotes are not closed,
// or where a comment begins.
func splitPython(s string) (parts []string, ok bool) {
	var open []byte
	var quote string
	begin := 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		if quote != "" {
			switch {
			case c == '\\':
				i++
			case strings.HasPrefix(s[i:], quote):
				i += len(quote) - 1
				quote = ""
			}
			continue
		}
		switch c {
		case '"', '\'':
			quote = s[i : i+1]
			if triple := strings.Repeat(quote, 3); strings.HasPrefix(s[i:], triple) {
				quote = triple
				i += 2
			}
		case '(', '[', '{':
			open = append(open, map[byte]byte{'(': ')', '[': ']', '{': '}'}[c])
		case ')', ']', '}':
			if len(open) == 0 || open[len(open)-1] != c {
				return nil, false
			}
			open = open[:len(open)-1]
		case '#', '\\', ';':
			return nil, false
		case ',':
			if len(open) == 0 {
				parts = append(parts, strings.TrimSpace(s[begin:i]))
				begin = i + 1
			}
		}
	}
	return append(parts, strings.TrimSpace(s[begin:])), len(open) == 0 && quote == ""
}

// GetDataflowGraph reads the graph of a script from its comments.
func (s *Service) GetDataflowGraph(_ context.Context, in *glue.GetDataflowGraphInput, _ ...func(*glue.Options)) (*glue.GetDataflowGraphOutput, error) {
	out := &glue.GetDataflowGraphOutput{DagNodes: []types.CodeGenNode{}, DagEdges: []types.CodeGenEdge{}}
	params := make(map[string]bool)
	var n types.CodeGenNode // that is being read
	var inputs []types.CodeGenEdge
	line := 0
	malformed := func(what string) error {
		return invalidInput("The script's annotation in line %d is not valid: %s", line, what)
	}
	unfinished := func() error {
		return invalidInput("The script's annotation in line %d is not valid: the node has no @return and @inputs behind it", n.LineNumber)
	}
	for text := range strings.Lines(aws.ToString(in.PythonScript)) {
		line++
		key, value, ok := annotation(text)
		if !ok {
			continue
		}
		list, closed := bracketed(value)
		switch key {
		case "params":
			if !closed {
				return nil, malformed(value)
			}
			for _, p := range list {
				params[p] = true
			}
		case "type":
			if n.NodeType != nil {
				return nil, unfinished()
			}
			n, inputs = types.CodeGenNode{NodeType: aws.String(value), LineNumber: int32(line), Args: []types.CodeGenNodeArg{}}, nil
		case "args":
			if n.NodeType == nil || !closed {
				return nil, malformed(value)
			}
			for _, a := range list {
				name, v, ok := strings.Cut(a, "=")
				if name, v = strings.TrimSpace(name), strings.TrimSpace(v); !ok || !isPythonName(name) || v == "" {
					return nil, malformed(a)
				}
				n.Args = append(n.Args, types.CodeGenNodeArg{Name: aws.String(name), Value: aws.String(v), Param: params[v]})
			}
		case "return":
			if n.NodeType == nil || !isPythonName(value) {
				return nil, malformed(value)
			}
			n.Id = aws.String(value)
		case "inputs":
			if n.Id == nil || !closed {
				return nil, malformed(value)
			}
			for _, x := range list {
				parameter, from, ok := strings.Cut(x, "=")
				if parameter, from = strings.TrimSpace(parameter), strings.TrimSpace(from); !ok || !isPythonName(parameter) || !isPythonName(from) {
					return nil, malformed(x)
				}
				inputs = append(inputs, types.CodeGenEdge{Source: aws.String(from), Target: n.Id, TargetParameter: aws.String(parameter)})
			}
			out.DagNodes, out.DagEdges = append(out.DagNodes, n), append(out.DagEdges, inputs...)
			n, inputs = types.CodeGenNode{}, nil
		}
	}
	if n.NodeType != nil {
		return nil, unfinished()
	}
	return out, nil
}

// annotation takes a line "## @key: value" apart.
func annotation(line string) (key, value string, ok bool) {
	rest, ok := strings.CutPrefix(strings.TrimSpace(line), "##")
	if !ok {
		return "", "", false
	}
	if rest, ok = strings.CutPrefix(strings.TrimSpace(rest), "@"); !ok {
		return "", "", false
	}
	key, value, ok = strings.Cut(rest, ":")
	return key, strings.TrimSpace(value), ok
}

// bracketed is what is listed in brackets.
func bracketed(s string) (list []string, ok bool) {
	if len(s) < 2 || s[0] != '[' || s[len(s)-1] != ']' {
		return nil, false
	}
	if strings.TrimSpace(s[1:len(s)-1]) == "" {
		return nil, true
	}
	return splitPython(s[1 : len(s)-1])
}
