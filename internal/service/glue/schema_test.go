package glue

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"

	"github.com/brookmere/brookmere/internal/engine/state"
)

// TestSchemasGoBeforeTheirVersions: a node that is killed while it deletes a schema has none that lacks its versions.
func TestSchemasGoBeforeTheirVersions(t *testing.T) {
	st, stop := newStore(t, t.TempDir())
	defer stop()
	s, err := New(Config{State: st})
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	id := &types.SchemaId{SchemaName: aws.String("rows")}
	made, err := s.CreateSchema(ctx, &glue.CreateSchemaInput{SchemaName: id.SchemaName, DataFormat: types.DataFormatAvro, Compatibility: types.CompatibilityNone, SchemaDefinition: aws.String(`"int"`)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.RegisterSchemaVersion(ctx, &glue.RegisterSchemaVersionInput{SchemaId: id, SchemaDefinition: aws.String(`"long"`)}); err != nil {
		t.Fatal(err)
	}
	gone := make(chan string, 16)
	if err := st.Watch(ctx, nil, func(e state.Event) {
		if e.Value == nil {
			gone <- e.Key[0]
		}
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.DeleteSchema(ctx, &glue.DeleteSchemaInput{SchemaId: id}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"glue.schema", "glue.schemaversion", "glue.schemaversion"} {
		select {
		case got := <-gone:
			if got != want {
				t.Errorf("%s was deleted where %s was due", got, want)
			}
		case <-time.After(10 * time.Second):
			t.Fatalf("%s was not deleted", want)
		}
	}
	if _, err := s.GetSchemaVersion(ctx, &glue.GetSchemaVersionInput{SchemaVersionId: made.SchemaVersionId}); code(err) != "EntityNotFoundException" {
		t.Errorf("a version of it: %v", err)
	}
}
