package e2e

import (
	"errors"
	"os/exec"
	"strings"
	"testing"

	"github.com/brookmere/brookmere/test/nodetest"
)

// underRun runs a command by "brookmere run", which is all that tells it of the node.
func underRun(t *testing.T, n *Node, args ...string) (string, error) {
	t.Helper()
	if _, err := exec.LookPath(args[0]); err != nil {
		t.Skipf("there is no %s", args[0])
	}
	cmd := exec.Command(nodetest.Binary(t), append([]string{"run", "--quiet", "--endpoint", n.URL, "--dir", t.TempDir(), "--"}, args...)...)
	cmd.Env = append(cmd.Environ(), "LC_ALL=C.UTF-8", "AWS_ENDPOINT_URL=https://example.com", "AWS_PROFILE=production", "AWS_ENDPOINT_URL_KINESIS=https://example.com")
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// needs skips a test where a program cannot be run with arguments: a library of it is missing, say.
func needs(t *testing.T, args ...string) {
	t.Helper()
	if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
		t.Skipf("%s: %v: %.200s", args[0], err, out)
	}
}

// TestClientsWithoutAnEndpoint: programs that know AWS's names alone reach the node, and nothing else.
func TestClientsWithoutAnEndpoint(t *testing.T) {
	n := Start(t)
	const target = "X-Amz-Target: Kinesis_20131202.ListStreams"
	const form = "Content-Type: application/x-amz-json-1.1"
	t.Run("curl", func(t *testing.T) {
		for _, url := range []string{"https://kinesis.eu-west-1.amazonaws.com/", "http://kinesis.eu-west-1.amazonaws.com/", "https://kinesis.us-east-1.api.aws/"} {
			out, err := underRun(t, n, "curl", "-sS", "-H", target, "-H", form, "-d", "{}", url)
			if err != nil || !strings.Contains(out, `"StreamNames"`) {
				t.Errorf("%s: %v: %s", url, err, out)
			}
		}
		for _, url := range []string{"https://example.com/", "https://10.0.0.1/", "http://example.com/"} {
			if out, err := underRun(t, n, "curl", "-sS", "-f", url); err == nil || !strings.Contains(out, "403") {
				t.Errorf("%s: %v: %s", url, err, out)
			}
		}
	})
	t.Run("node", func(t *testing.T) {
		out, err := underRun(t, n, "node", "-e", `
			const https = require('https');
			const agent = new https.Agent({ keepAlive: true, maxSockets: 50 }); // as the SDK v2 makes its own
			const ask = (host, done) => {
				const r = https.request({ host, method: 'POST', path: '/', agent, headers: { 'x-amz-target': 'Kinesis_20131202.ListStreams', 'content-type': 'application/x-amz-json-1.1' } }, (res) => {
					let text = '';
					res.on('data', (d) => { text += d; });
					res.on('end', () => done(null, text));
				});
				r.on('error', (e) => done(e));
				r.end('{}');
			};
			ask('kinesis.eu-west-1.amazonaws.com', (err, text) => {
				console.log('first', err ? err.message : text);
				ask('example.com', (err, text) => {
					console.log('other', err ? err.message : text);
					process.exit(0);
				});
			});`)
		if err != nil || !strings.Contains(out, "first {") || !strings.Contains(out, `"StreamNames"`) || !strings.Contains(out, "other the proxy") || !strings.Contains(out, "403") {
			t.Errorf("%v: %s", err, out)
		}
	})
	t.Run("boto3", func(t *testing.T) {
		python := Python(t, "boto3")
		out, err := underRun(t, n, python, "-c", `
import boto3
from botocore.config import Config
c = Config(ignore_configured_endpoint_urls=True)
k = boto3.client('kinesis', config=c)
k.create_stream(StreamName='from-boto', ShardCount=1)
s = boto3.client('s3', config=c)
s.create_bucket(Bucket='lake')
s.put_object(Bucket='lake', Key='a b', Body=b'x')
print(k.meta.endpoint_url, k.list_streams()['StreamNames'], s.get_object(Bucket='lake', Key='a b')['Body'].read())
`)
		if err != nil || !strings.Contains(out, "https://kinesis.us-east-1.amazonaws.com ['from-boto'] b'x'") {
			t.Errorf("%v: %s", err, out)
		}
	})
	t.Run("ruby", func(t *testing.T) {
		needs(t, "ruby", "-e", "require 'aws-sdk-s3'; require 'aws-sdk-kms'")
		out, err := underRun(t, n, "ruby", "-e", `
require 'aws-sdk-s3'
require 'aws-sdk-kms'
ENV.delete('AWS_ENDPOINT_URL') # which SDKs of 2023 and before do not read
s = Aws::S3::Client.new
s.create_bucket(bucket: 'from-ruby')
s.put_object(bucket: 'from-ruby', key: 'a b/ü', body: 'hello')
puts s.get_object(bucket: 'from-ruby', key: 'a b/ü').body.read, s.config.endpoint
begin
  s.get_object(bucket: 'from-ruby', key: 'none')
rescue Aws::S3::Errors::NoSuchKey => e
  puts e.class
end
k = Aws::KMS::Client.new
id = k.create_key.key_metadata.key_id
puts k.decrypt(ciphertext_blob: k.encrypt(key_id: id, plaintext: 'secret').ciphertext_blob).plaintext
puts Aws::STS::Client.new.get_caller_identity.arn
`)
		if err != nil || out != "hello\nhttps://s3.us-east-1.amazonaws.com\nAws::S3::Errors::NoSuchKey\nsecret\narn:aws:iam::000000000000:root\n" {
			t.Errorf("%v: %s", err, out)
		}
	})
	t.Run("php", func(t *testing.T) {
		needs(t, "php", "-r", "require 'AsyncAws/Sqs/autoload.php'; require 'AsyncAws/Sns/autoload.php';")
		out, err := underRun(t, n, "php", "-r", `
require 'AsyncAws/Sqs/autoload.php';
require 'AsyncAws/Sns/autoload.php';
$sqs = new AsyncAws\Sqs\SqsClient(); // which does not read AWS_ENDPOINT_URL
$url = $sqs->createQueue(['QueueName' => 'from-php'])->getQueueUrl();
$sqs->sendMessage(['QueueUrl' => $url, 'MessageBody' => 'hello'])->resolve();
foreach ($sqs->receiveMessage(['QueueUrl' => $url])->getMessages() as $m) {
	echo $m->getBody(), "\n";
}
$sns = new AsyncAws\Sns\SnsClient();
echo $sns->createTopic(['Name' => 'from-php'])->getTopicArn(), "\n";
try {
	$sqs->getQueueUrl(['QueueName' => 'none'])->resolve();
} catch (AsyncAws\Sqs\Exception\QueueDoesNotExistException $e) {
	echo "none\n";
}
`)
		if err != nil || out != "hello\narn:aws:sns:us-east-1:000000000000:from-php\nnone\n" {
			t.Errorf("%v: %s", err, out)
		}
	})
	t.Run("exit code", func(t *testing.T) {
		out, err := underRun(t, n, "sh", "-c", "exit 7")
		var ended *exec.ExitError
		if !errors.As(err, &ended) || ended.ExitCode() != 7 {
			t.Errorf("%v: %s", err, out)
		}
	})
}
