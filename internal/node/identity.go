package node

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/brookmere/brookmere/internal/authorize"
	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/oidc"
	"github.com/brookmere/brookmere/internal/engine/outbound"
	"github.com/brookmere/brookmere/internal/engine/policy"
	"github.com/brookmere/brookmere/internal/engine/seal"
	"github.com/brookmere/brookmere/internal/engine/state"
	"github.com/brookmere/brookmere/internal/server"
	"github.com/brookmere/brookmere/internal/service/sns"
	"github.com/brookmere/brookmere/internal/service/sqs"
)

// keyFile is the node's key below its data directory: see package seal.
const keyFile = "KEY"

// openKey returns the node's key.
func (d dirs) openKey() (*seal.Key, error) {
	if d.temporary {
		return seal.Random(), nil
	}
	return seal.File(filepath.Join(d.root, keyFile))
}

// LocalToken is what a command on the node's machine shows to use the endpoints that change or tell of
// identities: who can read the node's key is its owner.
func LocalToken(data string) (string, error) {
	name := filepath.Join(data, keyFile)
	if _, err := os.Stat(name); err != nil {
		return "", fmt.Errorf("the node's key: %w", err)
	}
	k, err := seal.File(name)
	if err != nil {
		return "", err
	}
	return localToken(k), nil
}

func localToken(k *seal.Key) string { return hex.EncodeToString(k.Derive("local administration")) }

// issued are the credentials that the node has issued, those of the current stack.
type issued struct{ n *Node }

// Session implements server.Identities.
func (i issued) Session(accessKey, token string) (*awswire.Session, bool) {
	return i.n.issuer.Session(accessKey, token)
}

// Key implements server.Identities.
func (i issued) Key(ctx context.Context, accessKey string) (server.Key, bool) {
	i.n.mu.RLock()
	defer i.n.mu.RUnlock()
	if i.n.stack == nil {
		return server.Key{}, false
	}
	k, ok := i.n.stack.services.iam.Key(ctx, accessKey)
	return server.Key{Secret: k.Secret, Account: k.Account, User: k.User}, ok
}

// Used implements server.Identities.
func (i issued) Used(ctx context.Context, accessKey, service, region string) {
	i.n.mu.RLock()
	defer i.n.mu.RUnlock()
	if i.n.stack != nil {
		i.n.stack.services.iam.Used(ctx, accessKey, service, region)
	}
}

// decide asks the policies of the current stack: S3 outlives one.
func (n *Node) decide(ctx context.Context, action, arn string, keys policy.Keys) error {
	a := n.deciding.Load()
	if a == nil {
		return nil // no requests are served yet
	}
	return a.Ask(ctx, action, arn, keys)
}

// reach decides about a call on a resource that an ARN names, and returns the context for it: with the account of the resource
// where that is another one, which lets the caller in.
func (n *Node) reach(ctx context.Context, action, arn string) (context.Context, error) {
	return n.reachWith(ctx, action, arn, nil)
}

// reachWith is reach for a call with condition keys of its own.
func (n *Node) reachWith(ctx context.Context, action, arn string, keys map[string][]string) (context.Context, error) {
	a := n.deciding.Load()
	if a == nil {
		return ctx, nil // no requests are served yet
	}
	return a.Reach(ctx, action, arn, keys)
}

// decideGranted is decide about a resource that lets the caller in by a list of its own.
func (n *Node) decideGranted(ctx context.Context, action, arn string, keys policy.Keys) error {
	a := n.deciding.Load()
	if a == nil {
		return nil // no requests are served yet
	}
	return a.AskGranted(ctx, action, arn, keys)
}

// sharedOperations are those that reach what is of other accounts, as far as AWS has them do so: what the settings of a resource are,
// its policy, and what is made of it are for its own account alone, whatever its policy says.
var sharedOperations = map[string][]string{
	"dynamodb": {
		"BatchGetItem", "BatchWriteItem", "DeleteItem", "DeleteTable", "DescribeTable", "GetItem", "ListTagsOfResource", "PutItem", "Query", "Scan", "TagResource",
		"TransactGetItems", "TransactWriteItems", "UntagResource", "UpdateItem", "UpdateTable",
	},
	"dynamodbstreams": {"DescribeStream", "GetRecords", "GetShardIterator"},
	"glue": { // what policies of catalogs are about: databases, tables, functions, connections
		"BatchCreatePartition", "BatchDeleteConnection", "BatchDeletePartition", "BatchDeleteTable", "BatchDeleteTableVersion", "BatchGetPartition", "BatchUpdatePartition",
		"CreateConnection", "CreateDatabase", "CreatePartition", "CreatePartitionIndex", "CreateTable", "CreateUserDefinedFunction", "DeleteColumnStatisticsForPartition",
		"DeleteColumnStatisticsForTable", "DeleteConnection", "DeleteDatabase", "DeletePartition", "DeletePartitionIndex", "DeleteTable", "DeleteTableVersion",
		"DeleteUserDefinedFunction", "GetColumnStatisticsForPartition", "GetColumnStatisticsForTable", "GetConnection", "GetConnections", "GetDatabase", "GetDatabases",
		"GetPartition", "GetPartitionIndexes", "GetPartitions", "GetTable", "GetTableVersion", "GetTableVersions", "GetTables", "GetUserDefinedFunction",
		"GetUserDefinedFunctions", "SearchTables", "UpdateColumnStatisticsForPartition", "UpdateColumnStatisticsForTable", "UpdateConnection", "UpdateDatabase",
		"UpdatePartition", "UpdateTable", "UpdateUserDefinedFunction",
	},
	"kinesis": {
		"DescribeStream", "DescribeStreamConsumer", "DescribeStreamSummary", "GetRecords", "GetShardIterator", "ListShards", "PutRecord", "PutRecords", "RegisterStreamConsumer",
		"SubscribeToShard",
	},
	"kms": {
		"CreateGrant", "Decrypt", "DescribeKey", "Encrypt", "GenerateDataKey", "GenerateDataKeyPair", "GenerateDataKeyPairWithoutPlaintext", "GenerateDataKeyWithoutPlaintext",
		"GenerateMac", "GetKeyRotationStatus", "GetPublicKey", "ListGrants", "RevokeGrant", "Sign", "Verify", "VerifyMac",
	},
	"lambda": {"Invoke", "InvokeAsync", "InvokeWithResponseStream"},
}

// passRole decides whether the caller of a context may hand a role to a service, in the words of its API.
func (n *Node) passRole(api, service string) func(ctx context.Context, role, resource string) error {
	return func(ctx context.Context, role, resource string) error {
		if a := n.deciding.Load(); a != nil {
			return a.PassRole(ctx, api, role, service, resource)
		}
		return nil
	}
}

// assumable decides whether the service of the context may act as its role.
func (n *Node) assumable(ctx context.Context) error {
	if a := n.deciding.Load(); a != nil {
		return a.Assumable(ctx)
	}
	return nil
}

// signingKey keeps the key of the node's own issuer as a document, sealed.
type signingKey struct {
	docs *state.Collection[signingKeyDoc]
	key  *seal.Key
}

type signingKeyDoc struct {
	Sealed []byte `json:"sealed"`
}

const signingPurpose = "key of the identity issuer"

// Load implements oidc.Store.
func (s signingKey) Load(context.Context) ([]byte, error) {
	d, err := s.docs.Get("rsa")
	if errors.Is(err, state.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return s.key.Open(d.Sealed, signingPurpose)
}

// Save implements oidc.Store.
func (s signingKey) Save(ctx context.Context, key []byte) ([]byte, error) {
	err := s.docs.Create(ctx, &signingKeyDoc{s.key.Seal(key, signingPurpose)}, "rsa")
	if err != nil && !errors.Is(err, state.ErrExists) {
		return nil, err
	}
	return s.Load(ctx)
}

// issuerKeys finds the keys that verify tokens: the node's own, which may sign for any issuer, since only
// the owner of the node can make it sign; and those of issuers whose key sets are configured.
type issuerKeys struct {
	signer     *oidc.Signer
	configured map[string]string // issuer to file
}

// Keys implements sts.KeySource.
func (k issuerKeys) Keys(ctx context.Context, issuer string) (oidc.Keys, error) {
	own, err := k.signer.Keys(ctx)
	if err != nil {
		return nil, err
	}
	file, ok := k.configured[strings.TrimSuffix(issuer, "/")]
	if !ok {
		return own, nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("key set of %s: %w", issuer, err)
	}
	keys, err := oidc.ParseKeys(text)
	if err != nil {
		return nil, fmt.Errorf("key set of %s: %w", issuer, err)
	}
	for id, key := range own {
		keys[id] = key
	}
	return keys, nil
}

// publishedKeys verifies tokens by the keys that their issuers publish, where these can be reached; not those of issuers
// whose keys are configured.
type publishedKeys struct {
	issuers *oidc.Issuers
	out     *outbound.Client
	known   issuerKeys
	clock   clockwork.Clock
}

// Verify implements sts.Verifier.
func (k publishedKeys) Verify(ctx context.Context, token, issuer string) (oidc.Claims, error) {
	if _, ok := k.known.configured[strings.TrimSuffix(issuer, "/")]; ok {
		return nil, oidc.ErrNoKey
	}
	return k.issuers.Verify(ctx, k.out, token, issuer, k.clock.Now())
}

// openIdentity makes what decides about the calls of a stack, and binds it to STS.
func (s *stack) openIdentity(p parts) error {
	mode, err := p.node.cfg.iamMode()
	if err != nil {
		return err
	}
	s.authorizer = authorize.New(authorize.Config{
		Mode: mode, Identities: s.services.iam, Resources: s.resourcePolicies(p), Clock: p.clock, Logger: p.node.log.With("part", "identity"),
		Across: map[string]func() error{"sqs": sqs.NoQueue, "sns": sns.NotAuthorized},
		Shared: sharedOperations,
	})
	p.node.deciding.Store(s.authorizer)
	s.signer = oidc.NewSigner(signingKey{state.NewCollection[signingKeyDoc](p.state, "node.signing-key"), p.node.key})
	keys := issuerKeys{s.signer, map[string]string{}}
	for _, i := range p.node.cfg.Issuers {
		keys.configured[strings.TrimSuffix(i.Issuer, "/")] = i.Keys
	}
	published := publishedKeys{new(oidc.Issuers), p.node.outbound(30 * time.Second), keys, p.clock}
	s.services.sts.Bind(s.services.iam, s.authorizer, keys, published)
	s.services.cognito.Bind(s.services.sts, s.signer, keys, published)
	s.services.httpAPIs.Bind(keys)
	return nil
}

func (s *stack) resourcePolicies(p parts) map[string]authorize.ResourcePolicies {
	all := map[string]authorize.ResourcePolicies{}
	for name, svc := range map[string]any{"kinesis": s.services.kinesis, "s3": p.node.objects, "dynamodb": s.services.dynamodb, "lambda": s.services.lambda, "sqs": s.services.sqs, "sns": s.services.sns, "kms": s.services.kms, "logs": s.services.logs, "events": s.services.events,
		"glue": s.services.glue, "execute-api": s.services.restAPIs} {
		if r, ok := svc.(authorize.ResourcePolicies); ok {
			all[name] = r
		}
	}
	return all
}

// handleIdentity adds the endpoints that tell of decisions and make tokens.
func (n *Node) handleIdentity(d *doors) {
	d.holder("GET", server.NodePrefix+"identity/explain", fromLoopback(n.fromOwner(n.serveExplain)).ServeHTTP)
	d.holder("GET", server.NodePrefix+"identity/least-policy", fromLoopback(n.fromOwner(n.serveLeastPolicy)).ServeHTTP)
	d.holder("POST", server.NodePrefix+"identity/token", fromLoopback(n.fromOwner(n.serveToken)).ServeHTTP)
	d.everybody("GET", server.NodePrefix+"oidc/.well-known/openid-configuration", n.serveDiscovery)
	d.everybody("GET", server.NodePrefix+"oidc/keys", n.serveKeySet)
}

// fromOwner lets in who can read the node's key, and on a node that takes any credentials without
// deciding anything by them, everybody.
func (n *Node) fromOwner(h http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if n.guarded() && !n.showsToken(r) {
			http.Error(w, "This endpoint is for the owner of the node: name its data directory with --data.", http.StatusForbidden)
			return
		}
		h(w, r)
	}
}

func (n *Node) serveExplain(w http.ResponseWriter, r *http.Request) {
	n.onStack(r.Context(), func(_ context.Context, s *stack) {
		list := s.authorizer.Explain(r.FormValue("request"))
		if len(list) == 0 {
			message := "No decision about this request is known: the newest 8192 are kept."
			if s.authorizer.Mode() == authorize.Off {
				message = "Policies are not evaluated: start the node with --iam log or --iam enforce."
			}
			http.Error(w, message, http.StatusNotFound)
			return
		}
		awswire.WriteJSON(w, list)
	})
}

func (n *Node) serveLeastPolicy(w http.ResponseWriter, r *http.Request) {
	since := time.Time{}
	if text := r.FormValue("since"); text != "" {
		d, err := time.ParseDuration(text)
		if err != nil {
			http.Error(w, fmt.Sprintf("since %q: want a duration, as 1h", text), http.StatusBadRequest)
			return
		}
		since = time.Now().Add(-d)
	}
	n.onStack(r.Context(), func(_ context.Context, s *stack) {
		if s.authorizer.Mode() == authorize.Off {
			http.Error(w, "Policies are not evaluated: start the node with --iam log or --iam enforce.", http.StatusNotFound)
			return
		}
		document, actions := s.authorizer.LeastPolicy(r.FormValue("principal"), since)
		if actions == 0 {
			http.Error(w, r.FormValue("principal")+" has done nothing in that time.", http.StatusNotFound)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintln(w, document)
	})
}

// maxClaims bounds what a token is asked for with.
const maxClaims = 16 << 10

func (n *Node) serveToken(w http.ResponseWriter, r *http.Request) {
	var claims oidc.Claims
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxClaims)).Decode(&claims); err != nil {
		http.Error(w, "the claims are not a JSON object: "+err.Error(), http.StatusBadRequest)
		return
	}
	n.onStack(r.Context(), func(ctx context.Context, s *stack) {
		token, err := s.signer.Sign(ctx, claims)
		if err != nil {
			n.log.Error("sign a token", "error", err)
			http.Error(w, "the token could not be signed", http.StatusInternalServerError)
			return
		}
		fmt.Fprintln(w, token)
	})
}

func (n *Node) serveDiscovery(w http.ResponseWriter, r *http.Request) {
	base := n.URL() + server.NodePrefix + "oidc"
	awswire.WriteJSON(w, map[string]any{
		"issuer": base, "jwks_uri": base + "/keys", "response_types_supported": []string{"id_token"}, "subject_types_supported": []string{"public"},
		"id_token_signing_alg_values_supported": []string{"RS256"},
	})
}

func (n *Node) serveKeySet(w http.ResponseWriter, r *http.Request) {
	n.onStack(r.Context(), func(ctx context.Context, s *stack) {
		set, err := s.signer.KeySet(ctx)
		if err != nil {
			n.log.Error("keys of the identity issuer", "error", err)
			http.Error(w, "the keys cannot be read", http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(set)
	})
}
