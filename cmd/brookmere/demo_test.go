package main

import (
	"encoding/base64"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/spf13/cobra"

	"github.com/brookmere/brookmere/examples"
	"github.com/brookmere/brookmere/examples/wildrydes"
)

// own are the flags of a demo that starts a node of its own.
func own(data string) []string { return []string{"--listen", "127.0.0.1:0", "--data", data} }

// TestDemo plays the first demo, which compares what it sent with what SQL finds.
func TestDemo(t *testing.T) {
	data := t.TempDir()
	prints(t, append(strings.Fields("demo --for 500ms --rate 200"), own(data)...), "Brookmere is up", "Objects in the lake", "The counts agree.")
	for range 2 { // twice does no harm
		prints(t, append(strings.Fields("demo devices --clean"), own(data)...), "removed          bucket brookmere-demo")
	}
	fails(t, append(strings.Fields("demo --rate 0"), own(data)...), "at least one record a second")
}

func TestDemoTrades(t *testing.T) {
	data := t.TempDir()
	prints(t, append(strings.Fields("demo trades --for 500ms"), own(data)...), "Brookmere is up")
	prints(t, append(strings.Fields("demo trades --clean"), own(data)...))
}

func TestDemoHealth(t *testing.T) {
	data := t.TempDir()
	prints(t, append(strings.Fields("demo health --for 500ms"), own(data)...), "Brookmere is up", "visual job")
	prints(t, append(strings.Fields("demo health --clean"), own(data)...))
}

// TestDemoRegion plays demos in another region, which one without --region knows nothing of.
func TestDemoRegion(t *testing.T) {
	data := t.TempDir()
	prints(t, append(strings.Fields("demo health --region eu-central-1 --for 500ms"), own(data)...), "Brookmere is up", "visual job")
	prints(t, append(strings.Fields("demo health --region eu-central-1 --clean"), own(data)...))
	prints(t, append(strings.Fields("demo devices --region eu-west-2 --for 500ms --rate 200"), own(data)...), "The counts agree.")
	prints(t, append(strings.Fields("demo devices --region eu-west-2 --clean"), own(data)...), "removed          bucket brookmere-demo")
	url, _ := sharedNode(t)
	prints(t, words(url, "demo wildrydes --region sa-east-1 --page 127.0.0.1:0 --for 300ms --name Shadowfax"), "The fleet flies", "--endpoint "+url+" --region sa-east-1")
	prints(t, words(url, "streams ls --region sa-east-1"), "wildrydes-summary")
	prints(t, words(url, "demo wildrydes --region sa-east-1 --clean"), "Removing the fleet")
	prints(t, words(url, "streams ls --region sa-east-1"), "There are no streams")
	fails(t, append(strings.Fields("demo devices --profile none-of-mine"), own(t.TempDir())...), "none-of-mine")
}

// TestDemoWildrydes flies the fleet on a node that runs, looks into its SQL application, and removes all.
func TestDemoWildrydes(t *testing.T) {
	url, _ := sharedNode(t)
	prints(t, words(url, "demo wildrydes --page 127.0.0.1:0 --for 300ms --name Shadowfax --name Rocinante"),
		"The fleet flies: 2 unicorns.", "http://127.0.0.1:", "Readings in the bucket:")
	prints(t, words(url, "analytics ls"), "APPLICATION", "RUNNING", "wildrydes", "wildrydes-summary")
	prints(t, words(url, "analytics ls --json"), `"status"`)
	prints(t, words(url, "analytics explain wildrydes"), "DESTINATION_SQL_STREAM")
	prints(t, words(url, "analytics discover wildrydes"), "COLUMN", "Name", "VARCHAR")
	rows := start(t, words(url, "analytics tail wildrydes SOURCE_SQL_STREAM_001 -n 2")...)
	flight := start(t, words(url, "demo wildrydes --page 127.0.0.1:0 --name Binky")...)
	rows.says("Binky")
	flight.interrupt()
	if !strings.Contains(flight.printed(), "The unicorns have landed.") {
		t.Errorf("Ctrl-C ends the flight with\n%s", flight.printed())
	}
	prints(t, words(url, "analytics stop wildrydes"))
	fails(t, words(url, "analytics stop wildrydes"), "ResourceInUseException")
	prints(t, words(url, "analytics start wildrydes --from last-stopped-point"))
	fails(t, words(url, "analytics explain none"), "none")
	fails(t, words(url, "analytics start none"), "ResourceNotFoundException")
	fleetFunction(t, url)
	prints(t, words(url, "demo wildrydes --clean"), "Removing the fleet")
	prints(t, words(url, "demo wildrydes --clean"), "Removing the fleet") // twice does no harm
	if got, _ := command(t, words(url, "streams ls")...); strings.Contains(got, "wildrydes") {
		t.Errorf("streams are left:\n%s", got)
	}
}

// fleetFunction has the fleet's function write a summary into the table, without an SDK, and then fail: the
// demo says so, and flies.
func fleetFunction(t *testing.T, url string) {
	t.Helper()
	if _, err := exec.LookPath("node"); err != nil {
		t.Log("no Node is here: the function is not tried")
		return
	}
	record := `{"kinesis":{"data":"` + base64.StdEncoding.EncodeToString([]byte(`{"Name":"Shadowfax","StatusTime":"2018-03-18 03:20:00.000","Distance":362,"MinMagicPoints":null}`)) + `"}}`
	prints(t, words(url, "functions invoke "+wildrydes.Function+` --payload {"Records":[`+record+","+record+`]}`), "wrote 1 summaries")
	prints(t, words(url, "tables scan "+wildrydes.Table), "Shadowfax", "362")
	client := lambda.NewFromConfig(newDemoClients(url, "").config)
	if _, err := client.UpdateFunctionConfiguration(t.Context(), &lambda.UpdateFunctionConfigurationInput{FunctionName: aws.String(wildrydes.Function), Handler: aws.String("index.none")}); err != nil {
		t.Fatal(err)
	}
	prints(t, words(url, "demo wildrydes --page 127.0.0.1:0 --for 300ms --name Shadowfax"),
		"The table "+wildrydes.Table+" gets no summaries: ", "index.none is undefined", "brookmere functions logs "+wildrydes.Function, "Readings in the bucket:")
}

// TestRunStartsANode runs a command for which a node is started, and ends as it does.
func TestRunStartsANode(t *testing.T) {
	out, err := command(t, "run", "--up", "--", "sh", "-c", "echo $AWS_ENDPOINT_URL $AWS_REGION; exit 3")
	if err == nil || err.Error() != "exit status 3" {
		t.Errorf("the command's exit code 3: %v", err)
	}
	for _, want := range []string{"http://127.0.0.1:", "us-east-1", "AWS_ENDPOINT_URL, credentials and region are set"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	fails(t, []string{"run", "--up", "-q", "--", "/no/such/command"}, "no such file")
}

// TestExitCodesOfRun: they are those that a shell has for the command.
func TestExitCodesOfRun(t *testing.T) {
	url, _ := sharedNode(t)
	for args, want := range map[string]int{"true": 0, "sh -c exit${IFS}3": 3, "sh -c kill${IFS}-9${IFS}$$": 128 + 9, "no-such-command": 127, "/no/such/command": 127, "/": 126} {
		_, err := command(t, append([]string{"run", "-q", "--endpoint", url, "--dir", t.TempDir(), "--"}, strings.Fields(args)...)...)
		if code, told := exitCode(err); code != want || told != (code < 126) {
			t.Errorf("%s: exit code %d, told: %v, of %v", args, code, told, err)
		}
	}
}

// TestDashboards brings the dashboards of the examples into a node, and takes them out again.
func TestDashboards(t *testing.T) {
	url, _ := sharedNode(t)
	for _, name := range examples.Dashboards() {
		prints(t, words(url, "dashboards put --example "+name), name)
		text, _ := command(t, words(url, "dashboards get "+name)...)
		file := filepath.Join(t.TempDir(), name, "dashboard.yaml")
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		prints(t, words(url, "dashboards put "+file), name)
		if again, _ := command(t, words(url, "dashboards get "+name)...); again != text || !strings.Contains(text, "widgets:\n  - type:") {
			t.Errorf("%s is not the same when it was put again:\n%s", name, again)
		}
	}
	prints(t, words(url, "dashboards ls"), "DASHBOARD", "orders", "wildrydes")
	prints(t, words(url, "dashboards get orders --json"), `{"start":"-PT1H","widgets":[`)
	fails(t, words(url, "dashboards put --example none"), "devices, health, orders, trades, wildrydes")
	fails(t, words(url, "dashboards put -"), "--name")
	fails(t, words(url, "dashboards put /no/such.yaml"), "no such file")
	fails(t, words(url, "dashboards get none"), "ResourceNotFound")
	prints(t, words(url, "dashboards rm "+strings.Join(examples.Dashboards(), " ")))
	fails(t, words(url, "dashboards rm orders"), "orders")
}

// TestDemoEndpoint: the address of a node that runs may end with a slash.
func TestDemoEndpoint(t *testing.T) {
	url, _ := sharedNode(t)
	cmd := &cobra.Command{}
	cmd.SetContext(t.Context())
	err := (&demoFlags{endpoint: url + "/"}).on(cmd, func(c *demoClients) error {
		if c.url != url || c.account == "" {
			t.Errorf("clients of account %q at %s, want %s", c.account, c.url, url)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}
