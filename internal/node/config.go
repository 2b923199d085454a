package node

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
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
	"github.com/brookmere/brookmere/internal/engine/seal"
)

// InMemory as Config.Data keeps nothing: the data lies in a temporary directory that
// goes with the node, and is not synced to disk.
const InMemory = ":memory:"

// Config says where a node keeps its data and who may use it. Its YAML form is the
// file that --config names.
//
// The tags are the one place where a key is declared; Keys reads them, and from it come the
// flags, the help and docs/configuration.md:
//
//   - yaml: the key's name
//   - flag: the flag that sets it too, where there is one
//   - value: the word in doc that the help shows as the flag's value
//   - default: what the zero value means, where DefaultConfig has none
//   - doc: what it is for
type Config struct {
	// Data is InMemory where nothing is to be kept.
	Data    string `yaml:"data" flag:"data" value:"directory" doc:"directory for all data, created if missing; :memory: stores nothing on disk"`
	Listen  string `yaml:"listen" flag:"listen" value:"address" doc:"address to listen on, host:port; port 0 picks a free one"`
	Account string `yaml:"account" flag:"account" value:"id" doc:"12-digit id of the account of callers whose access key names no other"`
	// Credentials that may use the node. Without any, a node on loopback takes all
	// callers, and a node on another address makes a credential and keeps it in its data
	// directory, in the file credentials.
	Credentials []Credential `yaml:"credentials" doc:"credentials of callers; without any, a node on loopback accepts all callers, and one on another address generates a credential and keeps it in its data directory"`
	Insecure    bool         `yaml:"insecure" flag:"insecure" doc:"accept any credentials on every address"`
	IAM         string       `yaml:"iam" flag:"iam" value:"mode" doc:"mode of IAM policies: off, log (what they would deny is logged) or enforce; off on loopback and where the node is insecure, else enforce"`
	Issuers     []Issuer     `yaml:"issuers" doc:"issuers of identity tokens with known keys, besides the node's own"`
	TLS         *TLS         `yaml:"tls" doc:"serve HTTPS, HTTP/2 included"`
	CORSOrigins []string     `yaml:"cors_origins" doc:"origins of pages that may call the node from a browser, besides loopback"`
	// Hosts: an open node answers no others, as who owns a name could let it resolve to the node.
	Hosts        []string      `yaml:"hosts" doc:"host names of the node besides localhost, subdomains included; a node without credentials answers no others"`
	BodiesMiB    int           `yaml:"bodies_mib" default:"256" doc:"limit in MiB of request bodies in memory, at least 32, and the same again for responses that clients have not read"`
	Limits       string        `yaml:"limits" flag:"limits" default:"off" value:"mode" doc:"mode of the limits of Kinesis streams, of puts to Firehose and of the throughput of DynamoDB tables: off or enforce; the tag brookmere:limits of a stream overrides it"`
	ShardLimit   int           `yaml:"shard_limit" flag:"shard-limit" default:"6000" value:"number" doc:"number of open shards that provisioned Kinesis streams may have in an account and Region"`
	ControlDelay time.Duration `yaml:"control_delay" flag:"control-delay" doc:"how long a Kinesis stream stays CREATING, UPDATING or DELETING, as 5s"`
	Clock        string        `yaml:"clock" flag:"clock" default:"system" value:"mode" doc:"mode of the clock: system, or in tests, which keep nothing, offset or frozen: POST /_brookmere/clock moves such a clock on"`
	GroupAppends bool          `yaml:"group_appends" doc:"has no effect any more: appends of all shards always go to one journal"`
	Objects      Objects       `yaml:"objects"`
	Query        Query         `yaml:"query"`
	Functions    Functions     `yaml:"functions"`
	Jobs         Jobs          `yaml:"jobs"`
	Outbound     Outbound      `yaml:"outbound"`
	Signals      Signals       `yaml:"signals"`
	Delivery     Delivery      `yaml:"delivery"`
	Proxy        Proxy         `yaml:"proxy"`
}

// Credential is an access key and the account that it acts for.
type Credential struct {
	AccessKeyID         string `yaml:"access_key_id" doc:"the access key"`
	SecretAccessKey     string `yaml:"secret_access_key" doc:"its secret, or one of the next two"`
	SecretAccessKeyFile string `yaml:"secret_access_key_file" doc:"a file with the secret"`
	SecretAccessKeyEnv  string `yaml:"secret_access_key_env" doc:"an environment variable with the secret"`
	// Account is Config.Account where empty.
	Account string `yaml:"account" doc:"the account of the caller (default: the node's)"`
}

// Issuer is an issuer of identity tokens and the file of its keys, a JSON Web Key Set.
type Issuer struct {
	Issuer string `yaml:"issuer" doc:"its URL, as https://token.actions.githubusercontent.com"`
	Keys   string `yaml:"keys" doc:"the file of its keys, a JSON Web Key Set"`
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
	Cert string `yaml:"cert" doc:"PEM file of the certificate chain"`
	Key  string `yaml:"key" doc:"PEM file of its key"`
}

// Objects is about the data of objects on disk.
type Objects struct {
	Encryption string `yaml:"encryption" flag:"encrypt-objects" default:"off" value:"mode" doc:"mode of encryption of the data of new objects on disk: off or on; objects that are there stay as they are"`
	// KeyFile is the file of 32 or more bytes in hexadecimal; the node's key where empty.
	KeyFile string `yaml:"key_file" default:"the node's key, KEY in the data directory" doc:"file of the key that encrypts objects, 32 bytes or more in hexadecimal, made if missing: keep it apart from the data; without it encrypted objects are lost"`
}

// key is what encrypts objects, by the node's key if there is no other.
func (o Objects) key(node *seal.Key) (*seal.Key, error) {
	if o.KeyFile == "" {
		return node, nil
	}
	return seal.File(o.KeyFile)
}

func (o Objects) check() error {
	if o.Encryption != "" && o.Encryption != "on" && o.Encryption != "off" {
		return fmt.Errorf("encryption %q: want on or off", o.Encryption)
	}
	return nil
}

// Query limits what SQL may use of the machine. Zero takes the default.
type Query struct {
	MemoryMiB  int `yaml:"memory_mib" default:"1024" doc:"memory limit in MiB of all queries together; one that the others left too little is run again by itself with as much"`
	Threads    int `yaml:"threads" default:"the machine's processors" doc:"threads for all queries together"`
	Concurrent int `yaml:"concurrent" default:"8" doc:"queries that run at the same time; others wait"`
}

// Delivery limits what deliveries may use of the machine. Zero takes the default.
type Delivery struct {
	MemoryMiB int `yaml:"memory_mib" default:"64" doc:"limit in MiB of buffered rows of all deliveries; more is spilled to disk"`
	// Compaction of delivery streams' objects: "off" (or empty), "on", or a list as
	// "target=128MiB after=5m keep=5m". A stream's tag brookmere:compaction says otherwise
	// for that stream.
	Compaction string `yaml:"compaction" default:"off" doc:"compaction of delivery streams' objects: off, on, or settings as target=128MiB after=5m keep=5m; the tag brookmere:compaction of a stream overrides it"`
}

// Outbound is about addresses that clients name: HTTP endpoints of deliveries. The public
// internet may be reached, and on a node that takes any credentials also loopback; never the
// node itself.
type Outbound struct {
	Allow []string `yaml:"allow" doc:"networks, such as 10.0.0.0/8 or 127.0.0.1, that HTTP endpoints of deliveries may be in, besides the public internet, and loopback on a node that accepts any credentials"`
}

// Signals are what the node tells of itself.
type Signals struct {
	Metrics string `yaml:"metrics" default:"on" doc:"metrics of the node's own resources, such as AWS/Kinesis IncomingBytes: on or off"`
	Webhook string `yaml:"alarm_webhook" doc:"URL that each change of an alarm's state is posted to, as the JSON that SNS topics get; it has to be one that outbound.allow lets the node reach"`
}

func (s Signals) check() error {
	if s.Metrics != "" && s.Metrics != "on" && s.Metrics != "off" {
		return fmt.Errorf("metrics %q: want on or off", s.Metrics)
	}
	if s.Webhook == "" {
		return nil
	}
	u, err := url.Parse(s.Webhook)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return fmt.Errorf("alarm_webhook %q: want a URL, as https://example.com/alarms", s.Webhook)
	}
	return nil
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
// error, which names the key nearest to it.
func ReadConfig(file string) (Config, error) {
	cfg := DefaultConfig()
	text, err := os.ReadFile(file)
	if err != nil {
		return cfg, fmt.Errorf("read configuration: %w", err)
	}
	if err := yaml.UnmarshalWithOptions(text, &cfg, yaml.Strict()); err != nil {
		return cfg, fmt.Errorf("configuration %s: %s%w", file, unknownKeys(text), err)
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
	if c.Objects.KeyFile != "" {
		var err error
		if c.Objects.KeyFile, err = filepath.Abs(c.Objects.KeyFile); err != nil {
			return fmt.Errorf("objects: %w", err)
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
	if c.ShardLimit < 0 {
		return fmt.Errorf("shard_limit %d: want 1 or more", c.ShardLimit)
	}
	if c.Limits != "" && c.Limits != "off" && c.Limits != "enforce" {
		return fmt.Errorf("limits %q: want off or enforce", c.Limits)
	}
	switch c.Clock {
	case "", clockSystem:
	case clockOffset, clockFrozen:
		if c.Data != InMemory {
			return fmt.Errorf("clock %q: data that is kept would be of times that have not come: such a clock needs data: %s", c.Clock, InMemory)
		}
	default:
		return fmt.Errorf("clock %q: want system, offset or frozen", c.Clock)
	}
	if err := c.Objects.check(); err != nil {
		return fmt.Errorf("objects: %w", err)
	}
	if _, err := c.Delivery.compaction(); err != nil {
		return fmt.Errorf("delivery: %w", err)
	}
	if _, err := c.Outbound.networks(); err != nil {
		return err
	}
	if err := c.Signals.check(); err != nil {
		return fmt.Errorf("signals: %w", err)
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
