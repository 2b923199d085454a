package crawl

import "sync"

// builtinLogs are the classifiers of log lines that every crawler has, behind that of JSON and
// before that of CSV, in the order of AWS Glue's documentation.
var builtinLogs = sync.OnceValue(func() []Classifier {
	var out []Classifier
	for _, b := range []struct{ classification, pattern, custom string }{
		{"combined_apache", `%{COMBINEDAPACHELOG}`, ""},
		{"apache", `%{COMMONAPACHELOG}`, ""},
		{"linux_kernel", `%{SYSLOGTIMESTAMP:timestamp} %{SYSLOGHOST:logsource} kernel: \[ *%{NUMBER:uptime}\] %{GREEDYDATA:message}`, ""},
		{"syslog", `%{SYSLOGBASE} %{GREEDYDATA:message}`, ""},
		{"microsoft_log", `%{MSTIME:timestamp} %{IPORHOST:clientip} %{NOTSPACE:username} %{IPORHOST:serverip} %{POSINT:port} %{WORD:method} %{NOTSPACE:uristem} %{NOTSPACE:uriquery} %{GREEDYDATA:rest}`, "MSTIME %{YEAR}-%{MONTHNUM}-%{MONTHDAY} %{TIME}"},
		{"ruby_logger", `[DFEWI], \[%{TIMESTAMP_ISO8601:timestamp} #%{POSINT:pid}\] *%{LOGLEVEL:loglevel} -- +%{DATA:progname}: %{GREEDYDATA:message}`, ""},
		{"squid", `%{NUMBER:timestamp}\s+%{NUMBER:duration}\s+%{IPORHOST:client_address}\s+%{WORD:cache_result}/%{NONNEGINT:status_code}\s+%{NUMBER:bytes}\s+%{NOTSPACE:request_method}\s+%{NOTSPACE:url}\s+%{NOTSPACE:user}\s+%{WORD:hierarchy_code}/%{NOTSPACE:server}\s+%{NOTSPACE:content_type}`, ""},
		{"redismonlog", `%{NUMBER:timestamp} \[%{INT:database} %{IP:client}:%{NUMBER:port}\] "%{WORD:command}"\s?%{GREEDYDATA:params}`, ""},
		{"redislog", `\[?%{POSINT:pid}(?:\]|:%{WORD:role}) %{REDISTIME:timestamp} (?:%{REDISLEVEL:level}) %{GREEDYDATA:message}`, "REDISTIME %{MONTHDAY} %{MONTH}(?: %{YEAR})? %{TIME}\nREDISLEVEL [*#.-]"},
	} {
		c, err := NewGrok(b.classification, b.pattern, b.custom)
		if err != nil {
			panic(b.classification + ": " + err.Error()) // TestBuiltinLogs
		}
		out = append(out, c)
	}
	return out
})
