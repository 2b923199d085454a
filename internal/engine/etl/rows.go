package etl

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/brookmere/brookmere/internal/engine/hivetype"
)

// Transforms of rows: Filter, Route, DropDuplicates, Union, Join.

// Condition is one comparison of a filter. Values are paths or constants.
type Condition struct {
	Op      string // EQ, LT, GT, LTE, GTE, REGEX, ISNULL
	Negated bool
	Values  []Operand
}

// Operand is a path, or else a constant.
type Operand struct {
	Path     []string
	Constant string
}

func (c Condition) check() error {
	want := 2
	switch c.Op {
	case "EQ", "LT", "GT", "LTE", "GTE":
	case "REGEX":
		if len(c.Values) == 2 {
			if _, err := regexp.Compile(c.Values[1].Constant); err != nil || c.Values[1].Path != nil {
				return fmt.Errorf("%q is not a regular expression", c.Values[1].Constant)
			}
		}
	case "ISNULL":
		want = 1
	default:
		return fmt.Errorf("there is no operation %q", c.Op)
	}
	if len(c.Values) != want {
		return fmt.Errorf("%s compares %d values, not %d", c.Op, want, len(c.Values))
	}
	return nil
}

// Filters are conditions, of which one must hold (Or) or all.
type Filters struct {
	Or         bool
	Conditions []Condition
}

func (t Filters) check() error {
	if len(t.Conditions) == 0 {
		return errors.New("it has no condition")
	}
	for _, c := range t.Conditions {
		if err := c.check(); err != nil {
			return err
		}
	}
	return nil
}

// compile makes the test of a row.
func (t Filters) compile(f *Frame) func(row []any) bool {
	var tests []func(row []any) bool
	for _, c := range t.Conditions {
		test := c.compile(f)
		tests = append(tests, func(row []any) bool { return test(row) != c.Negated })
	}
	return func(row []any) bool {
		for _, test := range tests {
			if test(row) == t.Or {
				return t.Or
			}
		}
		return !t.Or
	}
}

func (c Condition) compile(f *Frame) func(row []any) bool {
	operand := func(o Operand) func(row []any) any {
		if o.Path == nil {
			return func([]any) any { return o.Constant }
		}
		if value, _ := f.at(o.Path); value != nil {
			return value
		}
		return func([]any) any { return nil }
	}
	a := operand(c.Values[0])
	switch c.Op {
	case "ISNULL":
		return func(row []any) bool { return a(row) == nil }
	case "REGEX":
		re := regexp.MustCompile(c.Values[1].Constant)
		return func(row []any) bool {
			v := a(row)
			return v != nil && re.MatchString(textOf(v))
		}
	}
	b := operand(c.Values[1])
	return func(row []any) bool {
		x, y := a(row), b(row)
		if x == nil || y == nil {
			return false
		}
		n := compare(x, y)
		switch c.Op {
		case "EQ":
			return n == 0
		case "LT":
			return n < 0
		case "GT":
			return n > 0
		case "LTE":
			return n <= 0
		}
		return n >= 0
	}
}

// compare orders values: numbers as numbers, also against text that is one, else as text.
func compare(a, b any) int {
	_, aText := a.(string)
	_, bText := b.(string)
	if !aText || !bText {
		if x, ok := a.(int64); ok {
			if y, ok := b.(int64); ok {
				return cmpOrder(x, y)
			}
		}
		x, okA := toFloat(a)
		y, okB := toFloat(b)
		_, aBool := a.(bool)
		_, bBool := b.(bool)
		if okA && okB && !aBool && !bBool {
			return cmpOrder(x, y)
		}
	}
	return strings.Compare(textOf(a), textOf(b))
}

func cmpOrder[T int64 | float64](a, b T) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

func filtered(f *Frame, rows [][]any, keep func(row []any) bool) *Frame {
	out := &Frame{Columns: f.Columns}
	for _, row := range rows {
		if keep(row) {
			out.rows = append(out.rows, row)
		}
	}
	return out
}

// Filter keeps the rows for which the filters hold.
type Filter struct{ Filters }

// Check implements Transform.
func (t Filter) Check(n int) error { return errors.Join(oneInput(n), t.check()) }

// Apply implements Transform.
func (t Filter) Apply(_ context.Context, in []*Frame) ([]*Frame, error) {
	return []*Frame{filtered(in[0], in[0].Rows(), t.compile(in[0]))}, nil
}

// Route makes a collection of a frame a group, and one of the rows of no group.
type Route struct{ Groups []Filters }

// Check implements Transform.
func (t Route) Check(n int) error {
	errs := []error{oneInput(n)}
	for _, g := range t.Groups {
		errs = append(errs, g.check())
	}
	return errors.Join(errs...)
}

// Apply implements Transform.
func (t Route) Apply(_ context.Context, in []*Frame) ([]*Frame, error) {
	f, rows := in[0], in[0].Rows()
	var tests []func(row []any) bool
	var out []*Frame
	for _, g := range t.Groups {
		test := g.compile(f)
		tests = append(tests, test)
		out = append(out, filtered(f, rows, test))
	}
	return append(out, filtered(f, rows, func(row []any) bool {
		return !slices.ContainsFunc(tests, func(test func([]any) bool) bool { return test(row) })
	})), nil
}

// rowKey is a text that equals that of another row where the values do.
func rowKey(b []byte, row []any, columns []int) []byte {
	for _, i := range columns {
		b = append(appendJSON(b, row[i]), 0)
	}
	return b
}

func allColumns(f *Frame) []int {
	all := make([]int, len(f.Columns))
	for i := range all {
		all[i] = i
	}
	return all
}

// DropDuplicates keeps the first of the rows that are equal in columns; none: in all.
type DropDuplicates struct{ Columns [][]string }

// Check implements Transform.
func (t DropDuplicates) Check(n int) error { return errors.Join(oneInput(n), checkPaths(t.Columns)) }

// Apply implements Transform.
func (t DropDuplicates) Apply(_ context.Context, in []*Frame) ([]*Frame, error) {
	f := in[0]
	columns := allColumns(f)
	if len(t.Columns) > 0 {
		columns = columns[:0]
		for _, p := range t.Columns {
			i := f.Column(strings.Join(p, "."))
			if i < 0 {
				return nil, fmt.Errorf("there is no column %q", strings.Join(p, "."))
			}
			columns = append(columns, i)
		}
	}
	seen := make(map[string]bool)
	var key []byte
	return []*Frame{filtered(f, f.Rows(), func(row []any) bool {
		key = rowKey(key[:0], row, columns)
		if seen[string(key)] {
			return false
		}
		seen[string(key)] = true
		return true
	})}, nil
}

// Union puts frames behind each other, columns by name; Distinct: equal rows once.
type Union struct{ Distinct bool }

// Check implements Transform.
func (t Union) Check(n int) error {
	if n < 2 {
		return fmt.Errorf("it takes two inputs, not %d", n)
	}
	return nil
}

// Apply implements Transform.
func (t Union) Apply(ctx context.Context, in []*Frame) ([]*Frame, error) {
	out := &Frame{}
	for _, f := range in {
		for _, c := range f.Columns {
			if i := out.Column(c.Name); i < 0 {
				out.Columns = append(out.Columns, c)
			} else {
				out.Columns[i].Type = Widest(out.Columns[i].Type, c.Type)
			}
		}
	}
	for _, f := range in {
		to := make([]int, len(f.Columns))
		for i, c := range f.Columns {
			to[i] = out.Column(c.Name)
		}
		for _, row := range f.Rows() {
			r := make([]any, len(out.Columns))
			for i, v := range row {
				c := out.Columns[to[i]]
				if r[to[i]] = v; !c.Type.Equal(f.Columns[i].Type) {
					r[to[i]], _ = cast(v, c.Type)
				}
			}
			out.rows = append(out.rows, r)
		}
	}
	if t.Distinct {
		return DropDuplicates{}.Apply(ctx, []*Frame{out})
	}
	return []*Frame{out}, nil
}

// Join joins two frames on keys that are equal. Left and Right are as many paths.
type Join struct {
	Type        string // equijoin, left, right, outer, leftsemi, leftanti
	Left, Right [][]string
}

// Check implements Transform.
func (t Join) Check(n int) error {
	if n != 2 {
		return fmt.Errorf("it takes two inputs, not %d", n)
	}
	if len(t.Left) == 0 || len(t.Left) != len(t.Right) {
		return errors.New("both sides of a join have the same number of keys, at least one")
	}
	if !slices.Contains([]string{"equijoin", "left", "right", "outer", "leftsemi", "leftanti"}, t.Type) {
		return fmt.Errorf("there is no join type %q", t.Type)
	}
	return errors.Join(checkPaths(t.Left), checkPaths(t.Right))
}

// keyTypes are what the keys of two sides are compared as; nil: as they are.
func keyTypes(left, right *Frame, l, r [][]string) []*hivetype.Type {
	types := make([]*hivetype.Type, len(l))
	for i := range l {
		_, a := left.at(l[i])
		_, b := right.at(r[i])
		if a == nil || b == nil || a.Equal(b) {
			continue
		}
		switch text := hivetype.String; { // as Spark: a text becomes what it is compared with
		case a.Kind == text && b.Kind == hivetype.Decimal, b.Kind == text && a.Kind == hivetype.Decimal:
			types[i] = doubleType
		case a.Kind == text && !nests(b):
			types[i] = b
		case b.Kind == text && !nests(a):
			types[i] = a
		case numberRank(a.Kind) > 0 && numberRank(b.Kind) > 0:
			types[i] = Widest(a, b)
		}
	}
	return types
}

// nests says whether a type has others within it.
func nests(t *hivetype.Type) bool {
	return t.Kind == hivetype.Array || t.Kind == hivetype.Map || t.Kind == hivetype.Struct
}

func keysOf(f *Frame, paths [][]string, types []*hivetype.Type) (func(b []byte, row []any) ([]byte, bool), error) {
	var values []func([]any) any
	for _, p := range paths {
		v, _ := f.at(p)
		if v == nil {
			return nil, fmt.Errorf("there is no column %q", strings.Join(p, "."))
		}
		values = append(values, v)
	}
	return func(b []byte, row []any) ([]byte, bool) {
		for i, value := range values {
			v := value(row)
			if types[i] != nil {
				v, _ = cast(v, types[i])
			}
			if v == nil {
				return b, false
			}
			if f, ok := v.(float64); ok && f == float64(int64(f)) {
				v = int64(f)
			}
			b = append(appendJSON(b, v), 0)
		}
		return b, true
	}, nil
}

// maxJoined bounds the bytes of the rows that a join makes, without the values that they share with its inputs.
var maxJoined int64 = 1 << 30

// Apply implements Transform.
func (t Join) Apply(ctx context.Context, in []*Frame) ([]*Frame, error) {
	left, right := in[0], in[1]
	types := keyTypes(left, right, t.Left, t.Right)
	leftKey, err := keysOf(left, t.Left, types)
	if err != nil {
		return nil, err
	}
	rightKey, err := keysOf(right, t.Right, types)
	if err != nil {
		return nil, err
	}
	out := &Frame{Columns: slices.Clone(left.Columns)}
	semi := t.Type == "leftsemi" || t.Type == "leftanti"
	if !semi {
		for _, c := range right.Columns {
			for out.Column(c.Name) >= 0 {
				c.Name = "." + c.Name // as Glue tells the columns of the right side apart
			}
			out.Columns = append(out.Columns, c)
		}
	}
	rows := right.Rows()
	index := make(map[string][]int)
	var key []byte
	for i, row := range rows {
		k, ok := rightKey(key[:0], row)
		if key = k; ok {
			index[string(k)] = append(index[string(k)], i)
		}
	}
	matched := make([]bool, len(rows))
	wide := len(left.Columns)
	most := int(maxJoined / int64(24+16*len(out.Columns)))
	for n, row := range left.Rows() {
		if n%4096 == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		k, ok := leftKey(key[:0], row)
		key = k
		var found []int
		if ok {
			found = index[string(k)]
		}
		if semi {
			if (len(found) > 0) == (t.Type == "leftsemi") {
				out.rows = append(out.rows, row)
			}
			continue
		}
		for _, i := range found {
			matched[i] = true
			joined := append(make([]any, 0, len(out.Columns)), row...)
			out.rows = append(out.rows, append(joined, rows[i]...))
			if len(out.rows) > most { // one row may have partners without end
				return nil, ErrTooLarge
			}
			if len(out.rows)%4096 == 0 && ctx.Err() != nil {
				return nil, ctx.Err()
			}
		}
		if len(found) == 0 && (t.Type == "left" || t.Type == "outer") {
			out.rows = append(out.rows, append(slices.Clone(row), make([]any, len(right.Columns))...))
		}
		if len(out.rows) > most {
			return nil, ErrTooLarge
		}
	}
	if t.Type == "right" || t.Type == "outer" {
		for i, row := range rows {
			if !matched[i] {
				out.rows = append(out.rows, append(make([]any, wide, len(out.Columns)), row...))
			}
		}
	}
	return []*Frame{out}, nil
}

// Aggregate groups rows by columns and gives one row a group.
type Aggregate struct {
	Groups [][]string
	Aggs   []Aggregation
}

// Aggregation is one column of an Aggregate.
type Aggregation struct {
	Func   string // avg, count, countDistinct, first, last, max, min, sum, sumDistinct
	Column []string
}

// Check implements Transform.
func (t Aggregate) Check(n int) error {
	for _, a := range t.Aggs {
		if !slices.Contains([]string{"avg", "count", "countDistinct", "first", "last", "max", "min", "sum", "sumDistinct"}, a.Func) {
			return fmt.Errorf("the aggregation %q is not supported", a.Func)
		}
		if len(a.Column) == 0 {
			return errors.New("an aggregation has no column")
		}
	}
	return errors.Join(oneInput(n), checkPaths(t.Groups))
}

// Apply implements Transform.
func (t Aggregate) Apply(_ context.Context, in []*Frame) ([]*Frame, error) {
	f := in[0]
	out := &Frame{}
	var groups []func([]any) any
	for _, p := range t.Groups {
		v, typ := f.at(p)
		if v == nil {
			return nil, fmt.Errorf("there is no column %q", strings.Join(p, "."))
		}
		groups = append(groups, v)
		out.Columns = append(out.Columns, Column{p[len(p)-1], typ})
	}
	var values []func([]any) any
	for _, a := range t.Aggs {
		v, typ := f.at(a.Column)
		if v == nil {
			return nil, fmt.Errorf("there is no column %q", strings.Join(a.Column, "."))
		}
		values = append(values, v)
		switch {
		case a.Func == "avg", strings.HasPrefix(a.Func, "sum") && typ.Kind != hivetype.BigInt && typ.Kind != hivetype.Int:
			typ = doubleType
		case strings.HasPrefix(a.Func, "sum"), strings.HasPrefix(a.Func, "count"):
			typ = bigintType
		}
		out.Columns = append(out.Columns, Column{a.Func + "(" + strings.Join(a.Column, ".") + ")", typ})
	}
	type group struct {
		key    []any
		values [][]any
	}
	index := make(map[string]*group)
	var order []*group
	var key []byte
	for _, row := range f.Rows() {
		k := make([]any, len(groups))
		key = key[:0]
		for i, g := range groups {
			k[i] = g(row)
			key = append(appendJSON(key, k[i]), 0)
		}
		g := index[string(key)]
		if g == nil {
			g = &group{key: k, values: make([][]any, len(values))}
			index[string(key)], order = g, append(order, g)
		}
		for i, value := range values {
			if v := value(row); v != nil {
				g.values[i] = append(g.values[i], v)
			}
		}
	}
	for _, g := range order {
		row := slices.Clone(g.key)
		for i, a := range t.Aggs {
			v, _ := cast(aggregate(a.Func, g.values[i]), out.Columns[len(groups)+i].Type)
			row = append(row, v)
		}
		out.rows = append(out.rows, row)
	}
	return []*Frame{out}, nil
}

func aggregate(function string, values []any) any {
	if rest, ok := strings.CutSuffix(function, "Distinct"); ok {
		seen := make(map[string]bool)
		values = slices.DeleteFunc(slices.Clone(values), func(v any) bool {
			k := string(appendJSON(nil, v))
			was := seen[k]
			seen[k] = true
			return was
		})
		function = rest
	}
	if function == "count" {
		return int64(len(values))
	}
	if len(values) == 0 {
		return nil
	}
	switch function {
	case "first":
		return values[0]
	case "last":
		return values[len(values)-1]
	case "max":
		return slices.MaxFunc(values, compare)
	case "min":
		return slices.MinFunc(values, compare)
	}
	sum, whole, exact := 0.0, int64(0), true
	for _, v := range values {
		if n, ok := v.(int64); ok {
			whole += n
			sum += float64(n)
			continue
		}
		exact = false
		x, _ := toFloat(v)
		sum += x
	}
	if function == "avg" {
		return sum / float64(len(values))
	}
	if exact {
		return whole
	}
	return sum
}
