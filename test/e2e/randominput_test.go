package e2e

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/brookmere/brookmere/internal/awswire/model"
)

// words are strings that mean something to one operation or another.
var words = []string{
	"a", "b", "lake", "t", "primary", "AwsDataCatalog", "000000000000", "s3://bkt/x/", "bkt", "SELECT 1", "SELECT * FROM lake.t",
	"CREATE TABLE x AS SELECT 1 a", "arn:aws:s3:::bkt", "arn:aws:iam::000000000000:role/r", "arn:aws:kinesis:us-east-1:000000000000:stream/a",
	"arn:aws:glue:us-east-1:000000000000:database/lake", "shardId-000000000000", "y = 1", "$[*]", "%{IP:a}", "cron(0 1 * * ? *)", "{}", `{"Version":1.0}`,
	"2024-01-01", "1", "2", "int", "string", "array<int>", "struct<a:int>", "org.openx.data.jsonserde.JsonSerDe", "", "é\x00", "../../x", "%", "(", "*", "null",
	strings.Repeat("z", 255), strings.Repeat("z", 70_000),
}

// random makes values of shapes: mostly what the model allows, now and then not.
type random struct{ *rand.Rand }

func (r random) chance(p float64) bool { return r.Float64() < p }

func (r random) value(s *model.Shape, depth int) any {
	if r.chance(0.005) {
		return []any{nil, 5, "x", []any{}, map[string]any{}, true, -1e30, []any{nil}}[r.IntN(8)]
	}
	size := func() int {
		n := r.IntN(3)
		if s.Min != nil && r.chance(0.97) {
			n = max(n, int(min(*s.Min, 4)))
		}
		return n
	}
	switch s.Type {
	case model.Structure:
		out := map[string]any{}
		only := -1
		if s.Union && len(s.Members) > 0 {
			only = r.IntN(len(s.Members))
		}
		for i, m := range s.Members {
			wanted := m.Required && r.chance(0.99) || depth < 5 && r.chance(0.35)
			if depth < 12 && wanted && (only < 0 || i == only) {
				out[m.Name] = r.value(m.Shape, depth+1)
			}
		}
		return out
	case model.List:
		out := []any{}
		for range size() {
			if depth < 12 {
				out = append(out, r.value(s.Elem.Shape, depth+1))
			}
		}
		return out
	case model.Map:
		out := map[string]any{}
		for range size() {
			out[fmt.Sprint(r.value(s.Key.Shape, depth+1))] = r.value(s.Val.Shape, depth+1)
		}
		return out
	case model.Boolean:
		return r.chance(0.5)
	case model.Integer, model.Long, model.Float, model.Double:
		n := []float64{0, 1, 2, 5, 60, 100, 900, -1, math.MaxInt32, 1 << 53}[r.IntN(10)]
		if s.Min != nil && r.chance(0.95) {
			n = max(n, *s.Min)
		}
		if s.Max != nil && r.chance(0.95) {
			n = min(n, *s.Max)
		}
		return n
	case model.Timestamp:
		return []any{0, 1700000000, 1.7e9, -1, 1e18}[r.IntN(5)]
	case model.Blob:
		return []string{"QQ==", "", "eyJhIjoxfQ==", "*"}[r.IntN(4)]
	}
	if len(s.Enum) > 0 && r.chance(0.97) {
		return s.Enum[r.IntN(len(s.Enum))]
	}
	if r.chance(0.5) {
		return words[r.IntN(6)] // so that what is made is met again
	}
	return words[r.IntN(len(words))]
}

// SeedEnv is a number that TestRandomInput makes its values from; 1 without it, so that what it finds it finds again.
const SeedEnv = "BROOKMERE_E2E_SEED"

// TestRandomInput calls every operation with values made from the API's model, from
// several sides: no answer is an internal failure, none is late, and the node lives on.
func TestRandomInput(t *testing.T) {
	n := Start(t)
	expect(t, n, wire{"PUT", "/bkt", nil, nil}, "200")
	seed := uint64(1)
	if text := os.Getenv(SeedEnv); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatalf("%s: %v", SeedEnv, err)
		}
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	answers := map[string]int{}
	end := time.Now().Add(6 * time.Second)
	for side := range uint64(4) {
		wg.Go(func() {
			r := random{rand.New(rand.NewPCG(seed, side))}
			for time.Now().Before(end) {
				a := apis[r.IntN(len(apis))]
				m, err := model.Load(a.name)
				if err != nil {
					t.Error(err)
					return
				}
				name := operationAt(m, r.IntN(len(m.Operations)))
				if name == "SubscribeToShard" { // it answers for five minutes
					continue
				}
				body := []byte("{}")
				if in := m.Operations[name].Input; in != nil {
					if body, err = json.Marshal(r.value(in, 0)); err != nil {
						t.Error(err)
						return
					}
				}
				status, code, text := send(t, n, a.call(name, string(body)))
				if status == 0 || status >= 500 {
					t.Errorf("seed %d: %s %s: %d %s %.200s for %.2000s", seed, a.name, name, status, code, text, body)
				}
				mu.Lock()
				answers[fmt.Sprintf("%s %d", a.name, status)]++
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	n.waitHealthy(t)
	t.Logf("seed %d: %v", seed, answers)
}

// operationAt is the i-th operation's name, in their order.
func operationAt(m *model.Service, i int) string {
	return slices.Sorted(maps.Keys(m.Operations))[i]
}
