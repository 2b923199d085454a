package recordplan

import "testing"

func TestPureQueries(t *testing.T) {
	for query, pure := range map[string]bool{
		`{a:.a}`: true, `{now}`: true, `{a:(.at|strftime("%Y"))}`: true, `{a:(.a|ascii_downcase|.[0:2])}`: true,
		`{a:now}`: false, `{a:(now|strftime("%Y"))}`: false, `{a:$ENV.HOME}`: false, `{$ENV}`: false, `{a:env.HOME}`: false, `{a:input}`: false,
		`{a:[inputs]|length|tostring}`: false, `def f: now; {a:f}`: false, `{a:(.x|if . then now else 1 end)}`: false, `{a:"\(now)"}`: false,
		`{a:(.t|strflocaltime("%Y"))}`: false, `import "m" as m; {a:.a}`: false, `{a:(.b as $x | reduce .c[] as $y (0; now))}`: false,
	} {
		if _, err := CompileKeys(query); (err == nil) != pure {
			t.Errorf("%s: %v", query, err)
		}
	}
}
