package dynamodb

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// FuzzWrittenParameters reads a value beside JSON that need not be that of the value: what
// it finds is wrong in the value, or nothing.
func FuzzWrittenParameters(f *testing.F) {
	value := &types.AttributeValueMemberM{Value: map[string]types.AttributeValue{
		"low":  &types.AttributeValueMemberN{Value: "1e-131"},
		"high": &types.AttributeValueMemberN{Value: "1e126"},
		"fine": &types.AttributeValueMemberS{Value: "x"},
		"list": &types.AttributeValueMemberL{Value: []types.AttributeValue{
			&types.AttributeValueMemberBOOL{Value: true}, &types.AttributeValueMemberN{Value: "abc"},
		}},
	}}
	list := `"list":{"L":[{"BOOL":true},{"N":"abc"}]}`
	for _, order := range [][]string{
		{`"fine":{"S":"x"}`, `"low":{"N":"1e-131"}`, `"high":{"N":"1e126"}`, list},
		{list, `"high":{"N":"1e126"}`, `"low":{"N":"1e-131"}`, `"fine":{"S":"x"}`},
		{`"high":{"N":"1e126"}`, list, `"other":null`, `"list":3`},
		{`"":{"N":"1"}`},
	} {
		f.Add(`{"Statements":[{"Parameters":[{"M":{` + strings.Join(order, ",") + `}}]}]}`)
	}
	f.Add(`{"Statements":[{"Parameters":[{"M":[`)
	wrong := []string{"underflow", "overflow", "numeric value: abc", "Empty attribute name"}
	f.Fuzz(func(t *testing.T, body string) {
		err := written{[]byte(body), "Statements", 0}.firstWrong(0, value)
		if err == nil {
			return
		}
		for _, w := range wrong {
			if strings.Contains(err.Error(), w) {
				return
			}
		}
		t.Fatalf("%s: %v", body, err)
	})
}

// What is wrong with the value that was written first is told, whatever its name.
func TestWrittenOrder(t *testing.T) {
	value := &types.AttributeValueMemberM{Value: map[string]types.AttributeValue{
		"a": &types.AttributeValueMemberN{Value: "1e126"}, "b": &types.AttributeValueMemberN{Value: "1e-131"},
	}}
	for body, want := range map[string]string{
		`{"Parameters":[{"S":"x"},{"M":{"a":{"N":"1e126"},"b":{"N":"1e-131"}}}]}`: "overflow",
		`{"Parameters":[{"S":"x"},{"M":{"b":{"N":"1e-131"},"a":{"N":"1e126"}}}]}`: "underflow",
	} {
		err := written{body: []byte(body)}.firstWrong(1, value)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, not the %s", body, err, want)
		}
	}
	if err := (written{}).firstWrong(0, value); err != nil {
		t.Errorf("without JSON: %v", err)
	}
}
