package logs

// queries are those of Logs Insights.
type queries struct{}

func (q *queries) close() {}
