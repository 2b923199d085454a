package node

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/brookmere/brookmere/internal/authorize"
	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/compact"
)

// InMemory as Config.Data keeps nothing: the data lies in a temporary directory that
// goes with the node, and is not synced to disk.
const InMemory = ":memory:"

// Config says where a node keeps its data and who may use it. Its YAML form is the
// file that --config names.
type Config struct {
	// Data is the directory of all data, made if need be. InMemory: keep nothing.
	Data string `yaml:"data"`
	// Listen is the address of the one listener, host:port. Port 0 picks a free one.
	Listen string `yaml:"listen"`
	// Account owns what callers make whose credentials name no account of their own.
	Account string `yaml:"account"`
	// Credentials that may use the node. Without any, a node on loopback takes all
	// callers, and a node on another address makes a credential and keeps it in its data
	// directory, in the file credentials.
	Credentials []Credential `yaml:"credentials"`
	// Insecure lets anybody use a node without credentials of its own, wherever it listens.
	Insecure bool `yaml:"insecure"`
	// IAM says what policies do: "off", "log" (what they would deny is logged) or "enforce". Empty is
	// off on loopback and where the node is insecure, and enforce elsewhere.
	IAM string `yaml:"iam"`
	// Issuers of identity tokens whose keys are known, beside the node's own.
	Issuers []Issuer `yaml:"issuers"`
	// TLS serves HTTPS, HTTP/2 included.
	TLS *TLS `yaml:"tls"`
	// CORSOrigins that pages in a browser may call the node from, besides loopback.
	CORSOrigins []string `yaml:"cors_origins"`
	// Hosts are names, besides localhost, that the node is reached by. Names below them are
	// its own too. An open node answers no others: who owns a name could let it resolve to it.
	Hosts []string `yaml:"hosts"`
	// BodiesMiB bounds the request bodies in memory at once, and as much again the answers that
	// their clients have not read; default 256.
	BodiesMiB int `yaml:"bodies_mib"`
	// Limits says whether Kinesis streams, and puts to Firehose, have the limits of AWS: "off" (or empty) or
	// "enforce". A stream's tag brookmere:limits says otherwise for that stream.
	Limits string `yaml:"limits"`
	// ControlDelay is how long a stream stays CREATING, UPDATING or DELETING.
	ControlDelay time.Duration `yaml:"control_delay"`
	// GroupAppends makes small appends of all shards durable by one journal, and writes them to
	// their shards' streams behind: faster where puts are spread over hundreds of shards, slower
	// over a few. A data directory that has had it keeps it.
	GroupAppends bool `yaml:"group_appends"`
	// Query limits what SQL may use of the machine.
	Query Query `yaml:"query"`
	// Functions limits what functions may use of the machine.
	Functions Functions `yaml:"functions"`
	// Outbound says which addresses the node connects to for its clients.
	Outbound Outbound `yaml:"outbound"`
	// Delivery limits what deliveries may use of the machine.
	Delivery Delivery `yaml:"delivery"`
	// Proxy is the forward proxy, for clients that know AWS by its names alone.
	Proxy Proxy `yaml:"proxy"`
}

// Credential is an access key and the account that it acts for.
type Credential struct {
	AccessKeyID string `yaml:"access_key_id"`
	// SecretAccessKey, or the file or the environment variable that has it.
	SecretAccessKey     string `yaml:"secret_access_key"`
	SecretAccessKeyFile string `yaml:"secret_access_key_file"`
	SecretAccessKeyEnv  string `yaml:"secret_access_key_env"`
	// Account is Config.Account where empty.
	Account string `yaml:"account"`
}

// Issuer is an issuer of identity tokens ("https://token.actions.githubusercontent.com") and the file of
// its keys, a JSON Web Key Set.
type Issuer struct {
	Issuer string `yaml:"issuer"`
	Keys   string `yaml:"keys"`
}

// iamMode is the mode that policies are evaluated in.
func (c Config) iamMode() (authorize.Mode, error) {
	if c.IAM != "" {
		return authorize.ParseMode(c.IAM)
	}
	if host, _, err := net.SplitHostPort(c.Listen); err == nil && isLoopback(host) || c.Insecure {
		return authorize.Off, nil
	}
	return authorize.Enforce, nil
}

// TLS names the PEM files of a certificate chain and its key.
type TLS struct {
	Cert string `yaml:"cert"`
	Key  string `yaml:"key"`
}

// Query limits. Zero takes the default.
type Query struct {
	MemoryMiB  int `yaml:"memory_mib"` // for all queries together; default 1024
	Threads    int `yaml:"threads"`    // default: the processors of the machine
	Concurrent int `yaml:"concurrent"` // queries that run at once, the others wait; default 8
}

// Delivery limits. Zero takes the default.
type Delivery struct {
	MemoryMiB int `yaml:"memory_mib"` // buffered rows of all deliveries; beyond it they go to disk; default 64
	// Compaction of delivery streams' objects: "off" (or empty), "on", or a list as
	// "target=128MiB after=5m keep=5m". A stream's tag brookmere:compaction says otherwise
	// for that stream.
	Compaction string `yaml:"compaction"`
}

// Outbound is about addresses that clients name: HTTP endpoints of deliveries. The public
// internet may be reached, and on a node that takes any credentials also loopback; never the
// node itself.
type Outbound struct {
	// Allow are networks that may be reached besides, as 10.0.0.0/8 or 127.0.0.1.
	Allow []string `yaml:"allow"`
}

func (o Outbound) networks() (all []netip.Prefix, err error) {
	for _, text := range o.Allow {
		p, err := netip.ParsePrefix(text)
		if err != nil {
			addr, aerr := netip.ParseAddr(text)
			if aerr != nil {
				return nil, fmt.Errorf("outbound.allow %q: want a network as 10.0.0.0/8 or an address", text)
			}
			p = netip.PrefixFrom(addr, addr.BitLen())
		}
		all = append(all, p.Masked())
	}
	return all, nil
}

func (d Delivery) compaction() (compact.Settings, error) {
	if d.Compaction == "" {
		return compact.Settings{}, nil
	}
	return compact.ParseSettings(d.Compaction)
}

// DefaultConfig is a node for one user on one machine.
func DefaultConfig() Config {
	return Config{
		Data:    "brookmere-data",
		Listen:  "127.0.0.1:4566",
		Account: awswire.DefaultAccount,
	}
}

// ReadConfig reads a YAML file over the defaults. A key that Config does not have is an
// error.
func ReadConfig(file string) (Config, error) {
	cfg := DefaultConfig()
	text, err := os.ReadFile(file)
	if err != nil {
		return cfg, fmt.Errorf("read configuration: %w", err)
	}
	if err := yaml.UnmarshalWithOptions(text, &cfg, yaml.Strict()); err != nil {
		return cfg, fmt.Errorf("configuration %s: %w", file, err)
	}
	return cfg, nil
}

// resolve reads the secrets that are not in the configuration itself, and makes paths absolute: a node
// changes the working directory.
func (c *Config) resolve() error {
	for i := range c.Credentials {
		cr := &c.Credentials[i]
		switch {
		case cr.SecretAccessKey != "":
		case cr.SecretAccessKeyFile != "":
			text, err := os.ReadFile(cr.SecretAccessKeyFile)
			if err != nil {
				return fmt.Errorf("credentials[%d]: %w", i, err)
			}
			cr.SecretAccessKey = strings.TrimSpace(string(text))
		case cr.SecretAccessKeyEnv != "":
			cr.SecretAccessKey = os.Getenv(cr.SecretAccessKeyEnv)
			if cr.SecretAccessKey == "" {
				return fmt.Errorf("credentials[%d]: the environment variable %s is not set", i, cr.SecretAccessKeyEnv)
			}
		}
	}
	for i := range c.Issuers {
		if c.Issuers[i].Keys == "" {
			continue
		}
		var err error
		if c.Issuers[i].Keys, err = filepath.Abs(c.Issuers[i].Keys); err != nil {
			return fmt.Errorf("issuers[%d]: %w", i, err)
		}
	}
	return nil
}

var accountPattern = regexp.MustCompile(`^\d{12}$`)

// check returns what a user has to mend before a node can start.
func (c Config) check() error {
	if c.Data == "" {
		return errors.New("data: name a directory, or use :memory: to keep nothing")
	}
	if !accountPattern.MatchString(c.Account) {
		return fmt.Errorf("account %q: an account id has 12 digits", c.Account)
	}
	for i, cr := range c.Credentials {
		if cr.AccessKeyID == "" || cr.SecretAccessKey == "" {
			return fmt.Errorf("credentials[%d]: access_key_id and secret_access_key are both needed", i)
		}
		if cr.Account != "" && !accountPattern.MatchString(cr.Account) {
			return fmt.Errorf("credentials[%d]: account %q: an account id has 12 digits", i, cr.Account)
		}
		if slices.ContainsFunc(c.Credentials[:i], func(o Credential) bool { return o.AccessKeyID == cr.AccessKeyID }) {
			return fmt.Errorf("credentials[%d]: access_key_id %s is there twice", i, cr.AccessKeyID)
		}
	}
	if c.BodiesMiB != 0 && c.BodiesMiB < 32 {
		return fmt.Errorf("bodies_mib %d: want 32 or more, so that the largest requests have room", c.BodiesMiB)
	}
	for _, host := range c.Hosts {
		if host == "" || strings.ContainsAny(host, "/:* ") || host != strings.ToLower(host) {
			return fmt.Errorf("hosts: %q: want a name in lower case, without scheme and port, as brookmere.example.com", host)
		}
	}
	if _, err := c.iamMode(); err != nil {
		return fmt.Errorf("iam %w", err)
	}
	for i, issuer := range c.Issuers {
		if issuer.Issuer == "" || issuer.Keys == "" {
			return fmt.Errorf("issuers[%d]: issuer and keys are both needed", i)
		}
	}
	if c.Limits != "" && c.Limits != "off" && c.Limits != "enforce" {
		return fmt.Errorf("limits %q: want off or enforce", c.Limits)
	}
	if _, err := c.Delivery.compaction(); err != nil {
		return fmt.Errorf("delivery: %w", err)
	}
	if _, err := c.Outbound.networks(); err != nil {
		return err
	}
	if err := c.Proxy.check(); err != nil {
		return fmt.Errorf("proxy: %w", err)
	}
	if c.ControlDelay < 0 {
		return fmt.Errorf("control_delay %v: want a duration of 0 or more, as 5s", c.ControlDelay)
	}
	if c.TLS != nil && (c.TLS.Cert == "" || c.TLS.Key == "") {
		return errors.New("tls: cert and key are both needed")
	}
	if _, _, err := net.SplitHostPort(c.Listen); err != nil {
		return fmt.Errorf("listen %q: want host:port, as 127.0.0.1:4566", c.Listen)
	}
	if c.Insecure && len(c.Credentials) > 0 {
		return errors.New("insecure: a node takes any credentials, or those of credentials: leave one of the two out")
	}
	return nil
}

func isLoopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}
