package glue

import (
	"crypto/md5"
	"encoding/hex"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"

	"github.com/brookmere/brookmere/internal/engine/crawl"
)

// The formats of tables that a crawler makes, with the SerDe, classes and parameters
// that Glue gives them.

func hash(s string) string {
	sum := md5.Sum([]byte(s))
	return hex.EncodeToString(sum[:])
}

func glueColumns(in []crawl.Column) []types.Column {
	out := make([]types.Column, len(in))
	for i, c := range in {
		out[i] = types.Column{Name: aws.String(c.Name), Type: aws.String(c.Type.String())}
	}
	return out
}

// formatParameters are those of a table or partition with these counts.
func formatParameters(f crawl.Format, st crawl.Statistics) map[string]string {
	average := int64(0)
	if st.Records > 0 {
		average = max(1, st.Bytes/st.Records)
	}
	p := map[string]string{
		"classification":    string(f.Classification),
		"compressionType":   f.Compression,
		"typeOfData":        "file",
		"objectCount":       strconv.FormatInt(st.Objects, 10),
		"recordCount":       strconv.FormatInt(st.Records, 10),
		"sizeKey":           strconv.FormatInt(st.Bytes, 10),
		"averageRecordSize": strconv.FormatInt(average, 10),
	}
	if f.Classification == crawl.CSV {
		p["delimiter"] = string(f.Delimiter)
		p["columnsOrdered"] = "true"
		p["areColumnsQuoted"] = strconv.FormatBool(f.Quoted)
		if f.Header {
			p["skip.header.line.count"] = "1"
		}
	}
	if f.Path != "" {
		p["jsonPath"] = f.Path
	}
	if f.RowTag != "" {
		p["rowTag"] = f.RowTag
	}
	if f.Grok != "" {
		p["grokPattern"] = f.Grok
		if f.GrokCustom != "" {
			p["grokCustomPatterns"] = f.GrokCustom
		}
	}
	return p
}

func descriptor(location string, f crawl.Format, columns []crawl.Column, params map[string]string) *types.StorageDescriptor {
	sd := &types.StorageDescriptor{
		Columns: glueColumns(columns), Location: aws.String(location), Parameters: params,
		Compressed: f.Compression != "none", NumberOfBuckets: -1, BucketColumns: []string{}, SortColumns: []types.Order{},
		InputFormat:  aws.String("org.apache.hadoop.mapred.TextInputFormat"),
		OutputFormat: aws.String("org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat"),
		SerdeInfo:    &types.SerDeInfo{},
	}
	switch f.Classification {
	case crawl.Parquet:
		sd.InputFormat = aws.String("org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat")
		sd.OutputFormat = aws.String("org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat")
		sd.SerdeInfo.SerializationLibrary = aws.String("org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe")
		sd.SerdeInfo.Parameters = map[string]string{"serialization.format": "1"}
	case crawl.ORC:
		sd.InputFormat = aws.String("org.apache.hadoop.hive.ql.io.orc.OrcInputFormat")
		sd.OutputFormat = aws.String("org.apache.hadoop.hive.ql.io.orc.OrcOutputFormat")
		sd.SerdeInfo.SerializationLibrary = aws.String("org.apache.hadoop.hive.ql.io.orc.OrcSerde")
		sd.SerdeInfo.Parameters = map[string]string{"serialization.format": "1"}
	case crawl.Avro:
		sd.InputFormat = aws.String("org.apache.hadoop.hive.ql.io.avro.AvroContainerInputFormat")
		sd.OutputFormat = aws.String("org.apache.hadoop.hive.ql.io.avro.AvroContainerOutputFormat")
		sd.SerdeInfo.SerializationLibrary = aws.String("org.apache.hadoop.hive.serde2.avro.AvroSerDe")
		sd.SerdeInfo.Parameters = map[string]string{"serialization.format": "1", "avro.schema.literal": f.Schema}
	case crawl.JSON:
		names := make([]string, len(columns))
		for i, c := range columns {
			names[i] = c.Name
		}
		sd.SerdeInfo.SerializationLibrary = aws.String("org.openx.data.jsonserde.JsonSerDe")
		sd.SerdeInfo.Parameters = map[string]string{"paths": strings.Join(names, ",")}
	case crawl.CSV:
		quote := `"`
		if f.Quote != 0 {
			quote = string(f.Quote)
		}
		if f.Quoted && f.SerDe == "" || f.SerDe == "OpenCSVSerDe" {
			// Only this one takes the quotes off.
			sd.SerdeInfo.SerializationLibrary = aws.String("org.apache.hadoop.hive.serde2.OpenCSVSerde")
			sd.SerdeInfo.Parameters = map[string]string{"separatorChar": string(f.Delimiter), "quoteChar": quote}
		} else {
			sd.SerdeInfo.SerializationLibrary = aws.String("org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe")
			sd.SerdeInfo.Parameters = map[string]string{"field.delim": string(f.Delimiter)}
		}
	}
	if f.RowTag != "" || f.Classification == crawl.XML {
		// Hive has no format for it: it is for what reads the objects by the row tag, and queries do not.
		sd.InputFormat, sd.OutputFormat = aws.String(""), aws.String("")
		sd.SerdeInfo.SerializationLibrary = aws.String("")
		sd.SerdeInfo.Parameters = map[string]string{"serialization.format": "1"}
		if f.RowTag != "" {
			sd.SerdeInfo.Parameters["rowTag"] = f.RowTag
		}
	}
	if f.Grok != "" {
		sd.SerdeInfo.SerializationLibrary = aws.String("com.amazonaws.glue.serde.GrokSerDe")
		sd.SerdeInfo.Parameters = map[string]string{"input.format": f.Grok}
		if f.GrokCustom != "" {
			sd.SerdeInfo.Parameters["input.grokCustomPatterns"] = f.GrokCustom
		}
	}
	return sd
}
