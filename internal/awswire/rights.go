package awswire

import "sync"

// Rights are what the operations of an API need of a caller, for calls within the process that do not come through
// the wire: the same actions, resources and condition keys as there.
type Rights struct {
	operations map[string]*boundOperation
	api        API
}

// Rights returns what the API's operations need.
func (a API) Rights() (Rights, error) {
	m, a, err := a.load()
	if err != nil {
		return Rights{}, err
	}
	bound, err := a.bind(m)
	return Rights{bound, a}, err
}

// Needs are the permissions that a call of an operation with an input, a pointer to the SDK's type, asks of its caller.
// An operation that the API does not have needs the action of its name, on everything.
func (r Rights) Needs(c Caller, operation string, input any) []Need {
	op := r.operations[operation]
	if op == nil {
		return []Need{{Action: operation, Resource: "*"}}
	}
	c = r.api.caller(c, input)
	if op.needs != nil {
		return op.needs(c, input)
	}
	var resources []string
	if op.resources != nil {
		resources = op.resources(c, input)
	}
	needs := eachOf(op.actions, resources)
	if op.keys != nil {
		keys := sync.OnceValue(func() map[string][]string { return op.keys(c, input) })
		for i := range needs {
			needs[i].Keys = keys
		}
	}
	return needs
}

// eachOf are the needs for each of the actions on each of the resources; without any, on everything.
func eachOf(actions, resources []string) []Need {
	if len(resources) == 0 {
		resources = []string{"*"}
	}
	needs := make([]Need, 0, len(actions)*len(resources))
	for _, action := range actions {
		for _, resource := range resources {
			needs = append(needs, Need{Action: action, Resource: resource})
		}
	}
	return needs
}
