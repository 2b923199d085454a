package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/brookmere/brookmere/test/nodetest"
)

// snippet is a block of code in a document, told by how it begins.
type snippet struct {
	begins  string
	why     string            // why it is not run; empty: it is
	instead map[string]string // what stands in for lines, by how these begin
	before  string            // commands before it
	after   string            // commands after it, which fail if it has not done its work
}

// Reasons for which a block is not run here.
const (
	picture = "it is a picture, or what a command prints"
	started = "the tests of the example start its node so"
	devices = "TestDevicesPipeline runs it"
	health  = "TestHealthPipeline runs it"
	orders  = "TestOrdersPipeline runs it"
	trades  = "TestTradesPipeline runs it"
	fleet   = "the tests of the demo, of the guide and of the Terraform module run it"
)

// putDashboard is the block of an example that brings its dashboard in; it runs in the example's directory.
var putDashboard = snippet{begins: "brookmere dashboards put dashboard.yaml", after: `brookmere dashboards ls | grep -q "$NAME"`}

// documents are all documents with code, and their blocks in order.
var documents = map[string][]snippet{
	"README.md": {
		{begins: "REST APIs", why: picture},
		{begins: "make demo"},
		{begins: "go install", instead: map[string]string{
			"go install":                "command -v brookmere >/dev/null",
			"brookmere functions setup": "true # it downloads: see the tests of functions",
		}, after: `aws kinesis describe-stream-summary --stream-name clicks | grep -q '"OpenShardCount": 2'; aws s3 ls | grep -q lake`},
		{begins: "brookmere streams tail", before: `brookmere generate clicks --count 5 --to kinesis:clicks`, instead: map[string]string{
			"brookmere demo wildrydes": "true # its own test flies it",
			"brookmere bench streams":  "true # its own test measures",
		}},
	},
	"CONTRIBUTING.md": {{begins: "make build"}},
	"docs/analytics.md": {{begins: "brookmere analytics ls", before: `
			aws kinesis create-stream --stream-name STREAM --shard-count 1
			aws kinesisanalytics create-application --application-name APP --inputs '[{"NamePrefix": "SOURCE_SQL_STREAM", "KinesisStreamsInput":
				{"ResourceARN": "arn:aws:kinesis:us-east-1:000000000000:stream/STREAM", "RoleARN": "arn:aws:iam::000000000000:role/analytics"},
				"InputSchema": {"RecordFormat": {"RecordFormatType": "JSON", "MappingParameters": {"JSONMappingParameters": {"RecordRowPath": "$"}}},
					"RecordColumns": [{"Name": "page", "Mapping": "$.page", "SqlType": "VARCHAR(64)"}]}}]' \
				--application-code 'CREATE OR REPLACE STREAM "STREAM" ("page" VARCHAR(64));
					CREATE OR REPLACE PUMP "pump" AS INSERT INTO "STREAM" SELECT STREAM "page" FROM "SOURCE_SQL_STREAM_001";'
			brookmere generate clicks --rate 50 --for 10m --to kinesis:STREAM >/dev/null 2>&1 & others="$others $!"
			brookmere analytics start APP --from trim_horizon
			until brookmere analytics ls | grep -q RUNNING; do sleep 0.1; done`}},
	"docs/apis.md": {
		{begins: "API          KIND", why: picture},
		{begins: "aws kinesis create-stream", after: `brookmere streams tail orders | grep -q '{"id":1}'`},
	},
	"docs/clients.md": {
		{begins: "export AWS_ENDPOINT_URL", after: `aws sts get-caller-identity | grep -q 000000000000`},
		// What is started finds AWS by a name of AWS's.
		{begins: "brookmere run -- ./a-compiled-program", before: `
			cat >a-compiled-program <<'END'
				#!/bin/sh
				exec curl -fsS -o answer "https://sts.us-east-1.amazonaws.com/?Action=GetCallerIdentity&Version=2011-06-15" --aws-sigv4 aws:amz:us-east-1:sts --user "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY"
END
			sed -i 's/^\t*//' a-compiled-program; chmod +x a-compiled-program
			mkdir tools; for tool in terraform mvn go; do ln -s ../a-compiled-program tools/$tool; done
			PATH=$PWD/tools:$PATH`, after: `grep -q "<Account>000000000000</Account>" answer`},
		{begins: "proxy:"},
		{begins: "brookmere up --listen 0.0.0.0:4566", instead: map[string]string{
			"AWS_SHARED_CREDENTIALS_FILE": `env -u AWS_ACCESS_KEY_ID -u AWS_SECRET_ACCESS_KEY AWS_SHARED_CREDENTIALS_FILE=brookmere-data/credentials aws --endpoint-url $NODE s3 ls`,
		}},
		{begins: "func TestMain", why: "the tests of brookmeretest have the same calls"},
		{begins: "brookmere up --data :memory: --clock offset", after: `curl -fsS $NODE/_brookmere/clock | grep -q offset`},
	},
	"docs/configuration.md": {{begins: "listen: 0.0.0.0:4566", before: "echo a-long-secret >secret"}},
	"docs/identity.md": {
		{begins: "brookmere up --iam log", instead: map[string]string{"brookmere up --iam log": `
			brookmere up --iam log
			aws iam create-role --role-name loader --assume-role-policy-document '{"Statement": {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}}'
			aws iam create-user --user-name ann
			aws iam put-user-policy --user-name ann --policy-name assume --policy-document '{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"}}'
			ANN=$(aws iam create-access-key --user-name ann --output text --query 'AccessKey.[AccessKeyId,SecretAccessKey]')
			load() {
				set -- $(AWS_ACCESS_KEY_ID=${ANN%%[[:space:]]*} AWS_SECRET_ACCESS_KEY=${ANN##*[[:space:]]} aws sts assume-role --role-arn arn:aws:iam::000000000000:role/loader --role-session-name once --output text \
					--query 'Credentials.[AccessKeyId,SecretAccessKey,SessionToken]') "$@"
				curl -sS -D headers --aws-sigv4 aws:amz:us-east-1:sqs --user $1:$2 -H "X-Amz-Security-Token: $3" -d "Action=$4&Version=2012-11-05" $NODE/
			}
			load ListQueues | grep -q ListQueuesResult`,
		}, after: `grep -q sqs:ListQueues loader.json; load ListQueues | grep -q ListQueuesResult; load "CreateQueue&QueueName=q" | grep -q AccessDenied`},
		{begins: "brookmere identity explain", instead: map[string]string{"brookmere": `
			brookmere identity explain $(sed -n 's/^X-Amzn-Requestid: \([0-9a-f-]*\).*/\1/Ip' headers) | tee /dev/stderr | grep -q sqs:CreateQueue`}},
		{begins: "aws sts get-session-token", why: "the code of a device is good for half a minute; the tests of IAM and STS show some"},
		{begins: "aws sts assume-role-with-web-identity", before: `
			aws iam create-open-id-connect-provider --url https://token.actions.githubusercontent.com --client-id-list sts.amazonaws.com
			ROLE=$(aws iam create-role --role-name deploy --query Role.Arn --output text --assume-role-policy-document '{"Statement": {"Effect": "Allow", "Action": "sts:AssumeRoleWithWebIdentity",
				"Principal": {"Federated": "arn:aws:iam::000000000000:oidc-provider/token.actions.githubusercontent.com"},
				"Condition": {"StringEquals": {"token.actions.githubusercontent.com:aud": "sts.amazonaws.com"}}}}')`},
		{begins: "issuers:", why: "the keys of a login are its own; the tests of identity make some"},
	},
	"docs/jobs.md":          {{begins: "brookmere jobs setup", why: "it downloads 900 MB; TestGlueScriptJobs uses what is there"}},
	"docs/signals.md":       {{begins: "aws --endpoint-url", instead: map[string]string{"aws --endpoint-url http://127.0.0.1:4566 logs tail": "true # the CLI 2 has it"}}},
	"docs/streaming-sql.md": {{begins: "CREATE OR REPLACE STREAM", why: "the tests of the engine run every statement of the page"}},
	"clients/java/README.md": {
		{begins: "mvn install", why: "TestJUnit runs the extension, and this class"},
		{begins: "@ExtendWith", why: "TestJUnit runs it"},
		{begins: "GenericContainer", why: "there is no Docker where the tests run"},
	},
	"clients/python/README.md": {
		{begins: "pip install", why: "TestPytestPlugin takes the plugin from its directory"},
		{begins: "def test_clicks"},
	},
	"examples/devices/README.md": {
		{begins: "devices ─>", why: picture}, {begins: "brookmere up", why: started}, {begins: "export", why: devices}, {begins: "brookmere generate", why: devices},
		{begins: "brookmere deliveries flush", why: devices}, {begins: "aws glue start-crawler", why: devices}, putDashboard,
	},
	"examples/grafana/README.md": {{begins: "scrape_configs", why: "it is of Prometheus's configuration"}},
	"examples/health/README.md": {
		{begins: "generator ─>", why: picture}, {begins: "brookmere up", why: started}, {begins: "export", why: health}, {begins: "python3 -m venv", why: health},
		{begins: ".venv/bin/python generator.py", why: health}, {begins: "aws s3 ls", why: health},
	},
	"examples/orders/README.md": {
		{begins: "POST /orders", why: picture}, {begins: "brookmere up", why: started}, {begins: "export", why: orders}, {begins: "./producer.py", why: orders},
		{begins: "aws dynamodb scan", why: orders}, {begins: "for d in", why: orders}, {begins: "brookmere sql", why: orders}, putDashboard,
		{begins: "aws iam detach-role-policy", why: orders}, {begins: "brookmere identity token", why: orders},
	},
	"examples/trades/README.md": {
		{begins: "templates/price.tpl", why: picture}, {begins: "brookmere up", why: started}, {begins: "export", why: trades}, {begins: "keys()", why: trades},
		{begins: "watch", why: "it goes on for ever; put-record is of every test of Firehose"}, {begins: "AWS_ACCESS_KEY_ID", why: trades}, putDashboard,
	},
	"examples/wildrydes/README.md": {
		{begins: "producer ──>", why: picture}, {begins: "brookmere demo wildrydes", why: fleet}, {begins: "cd examples/wildrydes/terraform", why: fleet}, {begins: "brookmere up"},
		{begins: "aws kinesis create-stream", instead: map[string]string{
			"go run ./examples/wildrydes/producer": "brookmere generate unicorns --names Shadowfax,Rocinante --count 60 --rate 1000 --to kinesis:wildrydes",
			"go run ./examples/wildrydes/consumer": "brookmere streams tail wildrydes",
		}},
		{begins: "aws kinesisanalytics create-application", after: "aws kinesisanalytics list-applications | grep -q wildrydes"},
		{begins: "brookmere analytics explain", why: fleet}, {begins: `{"Name":"Shadowfax"`, why: picture}, putDashboard,
	},
}

// undocumented are documents without commands, and those whose blocks other tests run.
var undocumented = regexp.MustCompile(`^(CHANGELOG|SECURITY|docs/(ARCHITECTURE|dependencies|operations|sql-functions|table-formats)|docs/(format|guides|services)/.*|internal/.*)\.md$`)

// TestDocuments runs the blocks of commands of all documents but the guides, which TestGuides follows. A block that is not
// run is named with the reason, and one that is new is not passed over: each has a line above.
func TestDocuments(t *testing.T) {
	aws := CLI(t)
	for _, needed := range []string{"bash", "curl"} {
		if _, err := exec.LookPath(needed); err != nil {
			t.Skip("there is no " + needed)
		}
	}
	root := filepath.Join(sourceDir(), "..", "..")
	bin := t.TempDir()
	if err := os.Symlink(nodetest.Binary(t), filepath.Join(bin, "brookmere")); err != nil {
		t.Fatal(err)
	}
	n := Start(t)
	path := bin + ":" + filepath.Dir(aws) + ":" + os.Getenv("PATH")
	var found []string
	for _, pattern := range []string{"*.md", "docs/*.md", "docs/*/*.md", "examples/*/*.md", "clients/*/*.md"} {
		list, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range list {
			name, err := filepath.Rel(root, file)
			if err != nil {
				t.Fatal(err)
			}
			found = append(found, filepath.ToSlash(name))
		}
	}
	for name := range documents {
		if !slices.Contains(found, name) {
			t.Errorf("there is no document %s", name)
		}
	}
	for _, name := range found {
		text, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		if undocumented.MatchString(name) || len(codeOf(string(text))) == 0 && documents[name] == nil {
			continue
		}
		t.Run(name, func(t *testing.T) {
			script := scriptOf(t, codeOf(string(text)), documents[name])
			if t.Failed() || script == "" {
				return
			}
			dir := t.TempDir()
			if strings.HasPrefix(name, "examples/") {
				dir = filepath.Join(dir, filepath.Base(filepath.Dir(name)))
				if err := os.CopyFS(dir, os.DirFS(filepath.Join(root, filepath.Dir(name)))); err != nil {
					t.Fatal(err)
				}
			}
			cmd := exec.Command("bash", "-c", shellOfDocuments+script)
			cmd.Dir = dir
			cmd.Env = n.Env("PATH="+path, "ROOT="+root, "NODE="+n.URL, "NAME="+filepath.Base(dir), "HOME="+dir, "PYTHON="+pythonOrNone(), "BROOKMERE_BIN="+nodetest.Binary(t))
			var out strings.Builder
			cmd.Stdout, cmd.Stderr = &out, &out
			cmd.WaitDelay = 10 * time.Second
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			late := time.AfterFunc(10*time.Minute, func() { _ = cmd.Process.Kill() })
			defer late.Stop()
			if err := cmd.Wait(); err != nil {
				t.Errorf("%v\n%s", err, out.String())
			}
		})
	}
}

// pythonOrNone is a python with pytest and boto3, or none.
func pythonOrNone() string {
	python := os.Getenv(PythonEnv)
	if python == "" {
		python = "python3"
	}
	if exec.Command(python, "-c", "import pytest, boto3").Run() != nil {
		return ""
	}
	return python
}

// shellOfDocuments is what the commands of documents run in. A node that a document starts takes a free port, and is NODE
// from then on; what goes on until Ctrl-C ends at its first line; make only says what it would do.
const shellOfDocuments = `
set -euo pipefail
others=
trap 'kill $others 2>/dev/null || true; wait || true' EXIT
nodes=0
up() {
	shift # the word up
	kill $others 2>/dev/null && wait $others || true
	nodes=$((nodes + 1))
	command brookmere up "$@" --ready-file ready$nodes & others=$!
	until [ -s ready$nodes ]; do kill -0 $others; sleep 0.05; done
	NODE=$(sed 's/0\.0\.0\.0\|\[::\]/127.0.0.1/' ready$nodes)
	export AWS_ENDPOINT_URL=$NODE
}
brookmere() {
	case "$1 ${2:-}" in
	"up "*)
		case "$*" in
		*--listen*|*--config*) up "${@/%:4566/:0}" ;;
		*) up "$@" --listen 127.0.0.1:0 ;;
		esac ;;
	"streams tail") command brookmere "$@" --from trim_horizon --count 1 ;;
	"analytics tail") command brookmere "$@" --count 1 ;;
	*) command brookmere "$@" ;;
	esac
}
make() { command make -C "$ROOT" -n "$@" >/dev/null; }
configured() {
	sed -i -e 's|^listen:.*||' -e "s|^data:.*||" -e "s|/run/secrets/brookmere|$PWD/secret|" "$1"
	printf 'listen: 127.0.0.1:0\ndata: %s\n' "$PWD/configured" >>"$1"
	brookmere up --config "$1"
}
`

// code is a block of a document: lines that are indented behind an empty one, or fenced in backquotes.
type code struct{ language, text string }

func codeOf(text string) (blocks []code) {
	lines := strings.Split(text, "\n")
	for i := 0; i < len(lines); i++ {
		if language, ok := strings.CutPrefix(lines[i], "```"); ok {
			var block []string
			for i++; i < len(lines) && lines[i] != "```"; i++ {
				block = append(block, lines[i])
			}
			blocks = append(blocks, code{language, strings.Join(block, "\n")})
			continue
		}
		if !strings.HasPrefix(lines[i], "    ") || i > 0 && lines[i-1] != "" {
			continue
		}
		var block []string
		for ; i < len(lines) && (lines[i] == "" || strings.HasPrefix(lines[i], "    ")); i++ {
			block = append(block, strings.TrimPrefix(lines[i], "    "))
		}
		blocks = append(blocks, code{"", strings.TrimSpace(strings.Join(block, "\n"))})
		i--
	}
	return blocks
}

// configKeys begin blocks of a node's configuration.
var configKeys = regexp.MustCompile(`^(proxy|listen|issuers):`)

// scriptOf makes one script of the blocks that are run; "" if none is.
func scriptOf(t *testing.T, blocks []code, known []snippet) string {
	var script strings.Builder
	for i, b := range blocks {
		first, _, _ := strings.Cut(b.text, "\n")
		if i >= len(known) || !strings.HasPrefix(b.text, known[i].begins) {
			t.Errorf("block %d, which begins %q, is not the one that is known here: give it a line in the table, as it is run or with the reason why not", i+1, first)
			return ""
		}
		s := known[i]
		if s.why != "" {
			continue
		}
		script.WriteString(s.before + "\n")
		text := b.text
		switch {
		case configKeys.MatchString(text):
			script.WriteString("cat >config.yaml <<'END'\n" + text + "\nEND\nconfigured config.yaml\n")
			text = ""
		case b.language == "python":
			if pythonOrNone() == "" {
				continue
			}
			script.WriteString("cat >test_document.py <<'END'\n" + text + "\nEND\n")
			text = `PYTHONPATH=$ROOT/clients/python PYTEST_PLUGINS=pytest_brookmere $PYTHON -m pytest -q -p no:cacheprovider test_document.py`
		}
		used := map[string]bool{}
		for line := range strings.Lines(text) {
			for begins, other := range s.instead {
				if strings.HasPrefix(line, begins) {
					line, used[begins] = other+"\n", true
				}
			}
			script.WriteString(strings.NewReplacer("http://127.0.0.1:4566", "$NODE", "0.0.0.0:4566", "0.0.0.0:0").Replace(line))
		}
		for begins := range s.instead {
			if !used[begins] {
				t.Errorf("block %d has no line that begins %q", i+1, begins)
			}
		}
		script.WriteString("\n" + s.after + "\n")
	}
	if len(known) > len(blocks) {
		t.Errorf("there is no block that begins %q", known[len(blocks)].begins)
	}
	return script.String()
}
