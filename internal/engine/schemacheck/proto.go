package schemacheck

import (
	"errors"
	"fmt"
	"strings"

	"github.com/emicklei/proto"
)

// checkProto parses a definition in Protocol Buffers. The parser recurses: what nests too deep is
// refused before.
func checkProto(text string) (err error) {
	depth := 0
	for _, r := range text {
		switch r {
		case '{', '[', '(', '<':
			if depth++; depth > maxNesting {
				return errors.New("the schema nests too deep")
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
	def, err := proto.NewParser(strings.NewReader(text)).Parse()
	if err != nil {
		return err
	}
	messages := 0
	proto.Walk(def, proto.WithMessage(func(*proto.Message) { messages++ }), proto.WithEnum(func(*proto.Enum) { messages++ }))
	if messages == 0 {
		return errors.New("the schema has neither a message nor an enum")
	}
	return nil
}
