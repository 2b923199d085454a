package glue

import (
	"context"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"
)

// SearchTables.
//
// SearchText is looked for in a table's names, description, columns and parameters: each
// of its words, or the whole where it is in double quotes. A filter's value has to be the
// key's value or a word of it; times are compared. Keys are those of a table, of its
// parameters otherwise. Results come in the order of database and table, or of one sort
// criterion; pages of up to 1,000.

// found is a table with what it is searched by.
type found struct {
	table *types.Table
	key   string // what pages go by
}

// SearchTables finds tables in all databases.
func (s *Service) SearchTables(ctx context.Context, in *glue.SearchTablesInput, _ ...func(*glue.Options)) (*glue.SearchTablesOutput, error) {
	sc, err := scopeOf(ctx, in.CatalogId)
	if err != nil {
		return nil, err
	}
	out := &glue.SearchTablesOutput{TableList: []types.Table{}}
	if in.ResourceShareType == types.ResourceShareTypeForeign {
		return out, nil // nothing is shared between accounts
	}
	var sortKey string
	descending := false
	if len(in.SortCriteria) > 0 {
		sortKey, descending = aws.ToString(in.SortCriteria[0].FieldName), in.SortCriteria[0].Sort == types.SortDescending
	}
	words := searchWords(aws.ToString(in.SearchText))
	var all []found
	for it, err := range s.tables.List(sc.account, sc.region) {
		if err != nil {
			return nil, err
		}
		t := it.Value.output(sc, it.Key[2])
		match := matchesText(t, words)
		for _, f := range in.Filters {
			ok, err := matchesFilter(t, f)
			if err != nil {
				return nil, err
			}
			match = match && ok
		}
		if match {
			all = append(all, found{t, searchKey(t, sortKey, descending)})
		}
	}
	byKey := func(f found) string { return f.key }
	sortBy(all, byKey)
	page, next, err := pageOf(all, byKey, in.NextToken, in.MaxResults, 1000)
	if err != nil {
		return nil, err
	}
	out.NextToken = next
	for _, f := range page {
		out.TableList = append(out.TableList, *f.table)
	}
	return out, nil
}

// searchKey orders results: by the sort key, then by database and name. Descending, the
// bytes of the sort key are turned over.
func searchKey(t *types.Table, sortKey string, descending bool) string {
	name := *t.DatabaseName + "\x00" + *t.Name
	if sortKey == "" {
		return name
	}
	v, at := tableProperty(t, sortKey)
	if !at.IsZero() {
		v = at.UTC().Format("20060102150405.000000000")
	}
	b := append([]byte(v), 0)
	if descending {
		for i := range b {
			b[i] = ^b[i]
		}
	}
	return string(b) + name
}

func searchWords(text string) []string {
	text = strings.ToLower(strings.TrimSpace(text))
	if len(text) > 1 && text[0] == '"' && text[len(text)-1] == '"' {
		return []string{text[1 : len(text)-1]}
	}
	return strings.Fields(text)
}

func matchesText(t *types.Table, words []string) bool {
	if len(words) == 0 {
		return true
	}
	var b strings.Builder
	add := func(s string) {
		b.WriteString(strings.ToLower(s))
		b.WriteByte('\n')
	}
	add(*t.Name)
	add(*t.DatabaseName)
	add(aws.ToString(t.Description))
	add(aws.ToString(t.Owner))
	for k, v := range t.Parameters {
		add(k)
		add(v)
	}
	columns := t.PartitionKeys
	if sd := t.StorageDescriptor; sd != nil {
		add(aws.ToString(sd.Location))
		columns = append(columns, sd.Columns...)
	}
	for _, c := range columns {
		add(aws.ToString(c.Name))
		add(aws.ToString(c.Comment))
	}
	all := b.String()
	for _, w := range words {
		if !strings.Contains(all, w) {
			return false
		}
	}
	return true
}

// tableProperty is what a table has under a key: text, or a time.
func tableProperty(t *types.Table, key string) (string, time.Time) {
	moment := func(p *time.Time) (string, time.Time) { return "", aws.ToTime(p) }
	switch strings.ToLower(key) {
	case "name", "tablename":
		return *t.Name, time.Time{}
	case "databasename", "database":
		return *t.DatabaseName, time.Time{}
	case "catalogid":
		return *t.CatalogId, time.Time{}
	case "description":
		return aws.ToString(t.Description), time.Time{}
	case "owner":
		return aws.ToString(t.Owner), time.Time{}
	case "tabletype":
		return aws.ToString(t.TableType), time.Time{}
	case "createdby":
		return aws.ToString(t.CreatedBy), time.Time{}
	case "location":
		if t.StorageDescriptor != nil {
			return aws.ToString(t.StorageDescriptor.Location), time.Time{}
		}
		return "", time.Time{}
	case "createtime":
		return moment(t.CreateTime)
	case "updatetime":
		return moment(t.UpdateTime)
	case "lastaccesstime":
		return moment(t.LastAccessTime)
	case "lastanalyzedtime":
		return moment(t.LastAnalyzedTime)
	}
	for k, v := range t.Parameters {
		if strings.EqualFold(k, key) {
			return v, time.Time{}
		}
	}
	return "", time.Time{}
}

func matchesFilter(t *types.Table, f types.PropertyPredicate) (bool, error) {
	want := aws.ToString(f.Value)
	have, at := tableProperty(t, aws.ToString(f.Key))
	if strings.HasSuffix(strings.ToLower(aws.ToString(f.Key)), "time") {
		limit, err := searchTime(want)
		if err != nil {
			return false, err
		}
		n := at.Compare(limit)
		switch f.Comparator {
		case types.ComparatorGreaterThan:
			return n > 0, nil
		case types.ComparatorGreaterThanEquals:
			return n >= 0, nil
		case types.ComparatorLessThan:
			return n < 0, nil
		case types.ComparatorLessThanEquals:
			return n <= 0, nil
		}
		return n == 0, nil
	}
	if strings.EqualFold(have, want) {
		return true, nil
	}
	for word := range strings.FieldsFuncSeq(have, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '_' }) {
		if strings.EqualFold(word, want) {
			return true, nil
		}
	}
	return false, nil
}

// searchTime reads a filter's time: ISO 8601, or milliseconds of the epoch.
func searchTime(s string) (time.Time, error) {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", time.DateTime, time.DateOnly} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, nil
		}
	}
	if ms, err := strconv.ParseInt(s, 10, 64); err == nil {
		return time.UnixMilli(ms), nil
	}
	return time.Time{}, invalidInput("Filter value %s is not a time.", s)
}
