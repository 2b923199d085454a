package main

import (
	"archive/zip"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/smithy-go"
	"github.com/spf13/cobra"

	"github.com/brookmere/brookmere/internal/node"
)

// skipFolders are not part of a function's code.
var skipFolders = []string{".git", ".hg", "__pycache__", ".venv", "venv", ".idea", ".vscode", ".terraform"}

func (f *functions) devCommand() *cobra.Command {
	var runtime, handler, role string
	cmd := &cobra.Command{
		Use: "dev {[NAME] DIR | NAME}", Short: "Deploy a function from a folder, and again when a file changes", Args: cobra.RangeArgs(1, 2),
		Example: `  brookmere functions dev ./orders
  brookmere functions dev orders ./src --runtime python3.12 --handler app.handler`,
		Long: `Package a folder as the code of a function, and again whenever a file in it changes, until
Ctrl-C. The next invocation runs the new code. Without a name the function is called like the
folder; without a folder it is this one. A function that does not exist is created: with
--runtime and --handler, or as the folder shows (lambda_function.py, one Python file with a
handler or lambda_handler, index.js, index.mjs or bootstrap).`,
		RunE: func(cmd *cobra.Command, args []string) error {
			name, dir, err := devArguments(args)
			if err != nil {
				return err
			}
			d := &devFunction{f: f, client: f.client(), name: name, dir: dir, runtime: runtime, handler: handler, role: role, out: cmd.OutOrStdout()}
			return d.run(cmd.Context())
		},
	}
	cmd.Flags().StringVar(&runtime, "runtime", "", "`runtime` of a new function, such as python3.12 or nodejs20.x")
	cmd.Flags().StringVar(&handler, "handler", "", "`handler` of a new function, such as app.handler")
	cmd.Flags().StringVar(&role, "role", "arn:aws:iam::000000000000:role/dev", "`ARN` of the role of a new function")
	return cmd
}

// devArguments are the function and the folder of dev's arguments. One that is a folder is the folder.
func devArguments(args []string) (name, dir string, err error) {
	if len(args) == 2 {
		return args[0], args[1], nil
	}
	info, err := os.Stat(args[0])
	if err != nil || !info.IsDir() {
		if strings.ContainsRune(args[0], filepath.Separator) {
			return "", "", fmt.Errorf("%s is not a folder", args[0])
		}
		return args[0], ".", nil
	}
	full, err := filepath.Abs(args[0])
	if err != nil {
		return "", "", err
	}
	name = strings.Trim(notInNames.ReplaceAllString(filepath.Base(full), "-"), "-")
	if name == "" {
		return "", "", fmt.Errorf("no function can be called like the folder %s: give a name before it", full)
	}
	return name[:min(len(name), 64)], args[0], nil
}

var notInNames = regexp.MustCompile(`[^A-Za-z0-9_-]+`)

// pythonHandler is the definition of a handler.
var pythonHandler = regexp.MustCompile(`(?m)^(?:async )?def (lambda_handler|handler)\(`)

// guess finds the runtime and the handler of a new function in its files; empty where they do not show.
func guess(dir string, files []string) (runtime, handler string) {
	has := func(name string) bool { return slices.Contains(files, filepath.Join(dir, name)) }
	for _, index := range []string{"index.js", "index.mjs", "index.cjs"} {
		if has(index) {
			return "nodejs20.x", "index.handler"
		}
	}
	if has("bootstrap") {
		return "provided.al2023", "bootstrap"
	}
	for _, name := range files {
		module, is := strings.CutSuffix(filepath.Base(name), ".py")
		if !is || filepath.Dir(name) != filepath.Clean(dir) {
			continue
		}
		text, err := os.ReadFile(name)
		if err != nil {
			continue
		}
		m := pythonHandler.FindSubmatch(text)
		switch {
		case m == nil:
		case handler != "" && module != "lambda_function": // of two, neither
			return "", ""
		default:
			runtime, handler = "python3.12", module+"."+string(m[1])
		}
		if module == "lambda_function" && m != nil {
			break
		}
	}
	return runtime, handler
}

// devFunction is a function that is developed in a folder.
type devFunction struct {
	f                      *functions
	client                 *lambda.Client
	name, dir              string
	runtime, handler, role string
	out                    io.Writer
}

func (d *devFunction) run(ctx context.Context) error {
	var seen uint64
	told := ""
	for {
		files, mark, err := d.look()
		if err != nil {
			return err
		}
		if mark != seen {
			if len(files) == 0 {
				return fmt.Errorf("%s has no files", d.dir)
			}
			if err := d.push(ctx, files); err != nil {
				var refused smithy.APIError
				final := errors.As(err, &refused) && refused.ErrorFault() != smithy.FaultServer
				err = d.f.plain(err)
				switch {
				case ctx.Err() != nil:
					return nil
				case seen == 0:
					return err
				case final || err.Error() != told: // a node that does not answer is said once
					fmt.Fprintln(d.out, "not updated:", err)
				}
				if told = err.Error(); final {
					seen = mark
				}
			} else {
				fmt.Fprintf(d.out, "%s %s runs %d files of %s\n", time.Now().Format("15:04:05"), d.name, len(files), d.dir)
				seen, told = mark, ""
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(300 * time.Millisecond):
		}
	}
}

// look lists the files of the folder, and a number that changes when one of them does.
func (d *devFunction) look() (files []string, mark uint64, err error) {
	h := fnv.New64a()
	err = filepath.WalkDir(d.dir, func(name string, e fs.DirEntry, err error) error {
		if err != nil {
			if errors.Is(err, fs.ErrNotExist) && name != d.dir {
				return nil // it goes while it is looked at
			}
			return err
		}
		if e.IsDir() {
			if slices.Contains(skipFolders, e.Name()) {
				return fs.SkipDir
			}
			return nil
		}
		info, err := e.Info()
		if err != nil || !info.Mode().IsRegular() {
			return nil
		}
		files = append(files, name)
		fmt.Fprintf(h, "%s %d %d\n", name, info.Size(), info.ModTime().UnixNano())
		return nil
	})
	return files, max(h.Sum64(), 1), err
}

// push makes the files the function's code.
func (d *devFunction) push(ctx context.Context, files []string) error {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, name := range files {
		info, err := os.Stat(name)
		if err != nil {
			return err
		}
		data, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(d.dir, name)
		if err != nil {
			return err
		}
		header := &zip.FileHeader{Name: filepath.ToSlash(rel), Method: zip.Deflate}
		header.SetMode(info.Mode())
		part, err := w.CreateHeader(header)
		if err != nil {
			return err
		}
		if _, err := part.Write(data); err != nil {
			return err
		}
	}
	if err := w.Close(); err != nil {
		return err
	}
	_, err := d.client.UpdateFunctionCode(ctx, &lambda.UpdateFunctionCodeInput{FunctionName: &d.name, ZipFile: b.Bytes()})
	var missing *types.ResourceNotFoundException
	if !errors.As(err, &missing) {
		return err
	}
	if runtime, handler := guess(d.dir, files); runtime != "" {
		d.runtime, d.handler = cmp.Or(d.runtime, runtime), cmp.Or(d.handler, handler)
	}
	if d.runtime == "" || d.handler == "" {
		return fmt.Errorf("there is no function %s: --runtime and --handler say what to make", d.name)
	}
	_, err = d.client.CreateFunction(ctx, &lambda.CreateFunctionInput{
		FunctionName: &d.name, Runtime: types.Runtime(d.runtime), Handler: &d.handler, Role: &d.role, Timeout: aws.Int32(60), MemorySize: aws.Int32(512),
		Code: &types.FunctionCode{ZipFile: b.Bytes()},
	})
	return err
}

func newSetupCommand() *cobra.Command {
	var data string
	cmd := &cobra.Command{
		Use: "setup [python] [nodejs]", Short: "Install the SDKs that AWS's runtimes include into a data directory",
		Long: `Install boto3 with pip, and versions 2 and 3 of the AWS SDK for JavaScript with npm, into
a node's data directory, where functions find them. Without arguments it installs those
whose tools are on this machine. A running node need not be restarted.`,
		Example: `  brookmere functions setup
  brookmere functions setup python --data /srv/lake`,
		Args: cobra.OnlyValidArgs, ValidArgs: []string{"python", "nodejs"},
		RunE: func(cmd *cobra.Command, args []string) error {
			dir, err := filepath.Abs(filepath.Join(data, "functions", "sdk"))
			if err != nil {
				return err
			}
			return setup(cmd.Context(), dir, args, cmd.OutOrStdout())
		},
	}
	cmd.Flags().StringVar(&data, "data", node.DefaultConfig().Data, "data `directory` of the node")
	return cmd
}

// nodeSDKs are the packages that Node functions expect: the first version of the SDK whole, of the third one the clients
// of the services that a node has, and what programs use beside them.
var nodeSDKs = []string{
	"aws-sdk@2", "@aws-sdk/client-dynamodb", "@aws-sdk/client-dynamodb-streams", "@aws-sdk/lib-dynamodb", "@aws-sdk/util-dynamodb",
	"@aws-sdk/client-s3", "@aws-sdk/lib-storage", "@aws-sdk/s3-request-presigner", "@aws-sdk/client-kinesis", "@aws-sdk/client-firehose",
	"@aws-sdk/client-lambda", "@aws-sdk/client-sqs", "@aws-sdk/client-sns", "@aws-sdk/client-sts", "@aws-sdk/client-iam", "@aws-sdk/client-kms",
	"@aws-sdk/client-glue", "@aws-sdk/client-athena", "@aws-sdk/client-cloudwatch", "@aws-sdk/client-cloudwatch-logs",
	"@aws-sdk/client-api-gateway", "@aws-sdk/client-apigatewayv2", "@aws-sdk/client-cognito-identity",
	"@aws-sdk/client-kinesis-analytics", "@aws-sdk/client-kinesis-analytics-v2",
}

func setup(ctx context.Context, dir string, languages []string, out io.Writer) error {
	chosen := len(languages) > 0
	if !chosen {
		languages = []string{"python", "nodejs"}
	}
	done := 0
	for _, l := range languages {
		part := filepath.Join(dir, l+".part")
		if err := os.RemoveAll(part); err != nil {
			return err
		}
		if err := os.MkdirAll(part, 0o755); err != nil {
			return err
		}
		var cmd *exec.Cmd
		switch l {
		case "python":
			cmd = exec.CommandContext(ctx, "python3", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--target", part, "boto3")
		case "nodejs":
			cmd = exec.CommandContext(ctx, "npm", append([]string{"install", "--silent", "--no-audit", "--no-fund", "--prefix", part}, nodeSDKs...)...)
		}
		if _, err := exec.LookPath(cmd.Args[0]); err != nil {
			if chosen {
				return fmt.Errorf("%s: %s is not on this machine: install it first", l, cmd.Args[0])
			}
			fmt.Fprintf(out, "%s: left out, as %s is not on this machine\n", l, cmd.Args[0])
			continue
		}
		fmt.Fprintf(out, "%s: %s\n", l, strings.Join(cmd.Args, " "))
		cmd.Env = append(os.Environ(), "PIP_ROOT_USER_ACTION=ignore")
		cmd.Stdout, cmd.Stderr = out, out
		if err := cmd.Run(); err != nil {
			return fmt.Errorf("%s: %w", l, err)
		}
		to := filepath.Join(dir, l)
		if err := errors.Join(os.RemoveAll(to), os.Rename(part, to)); err != nil {
			return err
		}
		done++
	}
	if done == 0 {
		return errors.New("neither Python nor Node is on this machine")
	}
	fmt.Fprintf(out, "Installed into %s.\n", dir)
	return nil
}
