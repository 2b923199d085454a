package apigateway

import (
	"slices"
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
		if o.Path == nil {
			return badRequest("Invalid patch path null")
		}
		path, value := *o.Path, aws.ToString(o.Value)
		if o.Op == types.OpTest || o.Op == types.OpMove || o.Op == types.OpCopy {
			return badRequest("Invalid patch operation specified. Must be 'add'|'remove'|'replace'")
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
		if longest == "" || longest != "/" && strings.Contains(path[len(longest):], "/") { // a slash of a key is ~1
			return badRequest("Invalid patch path %s", path)
		}
		if err := p[longest](o.Op, path[len(longest):], value); err != nil {
			return err
		}
	}
	return nil
}

// replace applies the operations of a call that replaces members and does nothing else, of the paths in the order in
// which errors list them.
func (p patches) replace(operations []types.PatchOperation, paths ...string) error {
	for _, o := range operations {
		path := aws.ToString(o.Path)
		switch {
		case o.Op != types.OpReplace:
			return badRequest("Invalid patch path  '%s' specified for op '%s'. Please choose supported operations", path, o.Op)
		case !slices.Contains(paths, path):
			return badRequest("Invalid patch path  '%s' specified for op '%s'. Must be one of: [%s]", path, o.Op, strings.Join(paths, ", "))
		}
		if err := p[path](o.Op, "", aws.ToString(o.Value)); err != nil {
			return err
		}
	}
	return nil
}

// replaced is a setter of what can be replaced alone.
func replaced(set func(types.Op, string, string) error) func(types.Op, string, string) error {
	return func(op types.Op, key, value string) error {
		if op != types.OpReplace {
			return badRequest("Invalid patch operation specified. Must be one of: [replace]")
		}
		return set(op, key, value)
	}
}

// existing is a setter of the keys of a map, of which one that is removed or replaced must be there.
func existing[V any](m *map[string]V, missing string, set func(types.Op, string, string) error) func(types.Op, string, string) error {
	return func(op types.Op, key, value string) error {
		if _, ok := (*m)[unescape(key)]; !ok && op != types.OpAdd {
			return notFound("%s", missing)
		}
		return set(op, key, value)
	}
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

// setBool sets a flag: what is not "true" is false.
func setBool(dst *bool) func(types.Op, string, string) error {
	return func(op types.Op, _, value string) error {
		*dst = strings.EqualFold(value, "true") && op != types.OpRemove
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

// setList adds a key to a list, removes it, or replaces it by the value, which then is the last one.
func setList(dst *[]string) func(types.Op, string, string) error {
	return func(op types.Op, key, value string) error {
		if key == "" {
			key = value
		}
		key = unescape(key)
		instead := key
		if op == types.OpReplace && value != "" {
			instead = value
		}
		var out []string
		for _, v := range *dst {
			if v != key && v != instead {
				out = append(out, v)
			}
		}
		if op != types.OpRemove {
			out = append(out, instead)
		}
		*dst = out
		return nil
	}
}
