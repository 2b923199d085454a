package awswire

// Rights are what the operations of an API need of a caller, for calls within the process that do not come through
// the wire: the same actions, resources and condition keys as there.
type Rights struct{ operations map[string]*boundOperation }

// Rights returns what the API's operations need.
func (a API) Rights() (Rights, error) {
	m, a, err := a.load()
	if err != nil {
		return Rights{}, err
	}
	bound, err := a.bind(m)
	return Rights{bound}, err
}

// Each calls ask for every action and resource that a call of an operation with an input needs, until it returns an
// error, which is that of Each. keys are the operation's own condition keys. An operation that the API does not have
// needs the action of its name, on everything.
func (r Rights) Each(c Caller, operation string, input any, ask func(action, resource string, keys map[string][]string) error) error {
	op := r.operations[operation]
	if op == nil {
		return ask(operation, "*", nil)
	}
	if op.needs != nil {
		for _, n := range op.needs(c, input) {
			var keys map[string][]string
			if n.Keys != nil {
				keys = n.Keys()
			}
			if err := ask(n.Action, n.Resource, keys); err != nil {
				return err
			}
		}
		return nil
	}
	resources := []string{"*"}
	if op.resources != nil {
		if named := op.resources(c, input); len(named) > 0 {
			resources = named
		}
	}
	var keys map[string][]string
	if op.keys != nil {
		keys = op.keys(c, input)
	}
	for _, action := range op.actions {
		for _, resource := range resources {
			if err := ask(action, resource, keys); err != nil {
				return err
			}
		}
	}
	return nil
}
