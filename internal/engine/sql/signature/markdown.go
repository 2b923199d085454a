package signature

import (
	"fmt"
	"io"
	"strings"
)

// Markdown writes the functions as tables, one a topic, topics in the order in which the list
// has them and functions in that of their names.
func (l List) Markdown(w io.Writer) error {
	var topics []string
	byTopic := map[string]List{}
	for _, f := range l {
		if byTopic[f.Topic] == nil {
			topics = append(topics, f.Topic)
		}
		byTopic[f.Topic] = append(byTopic[f.Topic], f)
	}
	var b strings.Builder
	for _, topic := range topics {
		fmt.Fprintf(&b, "\n## %s%s\n\n| function | gives | |\n|---|---|---|\n", strings.ToUpper(topic[:1]), topic[1:])
		for _, f := range byTopic[topic].Sorted() {
			b.WriteString(row(f))
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// row is a function's row: its forms below one another, what they give, what it is.
func row(f Function) string {
	var calls, gives []string
	for _, form := range f.Forms {
		calls = append(calls, "`"+f.Signature(form)+"`")
		gives = append(gives, "`"+string(form.Returns)+"`")
	}
	if f.Syntax != "" {
		calls = []string{"`" + strings.ReplaceAll(f.Syntax, "|", `\|`) + "`"}
	}
	about := f.Description
	if f.Kind != Scalar && f.Kind != Expression {
		about += " *" + strings.ToUpper(f.Kind.String()[:1]) + f.Kind.String()[1:] + ".*"
	}
	if f.Nondeterministic {
		about += " *Not deterministic.*"
	}
	return "| " + strings.Join(calls, "<br>") + " | " + strings.Join(gives, "<br>") + " | " + about + " |\n"
}
