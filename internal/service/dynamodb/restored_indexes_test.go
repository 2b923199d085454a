package dynamodb

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
)

// TestRestoredIndexes restores tables of both billing modes with indexes that are theirs, and with ones
// that are not.
func TestRestoredIndexes(t *testing.T) {
	h := newHarness(t, Config{BackupDir: t.TempDir()})
	index := func(name, key, projection, units string) string {
		return fmt.Sprintf(`{"IndexName":%q,"KeySchema":[{"AttributeName":%q,"KeyType":"HASH"}],"Projection":%s%s}`, name, key, projection, units)
	}
	const seven = `,"ProvisionedThroughput":{"ReadCapacityUnits":7,"WriteCapacityUnits":8}`
	const two = `,"ProvisionedThroughput":{"ReadCapacityUnits":2,"WriteCapacityUnits":3}`
	const all, some = `{"ProjectionType":"ALL"}`, `{"ProjectionType":"INCLUDE","NonKeyAttributes":["a","b"]}`
	arns := map[string]string{}
	for name, mode := range map[string]string{
		"provisioned": `"BillingMode":"PROVISIONED"` + two + `,"GlobalSecondaryIndexes":[` + index("byg", "g", all, seven) + `,` + index("byf", "f", some, seven) + `]`,
		"on-demand":   `"BillingMode":"PAY_PER_REQUEST","GlobalSecondaryIndexes":[` + index("byg", "g", all, `,"OnDemandThroughput":{"MaxReadRequestUnits":9}`) + `,` + index("byf", "f", some, "") + `]`,
	} {
		code, answer := h.call("CreateTable", `{"TableName":"`+name+`","KeySchema":[{"AttributeName":"pk","KeyType":"HASH"}],"AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"},{"AttributeName":"g","AttributeType":"S"},{"AttributeName":"f","AttributeType":"S"}],`+mode+`}`)
		if code != 200 {
			t.Fatalf("%s", answer)
		}
		h.settle()
		if code, answer = h.call("CreateBackup", `{"TableName":"`+name+`","BackupName":"all"}`); code != 200 {
			t.Fatalf("%s", answer)
		}
		arns[name] = lookup(answer, ".BackupDetails.BackupArn")
	}
	for i, c := range []struct{ of, override, want string }{
		{"provisioned", ``, "byg 7/8 0, byf 7/8 0"},
		{"provisioned", `,"BillingModeOverride":"PAY_PER_REQUEST"`, "byg 0/0 0, byf 0/0 0"},
		{"provisioned", `,"GlobalSecondaryIndexOverride":[` + index("byg", "g", all, two) + `]`, "byg 2/3 0"},
		{"provisioned", `,"GlobalSecondaryIndexOverride":[` + index("byf", "f", `{"ProjectionType":"INCLUDE","NonKeyAttributes":["b","a"]}`, "") + `]`, "byf 7/8 0"},
		{"on-demand", ``, "byg 0/0 9, byf 0/0 0"},
		{"on-demand", `,"GlobalSecondaryIndexOverride":[` + index("byg", "g", all, `,"OnDemandThroughput":{"MaxReadRequestUnits":4}`) + `]`, "byg 0/0 4"},
		{"on-demand", `,"BillingModeOverride":"PROVISIONED","ProvisionedThroughputOverride":{"ReadCapacityUnits":5,"WriteCapacityUnits":6},"GlobalSecondaryIndexOverride":[` + index("byg", "g", all, two) + `,` + index("byf", "f", some, "") + `]`, "byg 2/3 0, byf 5/6 0"},
		{"provisioned", `,"GlobalSecondaryIndexOverride":[` + index("byg", "f", all, two) + `]`, "Index byg does not match"},
		{"provisioned", `,"GlobalSecondaryIndexOverride":[` + index("byg", "g", `{"ProjectionType":"KEYS_ONLY"}`, two) + `]`, "Index byg does not match"},
		{"provisioned", `,"LocalSecondaryIndexOverride":[` + index("byg", "g", all, "") + `]`, "Index byg does not match"},
		{"on-demand", `,"GlobalSecondaryIndexOverride":[` + index("byg", "g", all, `,"OnDemandThroughput":{"MaxReadRequestUnits":0}`) + `]`, "outside of valid range"},
	} {
		code, answer := h.call("RestoreTableFromBackup", fmt.Sprintf(`{"TargetTableName":"restored%d","BackupArn":%q%s}`, i, arns[c.of], c.override))
		if code != 200 {
			if !strings.Contains(string(answer), c.want) {
				t.Errorf("%s%s: %d %s, want %s", c.of, c.override, code, answer, c.want)
			}
			continue
		}
		var out struct {
			TableDescription struct {
				GlobalSecondaryIndexes []struct {
					IndexName             string
					ProvisionedThroughput struct{ ReadCapacityUnits, WriteCapacityUnits int }
					OnDemandThroughput    struct{ MaxReadRequestUnits int }
				}
			}
		}
		if err := json.Unmarshal(answer, &out); err != nil {
			t.Fatal(err)
		}
		got, want := map[string]bool{}, map[string]bool{}
		for _, x := range out.TableDescription.GlobalSecondaryIndexes {
			got[fmt.Sprintf("%s %d/%d %d", x.IndexName, x.ProvisionedThroughput.ReadCapacityUnits, x.ProvisionedThroughput.WriteCapacityUnits, x.OnDemandThroughput.MaxReadRequestUnits)] = true
		}
		for _, x := range strings.Split(c.want, ", ") {
			want[x] = true
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s%s: %v, want %v", c.of, c.override, got, want)
		}
	}
}
