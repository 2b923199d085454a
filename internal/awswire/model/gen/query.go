package main

import (
	"strings"

	"github.com/brookmere/brookmere/internal/awswire/model"
)

// addQuery gives a service of which botocore describes the JSON protocol alone the names of its query
// protocol, which its clients spoke before.
func addQuery(s *model.Service) {
	if s.Name != "sqs" {
		return
	}
	s.Protocols = append(s.Protocols, "query")
	s.XMLNamespace = "http://queue.amazonaws.com/doc/2012-11-05/"
	for _, op := range s.Operations {
		if op.OutputName != "" {
			op.Wrapper = op.OutputName
		}
	}
	elements := map[string]string{"StringList": "StringListValue", "BinaryList": "BinaryListValue", "MessageSystemAttributeList": "MessageSystemAttributeName"}
	for name, sh := range s.Shapes {
		switch sh.Type {
		case model.List:
			if elements[name] == "" {
				elements[name] = strings.TrimSuffix(name, "List")
			}
			sh.Elem.Wire = elements[name]
		case model.Map:
			sh.Key.Wire, sh.Val.Wire = "Name", "Value"
			if name == "TagMap" {
				sh.Key.Wire = "Key"
			}
		}
	}
	for _, sh := range s.Shapes {
		for _, m := range sh.Members {
			switch to := s.Shapes[m.ShapeName]; to.Type {
			case model.List:
				m.Wire = elements[m.ShapeName]
			case model.Map:
				m.Wire = strings.ToUpper(m.Name[:1]) + strings.TrimSuffix(m.Name[1:], "s")
			}
		}
	}
	const old = "AWS.SimpleQueueService."
	for _, name := range []string{
		"BatchEntryIdsNotDistinct", "BatchRequestTooLong", "EmptyBatchRequest", "InvalidBatchEntryId", "MessageNotInflight",
		"PurgeQueueInProgress", "QueueDeletedRecently", "TooManyEntriesInBatchRequest", "UnsupportedOperation",
	} {
		s.Shapes[name].Code = old + name
	}
	s.Shapes["QueueDoesNotExist"].Code = old + "NonExistentQueue"
	s.Shapes["QueueNameExists"].Code = "QueueAlreadyExists"
}
