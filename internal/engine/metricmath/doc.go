// Package metricmath evaluates expressions of CloudWatch's metric math over time series.
//
// An expression is parsed once (Parse) and evaluated in an Env, which has the series that it names and the time that is
// looked at. A value is a number, a series, or several series:
//
//   - An operator of a number and a series works on each point, one of two series on the times that both have, one
//     of several series and another value on each of them.
//   - SUM, AVG, MIN, MAX and STDDEV of one series are a number, of several a series: at each time, of those that have a
//     point there. METRICS and SEARCH give several series, and so do brackets: [m1, m2].
//   - Comparisons and logic give 1 and 0.
//   - What has no result at a time (a division by zero, the logarithm of a negative number) has no point there.
//
// What an evaluation works on is bounded by a Budget, which expressions that name each other share.
//
// Functions of services that the program does not have (INSIGHT_RULE_METRIC, SERVICE_QUOTA, LAMBDA,
// DB_PERF_INSIGHTS) are refused by name.
//
// SearchTerms is the language of SEARCH: a schema, and words that a metric must have.
package metricmath
