package lambda

import (
	"encoding/base64"
	"encoding/json"

	"github.com/aws/aws-sdk-go-v2/aws"
	dynamotypes "github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"
	kinesistypes "github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/brookmere/brookmere/internal/awskit/shardreader"
)

// kinesisCodec makes events of records of a Kinesis stream.
func kinesisCodec(d *mappingDoc, role string) codec[kinesistypes.Record] {
	head := `{"kinesis":{"kinesisSchemaVersion":"1.0","partitionKey":`
	tail := `,"invokeIdentityArn":` + string(jsonText(role)) + `,"awsRegion":` + string(jsonText(d.Region)) + `,"eventSourceARN":` + string(jsonText(d.stream())) + `}`
	about := shardreader.Kinesis(nil, d.stream()).About
	return codec[kinesistypes.Record]{
		batch: "KinesisBatchInfo",
		append: func(dst []byte, shard string, r *kinesistypes.Record) []byte {
			seq := aws.ToString(r.SequenceNumber)
			dst = append(append(dst, head...), jsonText(aws.ToString(r.PartitionKey))...)
			dst = append(append(append(dst, `,"sequenceNumber":"`...), seq...), `","data":"`...)
			dst = base64.StdEncoding.AppendEncode(dst, r.Data)
			dst = appendEventTime(append(dst, `","approximateArrivalTimestamp":`...), aws.ToTime(r.ApproximateArrivalTimestamp))
			dst = append(append(append(append(append(dst, `},"eventSource":"aws:kinesis","eventVersion":"1.0","eventID":"`...), shard...), ':'), seq...), `","eventName":"aws:kinesis:record"`...)
			return append(dst, tail...)
		},
		filter: func(r *kinesistypes.Record) map[string]any {
			data := decodedJSON(r.Data)
			arrived := aws.ToTime(r.ApproximateArrivalTimestamp)
			return map[string]any{
				"kinesisSchemaVersion": "1.0", "partitionKey": aws.ToString(r.PartitionKey), "sequenceNumber": aws.ToString(r.SequenceNumber),
				"data": data, "approximateArrivalTimestamp": float64(arrived.UnixMilli()) / 1000,
				"eventSource": "aws:kinesis", "eventVersion": "1.0", "eventName": "aws:kinesis:record", "awsRegion": d.Region, "eventSourceARN": d.stream(),
			}
		},
		key:  func(r *kinesistypes.Record) string { return aws.ToString(r.PartitionKey) },
		info: about,
	}
}

// dynamoCodec makes events of changes of a table.
func dynamoCodec(d *mappingDoc) codec[dynamotypes.Record] {
	event := func(r *dynamotypes.Record) map[string]any {
		change := map[string]any{}
		if s := r.Dynamodb; s != nil {
			if s.ApproximateCreationDateTime != nil {
				change["ApproximateCreationDateTime"] = s.ApproximateCreationDateTime.Unix()
			}
			for name, item := range map[string]map[string]dynamotypes.AttributeValue{"Keys": s.Keys, "NewImage": s.NewImage, "OldImage": s.OldImage} {
				if item != nil {
					change[name] = itemJSON(item)
				}
			}
			change["SequenceNumber"], change["SizeBytes"], change["StreamViewType"] = aws.ToString(s.SequenceNumber), aws.ToInt64(s.SizeBytes), string(s.StreamViewType)
		}
		e := map[string]any{
			"eventID": aws.ToString(r.EventID), "eventName": string(r.EventName), "eventVersion": "1.1", "eventSource": "aws:dynamodb", "awsRegion": d.Region,
			"dynamodb": change, "eventSourceARN": d.Source,
		}
		if u := r.UserIdentity; u != nil {
			e["userIdentity"] = map[string]any{"type": aws.ToString(u.Type), "principalId": aws.ToString(u.PrincipalId)}
		}
		return e
	}
	about := shardreader.DynamoDB(nil, d.Source).About
	return codec[dynamotypes.Record]{
		batch: "DDBStreamBatchInfo",
		append: func(dst []byte, _ string, r *dynamotypes.Record) []byte {
			b, err := json.Marshal(event(r))
			if err != nil {
				return append(dst, "null"...) // not for what a table holds
			}
			return append(dst, b...)
		},
		filter: func(r *dynamotypes.Record) map[string]any {
			b, err := json.Marshal(event(r))
			if err != nil {
				return nil
			}
			var m map[string]any
			if json.Unmarshal(b, &m) != nil {
				return nil
			}
			return m
		},
		key: func(r *dynamotypes.Record) string {
			if r.Dynamodb == nil {
				return ""
			}
			b, err := json.Marshal(itemJSON(r.Dynamodb.Keys))
			if err != nil {
				return ""
			}
			return string(b)
		},
		info: about,
	}
}

func itemJSON(item map[string]dynamotypes.AttributeValue) map[string]any {
	m := make(map[string]any, len(item))
	for k, v := range item {
		m[k] = valueJSON(v)
	}
	return m
}

// valueJSON is an attribute value in DynamoDB's JSON.
func valueJSON(v dynamotypes.AttributeValue) map[string]any {
	switch v := v.(type) {
	case *dynamotypes.AttributeValueMemberS:
		return map[string]any{"S": v.Value}
	case *dynamotypes.AttributeValueMemberN:
		return map[string]any{"N": v.Value}
	case *dynamotypes.AttributeValueMemberB:
		return map[string]any{"B": v.Value}
	case *dynamotypes.AttributeValueMemberBOOL:
		return map[string]any{"BOOL": v.Value}
	case *dynamotypes.AttributeValueMemberNULL:
		return map[string]any{"NULL": v.Value}
	case *dynamotypes.AttributeValueMemberSS:
		return map[string]any{"SS": v.Value}
	case *dynamotypes.AttributeValueMemberNS:
		return map[string]any{"NS": v.Value}
	case *dynamotypes.AttributeValueMemberBS:
		return map[string]any{"BS": v.Value}
	case *dynamotypes.AttributeValueMemberM:
		return map[string]any{"M": itemJSON(v.Value)}
	case *dynamotypes.AttributeValueMemberL:
		list := make([]any, 0, len(v.Value))
		for _, e := range v.Value {
			list = append(list, valueJSON(e))
		}
		return map[string]any{"L": list}
	}
	return map[string]any{"NULL": true}
}
