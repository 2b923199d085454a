package e2e

import (
	"crypto/rand"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestS3Boto3(t *testing.T) {
	Start(t).Python(t, "s3.py")
}

// knownKeys are the credentials of the scripts: their own, and those of another account.
const knownKeys = "credentials:\n  - {access_key_id: test, secret_access_key: test}\n" +
	"  - {access_key_id: \"222222222222\", secret_access_key: x, account: \"222222222222\"}\n"

// TestS3Boto3Secured runs the same where credentials are asked for, over TLS and without: signed
// chunks and trailers, both versions of presigned URLs, signed forms.
func TestS3Boto3Secured(t *testing.T) {
	t.Run("credentials", func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "node.yaml")
		if err := os.WriteFile(file, []byte(knownKeys), 0o600); err != nil {
			t.Fatal(err)
		}
		Start(t, "--config", file).Python(t, "s3.py")
	})
	t.Run("tls", func(t *testing.T) {
		n, cert := startTLSWith(t, knownKeys)
		t.Setenv("SSL_CERT_FILE", cert)
		t.Setenv("REQUESTS_CA_BUNDLE", cert)
		n.Python(t, "s3.py")
	})
}

// TestS3Clients has clients of other makers write and read: pyarrow, delta-rs, pyiceberg and MinIO's.
func TestS3Clients(t *testing.T) {
	Python(t, "boto3", "pyarrow.fs", "deltalake", "pyiceberg.catalog.glue", "minio") // or skip
	Start(t).Python(t, "s3_clients.py")
}

// TestS3JavaScript runs a program on the SDK for JavaScript, where signatures are verified.
func TestS3JavaScript(t *testing.T) {
	dir := t.TempDir()
	installed(t, dir, "npm", "install", "--loglevel=error", "--no-audit", "--no-fund", "--prefix", dir,
		"@aws-sdk/client-s3@3", "@aws-sdk/lib-storage@3", "@aws-sdk/s3-request-presigner@3", "@aws-sdk/s3-presigned-post@3")
	program, err := os.ReadFile(filepath.Join(sourceDir(), "javascript", "s3.mjs"))
	if err != nil {
		t.Fatal(err)
	}
	file := writeSource(t, t.TempDir(), "node.yaml", knownKeys)
	if out := Start(t, "--config", file).Run(t, dir, "node", writeSource(t, dir, "main.mjs", string(program))); !strings.Contains(out, "objects: fine") {
		t.Error(out)
	}
}

// TestS3Rclone synchronizes a folder both ways.
func TestS3Rclone(t *testing.T) {
	rclone, err := exec.LookPath("rclone")
	if err != nil {
		t.Skip("there is no rclone")
	}
	n, dir := Start(t), t.TempDir()
	t.Setenv("AWS_CA_BUNDLE", "") // which it cannot use
	config := writeSource(t, dir, "rclone.conf", "[node]\ntype = s3\nprovider = Other\nenv_auth = true\nforce_path_style = true\nregion = us-east-1\nendpoint = "+n.URL+"\n")
	run := func(args ...string) string {
		t.Helper()
		return n.Run(t, dir, rclone, append([]string{"--config", config, "--s3-upload-cutoff", "5M", "--s3-chunk-size", "5M", "--retries", "1"}, args...)...)
	}
	for _, folder := range []string{"up", "up/sub"} {
		if err := os.Mkdir(filepath.Join(dir, folder), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	writeSource(t, dir, "up/big", strings.Repeat("brookmere ", 1<<20))
	writeSource(t, dir, "up/sub/ü + %41", "odd")
	run("mkdir", "node:rclone")
	run("sync", "up", "node:rclone/in")
	run("check", "up", "node:rclone/in")
	run("moveto", "node:rclone/in/big", "node:rclone/moved")
	run("sync", "node:rclone", "down")
	if out := run("lsf", "-R", "--files-only", "node:rclone"); out != "in/sub/ü + %41\nmoved\n" {
		t.Errorf("it lists %q", out)
	}
	if got, err := os.ReadFile(filepath.Join(dir, "down/in/sub/ü + %41")); err != nil || string(got) != "odd" {
		t.Errorf("%q came back, %v", got, err)
	}
	run("purge", "node:rclone")
}

func TestS3CLI(t *testing.T) {
	aws := CLI(t)
	n := Start(t)
	dir := t.TempDir()
	big := make([]byte, 20<<20)
	rand.Read(big)
	for name, body := range map[string][]byte{"big": big, "sub/a b+c": []byte("hi\n"), "sub/ü%41": []byte("ü\n")} {
		path := filepath.Join(dir, "up", name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, body, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	run := func(args ...string) string { t.Helper(); return n.Run(t, dir, aws, args...) }
	run("s3", "mb", "s3://cli-lake", "--region", "eu-west-1")
	if out := run("s3api", "get-bucket-location", "--bucket", "cli-lake"); !strings.Contains(out, "eu-west-1") {
		t.Errorf("location: %s", out)
	}
	run("s3", "sync", "up", "s3://cli-lake/pre/")
	if out := run("s3", "ls", "--recursive", "s3://cli-lake"); strings.Count(out, "pre/") != 3 || !strings.Contains(out, "20971520 pre/big") {
		t.Errorf("ls: %s", out)
	}
	run("s3", "sync", "s3://cli-lake/pre/", "down")
	for _, name := range []string{"big", "sub/a b+c", "sub/ü%41"} {
		up, _ := os.ReadFile(filepath.Join(dir, "up", name))
		down, err := os.ReadFile(filepath.Join(dir, "down", name))
		if err != nil || string(up) != string(down) {
			t.Errorf("%s came back as %d bytes, %v", name, len(down), err)
		}
	}
	run("s3", "cp", "s3://cli-lake/pre/big", "s3://cli-lake/copy")
	run("s3", "mv", "s3://cli-lake/copy", "s3://cli-lake/moved")
	if out := run("s3", "ls", "s3://cli-lake/"); !strings.Contains(out, "PRE pre/") || !strings.Contains(out, "moved") || strings.Contains(out, "copy") {
		t.Errorf("ls: %s", out)
	}
	url := strings.TrimSpace(run("s3", "presign", "s3://cli-lake/pre/sub/a b+c"))
	if out := n.Run(t, dir, Python(t, "urllib.request"), "-c", "import sys,urllib.request as u;print(u.urlopen(sys.argv[1]).read())", url); !strings.Contains(out, `hi\n`) {
		t.Errorf("presigned: %s", out)
	}
	run("s3", "rm", "--recursive", "s3://cli-lake", "--quiet")
	run("s3", "rb", "s3://cli-lake")
}

const s3Config = `
resource "aws_s3_bucket" "lake" {
  bucket        = "tf-lake"
  force_destroy = true
  tags          = { team = "data" }
}

resource "aws_s3_bucket_versioning" "lake" {
  bucket = aws_s3_bucket.lake.id
  versioning_configuration { status = "Enabled" }
}

resource "aws_s3_bucket_lifecycle_configuration" "lake" {
  bucket = aws_s3_bucket.lake.id
  rule {
    id     = "expire"
    status = "Enabled"
    filter { prefix = "tmp/" }
    expiration { days = 7 }
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "lake" {
  bucket = aws_s3_bucket.lake.id
  rule {
    apply_server_side_encryption_by_default { sse_algorithm = "AES256" }
  }
}

resource "aws_s3_bucket_public_access_block" "lake" {
  bucket                  = aws_s3_bucket.lake.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_policy" "lake" {
  bucket = aws_s3_bucket.lake.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid = "tls", Effect = "Deny", Principal = "*", Action = "s3:*",
      Resource = ["${aws_s3_bucket.lake.arn}", "${aws_s3_bucket.lake.arn}/*"],
      Condition = { Bool = { "aws:SecureTransport" = "false" } }
    }]
  })
}

resource "aws_s3_object" "seed" {
  bucket  = aws_s3_bucket.lake.id
  key     = "seed/a b.json"
  content = "{}"
}
`
