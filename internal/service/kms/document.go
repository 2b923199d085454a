package kms

import (
	"encoding/hex"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/brookmere/brookmere/internal/awskit/arn"
	"github.com/brookmere/brookmere/internal/engine/keyring"
)

type keyDoc struct {
	ID          string            `json:"id"`
	Account     string            `json:"account"`
	Region      string            `json:"region"`
	Created     time.Time         `json:"created"`
	Description string            `json:"description,omitempty"`
	Spec        string            `json:"spec"`
	Usage       string            `json:"usage"`
	Manager     string            `json:"manager"`
	MultiRegion bool              `json:"multi_region,omitempty"`
	Disabled    bool              `json:"disabled,omitempty"`
	Deletion    *time.Time        `json:"deletion,omitempty"`
	Policy      string            `json:"policy"`
	Tags        map[string]string `json:"tags,omitempty"`
	Material    []material        `json:"material"` // the last is the current one

	RotationDays int32      `json:"rotation_days,omitempty"` // 0: it is not rotated by time
	RotationFrom *time.Time `json:"rotation_from,omitempty"` // when that was enabled
}

// material is a key's material of some time.
type material struct {
	ID     string    `json:"id"`
	Sealed []byte    `json:"sealed"`
	Since  time.Time `json:"since"`
	Type   string    `json:"type,omitempty"` // of the rotation that brought it; empty for the first
}

type aliasDoc struct {
	Name    string    `json:"name"`
	Account string    `json:"account"`
	Region  string    `json:"region"`
	Key     string    `json:"key"` // id
	Created time.Time `json:"created"`
	Updated time.Time `json:"updated"`
}

func (k *keyDoc) arn() string { return arn.New("kms", k.Region, k.Account, "key/"+k.ID) }

func (a *aliasDoc) arn() string { return arn.New("kms", a.Region, a.Account, a.Name) }

// kind is the engine's kind of the key; it is known, as the key was made with it.
func (k *keyDoc) kind() keyring.Kind {
	kind, err := keyring.KindOf(k.Spec)
	if err != nil {
		return keyring.Kind{}
	}
	return *kind
}

// name names the material of a number in what it seals.
func (k *keyDoc) name(number int) keyring.Name {
	n := keyring.Name{Number: uint32(number)}
	raw, _ := hex.DecodeString(strings.ReplaceAll(strings.TrimPrefix(k.ID, "mrk-"), "-", "")) // ids are made of it
	copy(n.ID[:], raw)
	return n
}

// idsOf are the ids of keys whose material has that name: a multi-Region key's is written otherwise.
func idsOf(n keyring.Name) []string {
	h := hex.EncodeToString(n.ID[:])
	return []string{h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:], "mrk-" + h}
}

func (k *keyDoc) state() types.KeyState {
	switch {
	case k.Deletion != nil:
		return types.KeyStatePendingDeletion
	case k.Disabled:
		return types.KeyStateDisabled
	}
	return types.KeyStateEnabled
}

func asEncryption(list []string) (out []types.EncryptionAlgorithmSpec) {
	for _, a := range list {
		out = append(out, types.EncryptionAlgorithmSpec(a))
	}
	return out
}

func asSigning(list []string) (out []types.SigningAlgorithmSpec) {
	for _, a := range list {
		out = append(out, types.SigningAlgorithmSpec(a))
	}
	return out
}

// metadata is what clients are told of the key.
func (k *keyDoc) metadata() *types.KeyMetadata {
	m := &types.KeyMetadata{
		AWSAccountId: &k.Account, KeyId: &k.ID, Arn: aws.String(k.arn()), CreationDate: &k.Created, Enabled: k.state() == types.KeyStateEnabled,
		Description: &k.Description, KeyUsage: types.KeyUsageType(k.Usage), KeyState: k.state(), DeletionDate: k.Deletion, Origin: types.OriginTypeAwsKms,
		KeyManager: types.KeyManagerType(k.Manager), KeySpec: types.KeySpec(k.Spec), MultiRegion: &k.MultiRegion,
	}
	//lint:ignore SA1019 clients still use the old name
	m.CustomerMasterKeySpec = types.CustomerMasterKeySpec(k.Spec)
	kind := k.kind()
	switch types.KeyUsageType(k.Usage) {
	case types.KeyUsageTypeEncryptDecrypt:
		m.EncryptionAlgorithms = asEncryption(kind.Encrypt)
	case types.KeyUsageTypeSignVerify:
		m.SigningAlgorithms = asSigning(kind.Sign)
	case types.KeyUsageTypeGenerateVerifyMac:
		for _, a := range kind.MAC {
			m.MacAlgorithms = append(m.MacAlgorithms, types.MacAlgorithmSpec(a))
		}
	}
	if k.Spec == keyring.Symmetric && len(k.Material) > 0 {
		m.CurrentKeyMaterialId = &k.Material[len(k.Material)-1].ID
	}
	if k.MultiRegion {
		m.MultiRegionConfiguration = &types.MultiRegionConfiguration{
			MultiRegionKeyType: types.MultiRegionKeyTypePrimary, PrimaryKey: &types.MultiRegionKey{Arn: aws.String(k.arn()), Region: &k.Region}, ReplicaKeys: []types.MultiRegionKey{},
		}
	}
	return m
}
