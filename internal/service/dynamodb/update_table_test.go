package dynamodb

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// TestOneIndexIsBuiltAtATime: while an index is created or deleted, no other is; what creates one may be given up.
func TestOneIndexIsBuiltAtATime(t *testing.T) {
	creates := types.GlobalSecondaryIndexUpdate{Create: &types.CreateGlobalSecondaryIndexAction{
		IndexName: aws.String("new"), KeySchema: []types.KeySchemaElement{{AttributeName: aws.String("g"), KeyType: types.KeyTypeHash}},
		Projection: &types.Projection{ProjectionType: types.ProjectionTypeAll},
	}}
	deletes := func(name string) types.GlobalSecondaryIndexUpdate {
		return types.GlobalSecondaryIndexUpdate{Delete: &types.DeleteGlobalSecondaryIndexAction{IndexName: &name}}
	}
	for _, c := range []struct {
		status types.IndexStatus // of the index "old"
		update types.GlobalSecondaryIndexUpdate
		want   string
	}{
		{types.IndexStatusActive, creates, ""},
		{types.IndexStatusCreating, creates, "LimitExceededException"},
		{types.IndexStatusDeleting, creates, "LimitExceededException"},
		{types.IndexStatusCreating, deletes("other"), "LimitExceededException"},
		{types.IndexStatusCreating, deletes("old"), ""},
		{types.IndexStatusDeleting, deletes("old"), "ResourceInUseException"},
	} {
		d := &table{Name: "orders", Hash: "pk", OnDemand: true, Attributes: []attribute{{"pk", "S"}, {"g", "S"}}, Indexes: []index{
			{Name: "old", Hash: "g", Status: string(c.status)}, {Name: "other", Hash: "g", Status: string(types.IndexStatusActive)},
		}}
		err := d.updateIndexes(&dynamodb.UpdateTableInput{
			AttributeDefinitions:        []types.AttributeDefinition{{AttributeName: aws.String("g"), AttributeType: types.ScalarAttributeTypeS}},
			GlobalSecondaryIndexUpdates: []types.GlobalSecondaryIndexUpdate{c.update},
		}, time.Unix(0, 0))
		got := ""
		if e, ok := err.(interface{ ErrorCode() string }); ok {
			got = e.ErrorCode()
		} else if err != nil {
			t.Fatal(err)
		}
		if got != c.want {
			t.Errorf("%s index, %+v: %v, want %q", c.status, c.update, err, c.want)
		}
	}
}
