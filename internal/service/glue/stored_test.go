package glue

import (
	"context"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"
)

func TestUserDefinedFunctions(t *testing.T) {
	s, _ := newService(t, nil)
	ctx := t.Context()
	mustDatabase(t, s, "lake")
	in := &types.UserDefinedFunctionInput{FunctionName: aws.String("Plus"), ClassName: aws.String("a.Plus"), OwnerName: aws.String("me"), OwnerType: types.PrincipalTypeUser}
	create := func(database string) error {
		_, err := s.CreateUserDefinedFunction(ctx, &glue.CreateUserDefinedFunctionInput{DatabaseName: aws.String(database), FunctionInput: in})
		return err
	}
	if err := create("lake"); err != nil {
		t.Fatal(err)
	}
	if err := create("lake"); code(err) != "AlreadyExistsException" {
		t.Errorf("second create: %v", err)
	}
	if err := create("none"); code(err) != "EntityNotFoundException" {
		t.Errorf("in no database: %v", err)
	}
	in.ClassName = aws.String("a.Minus")
	if _, err := s.UpdateUserDefinedFunction(ctx, &glue.UpdateUserDefinedFunctionInput{DatabaseName: aws.String("lake"), FunctionName: aws.String("plus"), FunctionInput: in}); err != nil {
		t.Fatal(err)
	}
	out, err := s.GetUserDefinedFunction(ctx, &glue.GetUserDefinedFunctionInput{DatabaseName: aws.String("lake"), FunctionName: aws.String("plus")})
	if err != nil || *out.UserDefinedFunction.ClassName != "a.Minus" {
		t.Errorf("function %+v %v", out, err)
	}
	list, err := s.GetUserDefinedFunctions(ctx, &glue.GetUserDefinedFunctionsInput{Pattern: aws.String("pl*")})
	if err != nil || len(list.UserDefinedFunctions) != 1 || *list.UserDefinedFunctions[0].DatabaseName != "lake" {
		t.Errorf("list %+v %v", list, err)
	}
	if _, err := s.DeleteDatabase(ctx, &glue.DeleteDatabaseInput{Name: aws.String("lake")}); err != nil {
		t.Fatal(err)
	}
	mustDatabase(t, s, "lake")
	_, err = s.GetUserDefinedFunction(ctx, &glue.GetUserDefinedFunctionInput{DatabaseName: aws.String("lake"), FunctionName: aws.String("plus")})
	if code(err) != "EntityNotFoundException" {
		t.Errorf("function of a deleted database: %v", err)
	}
}

func TestConnections(t *testing.T) {
	s, _ := newService(t, nil)
	ctx := t.Context()
	in := &types.ConnectionInput{
		Name: aws.String("db"), ConnectionType: types.ConnectionTypeJdbc,
		ConnectionProperties: map[string]string{"USERNAME": "u", "PASSWORD": "p"},
	}
	if _, err := s.CreateConnection(ctx, &glue.CreateConnectionInput{ConnectionInput: in, Tags: map[string]string{"a": "b"}}); err != nil {
		t.Fatal(err)
	}
	out, err := s.GetConnection(ctx, &glue.GetConnectionInput{Name: aws.String("db"), HidePassword: true})
	if err != nil || len(out.Connection.ConnectionProperties) != 1 || out.Connection.Status != types.ConnectionStatusReady {
		t.Errorf("connection %+v %v", out, err)
	}
	list, err := s.GetConnections(ctx, &glue.GetConnectionsInput{Filter: &types.GetConnectionsFilter{ConnectionType: types.ConnectionTypeKafka}})
	if err != nil || len(list.ConnectionList) != 0 {
		t.Errorf("list %+v %v", list, err)
	}
	deleted, err := s.BatchDeleteConnection(ctx, &glue.BatchDeleteConnectionInput{ConnectionNameList: []string{"db", "none"}})
	if err != nil || len(deleted.Succeeded) != 1 || *deleted.Errors["none"].ErrorCode != "EntityNotFoundException" {
		t.Errorf("batch delete %+v %v", deleted, err)
	}
}

func TestColumnStatistics(t *testing.T) {
	s, _ := newService(t, nil)
	ctx := t.Context()
	mustDatabase(t, s, "lake")
	mustTable(t, s, "lake", &types.TableInput{
		Name: aws.String("t"), PartitionKeys: []types.Column{column("d", "string")},
		StorageDescriptor: &types.StorageDescriptor{Columns: []types.Column{column("a", "bigint")}},
	})
	statistics := func(column string, typ types.ColumnStatisticsType) types.ColumnStatistics {
		return types.ColumnStatistics{
			ColumnName: aws.String(column), ColumnType: aws.String("bigint"), AnalyzedTime: aws.Time(epoch),
			StatisticsData: &types.ColumnStatisticsData{Type: typ, LongColumnStatisticsData: &types.LongColumnStatisticsData{NumberOfDistinctValues: 7, MaximumValue: 9}},
		}
	}
	up, err := s.UpdateColumnStatisticsForTable(ctx, &glue.UpdateColumnStatisticsForTableInput{
		DatabaseName: aws.String("lake"), TableName: aws.String("t"),
		ColumnStatisticsList: []types.ColumnStatistics{statistics("a", types.ColumnStatisticsTypeLong), statistics("none", types.ColumnStatisticsTypeLong), statistics("d", types.ColumnStatisticsTypeString)},
	})
	if err != nil || len(up.Errors) != 2 {
		t.Fatalf("update %+v %v", up, err)
	}
	get, err := s.GetColumnStatisticsForTable(ctx, &glue.GetColumnStatisticsForTableInput{DatabaseName: aws.String("lake"), TableName: aws.String("t"), ColumnNames: []string{"A", "d"}})
	if err != nil || len(get.ColumnStatisticsList) != 1 || get.ColumnStatisticsList[0].StatisticsData.LongColumnStatisticsData.MaximumValue != 9 || len(get.Errors) != 1 {
		t.Errorf("get %+v %v", get, err)
	}
	part := func() error {
		_, err := s.CreatePartition(ctx, &glue.CreatePartitionInput{DatabaseName: aws.String("lake"), TableName: aws.String("t"), PartitionInput: &types.PartitionInput{
			Values: []string{"1"}, StorageDescriptor: &types.StorageDescriptor{Columns: []types.Column{column("a", "bigint")}},
		}})
		return err
	}
	if err := part(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.UpdateColumnStatisticsForPartition(ctx, &glue.UpdateColumnStatisticsForPartitionInput{
		DatabaseName: aws.String("lake"), TableName: aws.String("t"), PartitionValues: []string{"1"},
		ColumnStatisticsList: []types.ColumnStatistics{statistics("a", types.ColumnStatisticsTypeLong)},
	}); err != nil {
		t.Fatal(err)
	}
	of := func() (int, error) {
		out, err := s.GetColumnStatisticsForPartition(ctx, &glue.GetColumnStatisticsForPartitionInput{DatabaseName: aws.String("lake"), TableName: aws.String("t"), PartitionValues: []string{"1"}, ColumnNames: []string{"a"}})
		if err != nil {
			return 0, err
		}
		return len(out.ColumnStatisticsList), nil
	}
	if n, err := of(); n != 1 || err != nil {
		t.Errorf("%d of the partition, %v", n, err)
	}
	if _, err := s.DeletePartition(ctx, &glue.DeletePartitionInput{DatabaseName: aws.String("lake"), TableName: aws.String("t"), PartitionValues: []string{"1"}}); err != nil {
		t.Fatal(err)
	}
	if _, err := of(); code(err) != "EntityNotFoundException" {
		t.Errorf("of no partition: %v", err)
	}
	if err := part(); err != nil {
		t.Fatal(err)
	}
	if n, err := of(); n != 0 || err != nil {
		t.Errorf("%d of the new partition, %v", n, err)
	}
	if _, err := s.DeleteColumnStatisticsForTable(ctx, &glue.DeleteColumnStatisticsForTableInput{DatabaseName: aws.String("lake"), TableName: aws.String("t"), ColumnName: aws.String("a")}); err != nil {
		t.Error(err)
	}
}

func TestSettings(t *testing.T) {
	s, _ := newService(t, nil)
	ctx := t.Context()
	if _, err := s.GetResourcePolicy(ctx, &glue.GetResourcePolicyInput{}); code(err) != "EntityNotFoundException" {
		t.Errorf("no policy: %v", err)
	}
	if _, err := s.PutResourcePolicy(ctx, &glue.PutResourcePolicyInput{PolicyInJson: aws.String("{")}); code(err) != "InvalidInputException" {
		t.Errorf("bad policy: %v", err)
	}
	put, err := s.PutResourcePolicy(ctx, &glue.PutResourcePolicyInput{PolicyInJson: aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"glue:DeleteDatabase","Resource":"*"}]}`)})
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{`{"Statement":[]}`, `{"Statement":[1]}`, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"glue:*","Resource":"*"}]}`} {
		if _, err := s.PutResourcePolicy(ctx, &glue.PutResourcePolicyInput{PolicyInJson: &bad}); code(err) != "InvalidInputException" {
			t.Errorf("%s: %v", bad, err)
		}
	}
	for resource, has := range map[string]bool{"catalog": true, "database/d": true, "table/d/t": true, "userDefinedFunction/d/f": true, "job/j": false, "crawler/c": false} {
		text, _, err := s.ResourcePolicy(ctx, scopeARN(t, ctx, resource))
		if err != nil || (text != "") != has {
			t.Errorf("policy of %s: %q %v", resource, text, err)
		}
	}
	_, err = s.PutResourcePolicy(ctx, &glue.PutResourcePolicyInput{PolicyInJson: aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"glue:*","Resource":"*"}]}`), PolicyHashCondition: aws.String("other")})
	if code(err) != "ConditionCheckFailureException" {
		t.Errorf("condition: %v", err)
	}
	if _, err := s.DeleteResourcePolicy(ctx, &glue.DeleteResourcePolicyInput{PolicyHashCondition: put.PolicyHash}); err != nil {
		t.Error(err)
	}
	enc, err := s.GetDataCatalogEncryptionSettings(ctx, &glue.GetDataCatalogEncryptionSettingsInput{})
	if err != nil || enc.DataCatalogEncryptionSettings.EncryptionAtRest.CatalogEncryptionMode != types.CatalogEncryptionModeDisabled {
		t.Errorf("encryption %+v %v", enc, err)
	}
	if _, err := s.CreateSecurityConfiguration(ctx, &glue.CreateSecurityConfigurationInput{Name: aws.String("x"), EncryptionConfiguration: &types.EncryptionConfiguration{}}); err != nil {
		t.Fatal(err)
	}
	if list, err := s.GetSecurityConfigurations(ctx, &glue.GetSecurityConfigurationsInput{}); err != nil || len(list.SecurityConfigurations) != 1 {
		t.Errorf("security configurations %+v %v", list, err)
	}
}

func TestSearchTables(t *testing.T) {
	s, _ := newService(t, nil)
	ctx := t.Context()
	mustDatabase(t, s, "lake")
	mustDatabase(t, s, "mere")
	mustTable(t, s, "lake", &types.TableInput{Name: aws.String("customer-link"), Description: aws.String("All customers"), Parameters: map[string]string{"classification": "csv"}})
	mustTable(t, s, "lake", &types.TableInput{Name: aws.String("xxlinkyy"), StorageDescriptor: &types.StorageDescriptor{Columns: []types.Column{column("customer_id", "int")}}})
	mustTable(t, s, "mere", &types.TableInput{Name: aws.String("prices")})
	for _, test := range []struct {
		text, key, value string
		comparator       types.Comparator
		sort             string
		want             string
	}{
		{want: "customer-link xxlinkyy prices"},
		{text: "customer", want: "customer-link xxlinkyy"},
		{text: `"all customers"`, want: "customer-link"},
		{key: "Name", value: "link", want: "customer-link"},
		{key: "DatabaseName", value: "mere", want: "prices"},
		{key: "classification", value: "csv", want: "customer-link"},
		{key: "CreateTime", value: "2024-05-06T00:00:00Z", comparator: types.ComparatorLessThan, want: ""},
		{key: "UpdateTime", value: "2024-05-06T00:00:00Z", comparator: types.ComparatorGreaterThan, sort: "Name", want: "xxlinkyy prices customer-link"},
	} {
		in := &glue.SearchTablesInput{MaxResults: aws.Int32(1)}
		if test.text != "" {
			in.SearchText = aws.String(test.text)
		}
		if test.key != "" {
			in.Filters = []types.PropertyPredicate{{Key: aws.String(test.key), Value: aws.String(test.value), Comparator: test.comparator}}
		}
		if test.sort != "" {
			in.SortCriteria = []types.SortCriterion{{FieldName: aws.String(test.sort), Sort: types.SortDescending}}
		}
		got := ""
		for {
			out, err := s.SearchTables(ctx, in)
			if err != nil {
				t.Fatal(err)
			}
			for _, tb := range out.TableList {
				if got != "" {
					got += " "
				}
				got += *tb.Name
			}
			if in.NextToken = out.NextToken; in.NextToken == nil {
				break
			}
		}
		if got != test.want {
			t.Errorf("%+v: %s", test, got)
		}
	}
}

func scopeARN(t *testing.T, ctx context.Context, resource string) string {
	t.Helper()
	sc, err := scopeOf(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	return sc.arn(resource)
}
