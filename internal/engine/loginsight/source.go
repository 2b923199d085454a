package loginsight

import "slices"

// Source is the SOURCE command at the beginning of a query: the log groups that it goes over, in place of those that are named
// beside it.
//
//	SOURCE logGroups(namePrefix: ['/aws/lambda/', '/app'], class: ['STANDARD'], accountIdentifiers: ['111122223333'])
//
// An empty list says nothing of groups.
type Source struct {
	Prefixes, Classes, Accounts []string
}

const (
	maxPrefixes = 5
	maxAccounts = 20
)

// Source is the query's; nil: it has none, or there is no query.
func (q *Query) Source() *Source {
	if q == nil {
		return nil
	}
	return q.source
}

// sourceCommand reads SOURCE, which is under way.
func (p *parser) sourceCommand() error {
	if err := p.advance(); err != nil {
		return err
	}
	if !p.isKeyword("logGroups") {
		return p.unexpected("logGroups(...)")
	}
	if err := p.advance(); err != nil {
		return err
	}
	if err := p.symbol("("); err != nil {
		return err
	}
	src := &Source{}
	for !p.isSymbol(")") {
		var list *[]string
		most := maxPrefixes
		switch {
		case p.isKeyword("namePrefix"):
			list = &src.Prefixes
		case p.isKeyword("class"), p.isKeyword("logGroupClass"):
			list = &src.Classes
		case p.isKeyword("accountIdentifiers"), p.isKeyword("accountIdentifier"):
			list, most = &src.Accounts, maxAccounts
		default:
			return p.unexpected("namePrefix, class or accountIdentifiers")
		}
		at := p.tok.at
		if *list != nil {
			return syntaxf(at, "%s is there twice", p.tok.text)
		}
		if err := p.advance(); err != nil {
			return err
		}
		if err := p.symbol(":"); err != nil {
			return err
		}
		var err error
		if *list, err = p.texts(); err != nil {
			return err
		}
		if len(*list) > most {
			return syntaxf(at, "the list has more than %d entries", most)
		}
		if !p.isSymbol(",") {
			break
		}
		if err := p.advance(); err != nil {
			return err
		}
	}
	for _, c := range src.Classes {
		if !slices.Contains([]string{"STANDARD", "INFREQUENT_ACCESS", "DELIVERY"}, c) {
			return syntaxf(p.tok.at, "%q is not the class of a log group", c)
		}
	}
	p.q.source = src
	return p.symbol(")")
}

// texts reads a list of one or more texts in brackets.
func (p *parser) texts() ([]string, error) {
	if err := p.symbol("["); err != nil {
		return nil, err
	}
	var out []string
	for {
		if p.tok.kind != text {
			return nil, p.unexpected("a text")
		}
		out = append(out, p.tok.text)
		if err := p.advance(); err != nil {
			return nil, err
		}
		if !p.isSymbol(",") {
			return out, p.symbol("]")
		}
		if err := p.advance(); err != nil {
			return nil, err
		}
	}
}
