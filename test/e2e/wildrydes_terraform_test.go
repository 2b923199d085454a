package e2e

import (
	archive "archive/zip"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// fleetTerraform is examples/wildrydes in its Terraform form, with the module's own names.
var fleetTerraform = terraformPart{
	config:  fleetConfig,
	outputs: []string{"identity_pool", "bucket"},
	made: func(t *testing.T, n *Node, output func(string) string) {
		n.Run(t, "", Python(t, "boto3"), "-c", `
import boto3, json, sys, time, urllib.request, os
kinesis, analytics, cognito = (boto3.client(s) for s in ("kinesis", "kinesisanalytics", "cognito-identity"))
d = analytics.describe_application(ApplicationName="wildrydes")["ApplicationDetail"]
assert d["ApplicationStatus"] == "RUNNING" and "STREAM_PUMP" in d["ApplicationCode"], d
columns = [(c["Name"], c["SqlType"]) for c in d["InputDescriptions"][0]["InputSchema"]["RecordColumns"]]
assert columns[0] == ("Distance", "DOUBLE") and columns[-1] == ("StatusTime", "TIMESTAMP"), columns
assert cognito.get_id(IdentityPoolId=sys.argv[1])["IdentityId"]
reading = {"Distance": 30.21, "HealthPoints": 152, "Latitude": 40.74, "Longitude": -73.98, "MagicPoints": 151, "Name": "Shadowfax", "StatusTime": "2026-11-28 14:05:38.155"}
put = kinesis.put_record(StreamName="wildrydes", PartitionKey="Shadowfax", Data=json.dumps(reading) + "\n")
for _ in range(300):  # until the application has taken it
    apps = json.load(urllib.request.urlopen(os.environ["AWS_ENDPOINT_URL"] + "/_brookmere/analytics"))
    places = next(a for a in apps if a["name"] == "wildrydes").get("places") or {}
    if put["SequenceNumber"] in [s for p in places.values() for s in p.values()]:
        break
    time.sleep(0.1)
else:
    raise AssertionError(apps)
`, output("identity_pool"))
	},
}

// fleetConfig is the example without its provider, as a module that finds its files where they are.
func fleetConfig(t *testing.T) string {
	dir := filepath.Join(sourceDir(), "..", "..", "examples", "wildrydes")
	code, err := os.ReadFile(filepath.Join(dir, "function", "index.js"))
	if err != nil {
		t.Fatal(err)
	}
	zip := filepath.Join(t.TempDir(), "function.zip")
	f, err := os.Create(zip)
	if err != nil {
		t.Fatal(err)
	}
	w := archive.NewWriter(f)
	part, err := w.Create("index.js")
	if err != nil {
		t.Fatal(err)
	}
	part.Write(code)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	for _, name := range []string{"fleet.tf", "roles.tf"} {
		b, err := os.ReadFile(filepath.Join(dir, "terraform", name))
		if err != nil {
			t.Fatal(err)
		}
		text.Write(b)
	}
	return strings.NewReplacer("${path.module}/build/function.zip", zip, "${path.module}/..", dir).Replace(text.String())
}
