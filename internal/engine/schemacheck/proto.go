package schemacheck

import (
	"errors"
	"fmt"
	"strings"

	"github.com/emicklei/proto"
)

// checkProto checks a definition in Protocol Buffers.
func checkProto(text string) error {
	def, err := parseProto(text)
	if err != nil {
		return err
	}
	types := protoTypes(def)
	if len(types.kinds) == 0 {
		return errors.New("the schema has neither a message nor an enum")
	}
	return checkProtoRules(def, types)
}

// parseProto parses a definition. The parser recurses: what nests too deep is refused before.
func parseProto(text string) (def *proto.Proto, err error) {
	depth := 0
	for _, r := range text {
		switch r {
		case '{', '[', '(', '<':
			if depth++; depth > maxNesting {
				return nil, errors.New("the schema nests too deep")
			}
		case '}', ']', ')', '>':
			depth--
		}
	}
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("the schema cannot be parsed: %v", v)
		}
	}()
	return proto.NewParser(strings.NewReader(text)).Parse()
}
