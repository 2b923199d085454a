package apigateway

import (
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"
)

// patches apply the operations of an Update call: to each path, "/description" or
// "/requestTemplates/application~1json", a setter. A path that ends with "/" takes a key behind it.
type patches map[string]func(op types.Op, key, value string) error

func (p patches) apply(operations []types.PatchOperation) error {
	for _, o := range operations {
		path, value := aws.ToString(o.Path), aws.ToString(o.Value)
		if o.Op == types.OpTest || o.Op == types.OpMove || o.Op == types.OpCopy {
			return badRequest("Invalid patch operation %s specified. Must be one of: [add, remove, replace]", o.Op)
		}
		if set, ok := p[path]; ok {
			if err := set(o.Op, "", value); err != nil {
				return err
			}
			continue
		}
		longest := ""
		for prefix := range p {
			if strings.HasSuffix(prefix, "/") && strings.HasPrefix(path, prefix) && len(path) > len(prefix) && len(prefix) > len(longest) {
				longest = prefix
			}
		}
		if longest == "" {
			return badRequest("Invalid patch path '%s' specified for op '%s'. Please choose supported operations", path, o.Op)
		}
		if err := p[longest](o.Op, path[len(longest):], value); err != nil {
			return err
		}
	}
	return nil
}

// unescape is a key of a JSON pointer as it is meant.
func unescape(key string) string {
	return strings.ReplaceAll(strings.ReplaceAll(key, "~1", "/"), "~0", "~")
}

// escape is a key as a JSON pointer has it.
func escape(key string) string {
	return strings.ReplaceAll(strings.ReplaceAll(key, "~", "~0"), "/", "~1")
}

func setText(dst **string) func(types.Op, string, string) error {
	return func(op types.Op, _, value string) error {
		*dst = nil
		if op != types.OpRemove {
			*dst = aws.String(value)
		}
		return nil
	}
}

func setBool(dst *bool) func(types.Op, string, string) error {
	return func(op types.Op, _, value string) error {
		b, err := strconv.ParseBool(value)
		if err != nil && op != types.OpRemove {
			return badRequest("Invalid boolean value: %s", value)
		}
		*dst = b && op != types.OpRemove
		return nil
	}
}

func setInt32(dst *int32) func(types.Op, string, string) error {
	return func(op types.Op, _, value string) error {
		if op == types.OpRemove {
			*dst = 0
			return nil
		}
		n, err := strconv.ParseInt(value, 10, 32)
		if err != nil {
			return badRequest("Invalid number: %s", value)
		}
		*dst = int32(n)
		return nil
	}
}

func setFloat(dst *float64) func(types.Op, string, string) error {
	return func(op types.Op, _, value string) error {
		if op == types.OpRemove {
			*dst = 0
			return nil
		}
		f, err := strconv.ParseFloat(value, 64)
		if err != nil {
			return badRequest("Invalid number: %s", value)
		}
		*dst = f
		return nil
	}
}

// setMap sets a key of a map of texts.
func setMap(dst *map[string]string) func(types.Op, string, string) error {
	return func(op types.Op, key, value string) error {
		m := map[string]string{}
		for k, v := range *dst {
			m[k] = v
		}
		if op == types.OpRemove {
			delete(m, unescape(key))
		} else {
			m[unescape(key)] = value
		}
		if *dst = m; len(m) == 0 {
			*dst = nil
		}
		return nil
	}
}

func setBoolMap(dst *map[string]bool) func(types.Op, string, string) error {
	return func(op types.Op, key, value string) error {
		m := map[string]bool{}
		for k, v := range *dst {
			m[k] = v
		}
		if op == types.OpRemove {
			delete(m, unescape(key))
		} else {
			b, err := strconv.ParseBool(value)
			if err != nil && value != "" {
				return badRequest("Invalid boolean value: %s", value)
			}
			m[unescape(key)] = b
		}
		if *dst = m; len(m) == 0 {
			*dst = nil
		}
		return nil
	}
}

// setList adds a key to a list, or removes it.
func setList(dst *[]string) func(types.Op, string, string) error {
	return func(op types.Op, key, value string) error {
		if key == "" {
			key = value
		}
		key = unescape(key)
		var out []string
		for _, v := range *dst {
			if v != key {
				out = append(out, v)
			}
		}
		if op != types.OpRemove {
			out = append(out, key)
		}
		*dst = out
		return nil
	}
}
