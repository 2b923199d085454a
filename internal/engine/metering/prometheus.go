package metering

import (
	"slices"
	"strings"
	"unicode"

	"github.com/prometheus/client_golang/prometheus"
)

// Describe implements prometheus.Collector. It says nothing: what is measured comes and goes.
func (r *Registry) Describe(chan<- *prometheus.Desc) {}

var (
	leftOut = prometheus.NewDesc("brookmere_metered_resources_left_out", "Resources whose measures are not shown here, for there are too many.", nil, nil)
	dropped = prometheus.NewDesc("brookmere_metered_resources_dropped_total", "Resources that were not measured, for there are too many.", nil, nil)
)

// Collect implements prometheus.Collector: of each measure of a resource a summary without quantiles, which is its count
// and its sum, as brookmere_aws_kinesis_incoming_bytes with the labels account, region and stream_name.
func (r *Registry) Collect(to chan<- prometheus.Metric) {
	r.mu.RLock()
	all := make([]*Resource, 0, len(r.resources))
	for _, res := range r.resources {
		all = append(all, res)
	}
	r.mu.RUnlock()
	slices.SortFunc(all, func(a, b *Resource) int { return strings.Compare(a.key, b.key) })
	more := max(len(all)-maxShown, 0)
	for _, res := range all[:len(all)-more] {
		res.collect(to)
	}
	to <- prometheus.MustNewConstMetric(leftOut, prometheus.GaugeValue, float64(more))
	to <- prometheus.MustNewConstMetric(dropped, prometheus.CounterValue, float64(r.Dropped()))
}

func (m *Resource) collect(to chan<- prometheus.Metric) {
	account, region, _ := strings.Cut(m.Scope, "/")
	labels, values := []string{"account", "region"}, []string{account, region}
	for _, d := range m.Dimensions {
		labels, values = append(labels, snake(d.Name)), append(values, strings.ToValidUTF8(d.Value, "?"))
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for i := range m.gauges {
		g := &m.gauges[i]
		name := "brookmere_" + snake(m.Namespace) + "_" + snake(g.measure.Name)
		desc := prometheus.NewDesc(name, g.measure.Name+" of "+m.Namespace+", in the unit "+g.measure.Unit+".", labels, nil)
		if metric, err := prometheus.NewConstSummary(desc, uint64(g.count), g.sum, nil, values...); err == nil {
			to <- metric
		}
	}
}

// snake is a name as Prometheus has them: AWS/Kinesis is aws_kinesis, IncomingBytes incoming_bytes.
func snake(s string) string {
	var b strings.Builder
	runes := []rune(s)
	for i, c := range runes {
		switch {
		case unicode.IsUpper(c):
			if i > 0 && (unicode.IsLower(runes[i-1]) || unicode.IsDigit(runes[i-1]) && unicode.IsLower(runes[max(i-2, 0)]) || i+1 < len(runes) && unicode.IsLower(runes[i+1]) && unicode.IsUpper(runes[i-1])) {
				b.WriteByte('_')
			}
			b.WriteRune(unicode.ToLower(c))
		case c < 128 && (unicode.IsLower(c) || unicode.IsDigit(c)):
			if unicode.IsDigit(c) && i == 0 {
				b.WriteByte('_')
			}
			b.WriteRune(c)
		default:
			b.WriteByte('_')
		}
	}
	return b.String()
}
