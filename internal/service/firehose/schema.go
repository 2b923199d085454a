package firehose

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/glue"
	gluetypes "github.com/aws/aws-sdk-go-v2/service/glue/types"
	"github.com/aws/smithy-go"

	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/recordplan"
	"github.com/brookmere/brookmere/internal/engine/schemarecord"
)

var errNoColumns = errors.New("the table has no columns")

// checkSchema refuses a conversion by a table that is not there, or that records cannot be
// converted by. What AWS says for want of permission is known; for a missing table the
// words are ours, and begin otherwise, for Terraform tries again for minutes after the former.
func (s *Service) checkSchema(ctx context.Context, d *streamDoc) error {
	if d.HTTP != nil || !d.S3.converts() {
		return nil
	}
	columns, err := s.columns(ctx, d)
	if errors.Is(err, errNoColumns) {
		return invalid("The table specified in the data format conversion configuration cannot be used. %s", err)
	}
	var ae smithy.APIError
	if errors.As(err, &ae) {
		detail := fmt.Sprintf("%s (Service: AWSGlue; Status Code: 400; Error Code: %s)", ae.ErrorMessage(), ae.ErrorCode())
		if ae.ErrorCode() == "AccessDeniedException" {
			return invalid("Access was denied when calling Glue. Please ensure that the role specified in the data format conversion configuration has the necessary permissions. %s", detail)
		}
		return invalid("The table specified in the data format conversion configuration cannot be found. %s", detail)
	}
	if err != nil {
		return err
	}
	spec := d.S3.spec(d)
	spec.Convert.Columns = columns
	if _, err := recordplan.New("", *spec, nil); err != nil {
		return invalid("The table specified in the data format conversion configuration cannot be used. %s", err)
	}
	return nil
}

func (s *Service) columns(ctx context.Context, d *streamDoc) ([]recordplan.Column, error) {
	if s.cfg.Glue == nil {
		return nil, errors.New("firehose: no Glue to get a schema from")
	}
	sc := d.S3.Conversion.schema(d)
	ctx = awswire.Acting(ctx, d.Account, sc.Region, "firehose.amazonaws.com", sc.RoleARN, d.arn())
	var table *gluetypes.Table
	if sc.Version == "LATEST" {
		out, err := s.cfg.Glue.GetTable(ctx, &glue.GetTableInput{CatalogId: &sc.CatalogID, DatabaseName: &sc.Database, Name: &sc.Table})
		if err != nil {
			return nil, fmt.Errorf("schema of table %s.%s: %w", sc.Database, sc.Table, err)
		}
		table = out.Table
	} else {
		out, err := s.cfg.Glue.GetTableVersion(ctx, &glue.GetTableVersionInput{CatalogId: &sc.CatalogID, DatabaseName: &sc.Database, TableName: &sc.Table, VersionId: &sc.Version})
		if err != nil {
			return nil, fmt.Errorf("schema of table %s.%s, version %s: %w", sc.Database, sc.Table, sc.Version, err)
		}
		if out.TableVersion != nil {
			table = out.TableVersion.Table
		}
	}
	if table == nil || table.StorageDescriptor == nil || len(table.StorageDescriptor.Columns) == 0 {
		return nil, fmt.Errorf("schema of table %s.%s: %w", sc.Database, sc.Table, errNoColumns)
	}
	var cols []recordplan.Column
	for _, c := range table.StorageDescriptor.Columns {
		cols = append(cols, recordplan.Column{Name: aws.ToString(c.Name), Type: aws.ToString(c.Type)})
	}
	return cols, nil
}

// A version of a schema of the registry is waited for for schemaWait, and one that could not be had is not asked for again
// before schemaCheck is over.
const schemaWait = 30 * time.Second

// recordSchemas finds the schemas that the headers of records name, as the role that has the table of the conversion or, without
// one, the role that has the bucket.
func (s *Service) recordSchemas(d *streamDoc) schemarecord.Lookup {
	if s.cfg.Glue == nil {
		return nil
	}
	role, region := d.S3.RoleARN, d.Region
	if d.S3.converts() {
		sc := d.S3.Conversion.schema(d)
		role, region = sc.RoleARN, sc.Region
	}
	var (
		refused = make(map[string]error)
		since   time.Time
	)
	return func(version string) (schemarecord.Schema, error) {
		if now := s.clock.Now(); now.Sub(since) > schemaCheck || len(refused) > maxRefused {
			clear(refused)
			since = now
		}
		if err := refused[version]; err != nil {
			return schemarecord.Schema{}, err
		}
		ctx, cancel := context.WithTimeout(awswire.Acting(context.Background(), d.Account, region, "firehose.amazonaws.com", role, d.arn()), schemaWait)
		defer cancel()
		out, err := s.cfg.Glue.GetSchemaVersion(ctx, &glue.GetSchemaVersionInput{SchemaVersionId: &version})
		if err != nil {
			err = fmt.Errorf("schema version %s: %w", version, err)
			refused[version] = err
			return schemarecord.Schema{}, err
		}
		return schemarecord.Schema{Format: string(out.DataFormat), Definition: aws.ToString(out.SchemaDefinition)}, nil
	}
}

// maxRefused bounds the versions that are known not to be there.
const maxRefused = 1000
