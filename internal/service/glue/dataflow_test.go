package glue

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"
)

// FuzzDataflowGraph reads scripts; what is read and can be written again is read as the same graph.
func FuzzDataflowGraph(f *testing.F) {
	for _, s := range []string{
		"## @params: [a]\n## @type: DataSource\n## @args: [database = \"d, [\", x = a]\n## @return: s\n## @inputs: []\n",
		"## @type: Map\n## @return: m\n## @inputs: [frame = a]", "##@type:x", "## @args: [a = '''x''', b = {1: [2]}]", "## @inputs: [,]",
	} {
		f.Add(s)
	}
	s := new(Service)
	f.Fuzz(func(t *testing.T, script string) {
		got, err := s.GetDataflowGraph(t.Context(), &glue.GetDataflowGraphInput{PythonScript: aws.String(script)})
		if err != nil {
			return
		}
		made, err := s.CreateScript(t.Context(), &glue.CreateScriptInput{DagNodes: got.DagNodes, DagEdges: got.DagEdges})
		if err != nil {
			return // a type that is not known, a circle
		}
		again, err := s.GetDataflowGraph(t.Context(), &glue.GetDataflowGraphInput{PythonScript: made.PythonScript})
		if err != nil {
			t.Fatalf("%v in %s", err, *made.PythonScript)
		}
		if len(again.DagNodes) != len(got.DagNodes) || len(again.DagEdges) != len(got.DagEdges) {
			t.Fatalf("%d nodes and %d edges, were %d and %d", len(again.DagNodes), len(again.DagEdges), len(got.DagNodes), len(got.DagEdges))
		}
	})
}

// TestPlansAreGraphs: the script of a plan is read as the graph that makes it.
func TestPlansAreGraphs(t *testing.T) {
	nodes := []*flowNode{
		flow("datasource0", "DataSource", "", "database", `"a\"], ["`, "table_name", `"t"`),
		flow("datasink1", "DataSink", "datasource0", "connection_options", `{"path": "s3://b/#x"}`),
	}
	text := flowScript(nodes)
	got, err := new(Service).GetDataflowGraph(t.Context(), &glue.GetDataflowGraphInput{PythonScript: aws.String(text)})
	if err != nil {
		t.Fatal(err)
	}
	want := []types.CodeGenEdge{{Source: aws.String("datasource0"), Target: aws.String("datasink1"), TargetParameter: aws.String("frame")}}
	if !reflect.DeepEqual(got.DagEdges, want) || len(got.DagNodes) != 2 {
		t.Fatalf("%+v", got)
	}
	for i := range got.DagNodes {
		if !reflect.DeepEqual(got.DagNodes[i].Args, nodes[i].args) {
			t.Errorf("arguments of %s: %+v", *got.DagNodes[i].Id, got.DagNodes[i].Args)
		}
	}
}

// TestLargestGraph: a chain that is given backwards is sorted, one that is longer is refused.
func TestLargestGraph(t *testing.T) {
	id := func(i int) *string { return aws.String("n" + strings.Repeat("x", i)) }
	in := &glue.CreateScriptInput{}
	for i := range maxDataflow {
		kind := "Filter"
		if i == maxDataflow-1 {
			kind = "DataSource"
		} else {
			in.DagEdges = append(in.DagEdges, types.CodeGenEdge{Source: id(i + 1), Target: id(i)})
		}
		in.DagNodes = append(in.DagNodes, types.CodeGenNode{Id: id(i), NodeType: aws.String(kind)})
	}
	out, err := new(Service).CreateScript(t.Context(), in)
	if err != nil || strings.Count(*out.PythonScript, "## @type") != maxDataflow {
		t.Fatal(err)
	}
	in.DagNodes = append(in.DagNodes, types.CodeGenNode{Id: aws.String("more"), NodeType: aws.String("DataSource")})
	if _, err := new(Service).CreateScript(t.Context(), in); code(err) != "InvalidInputException" {
		t.Error(err)
	}
}

// TestLongScriptAnnotations: a script of many parameters and arguments is read in time that grows with its length alone.
// (With its square, this one took minutes.)
func TestLongScriptAnnotations(t *testing.T) {
	const many = 150_000
	var b strings.Builder
	list := func(entry string) {
		for i := range many {
			fmt.Fprintf(&b, entry+", ", i)
		}
	}
	b.WriteString("## @params: [")
	list("p%d")
	b.WriteString("q7]\n## @type: Map\n## @args: [")
	list("a = q%d")
	b.WriteString("a = p7]\n## @return: m\n## @inputs: [frame = a]\n")
	got, err := new(Service).GetDataflowGraph(t.Context(), &glue.GetDataflowGraphInput{PythonScript: aws.String(b.String())})
	if err != nil {
		t.Fatal(err)
	}
	args := got.DagNodes[0].Args
	if len(args) != many+1 || args[6].Param || !args[7].Param || args[8].Param || !args[many].Param {
		t.Errorf("%d arguments, %+v", len(args), args[6:9])
	}
}
