package iam

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base32"
	"encoding/base64"
	"encoding/binary"
	"encoding/pem"
	"image/png"
	"math/big"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/policy"
)

// TestCodes holds the one-time codes against those of RFC 6238, appendix B, of which these are the last six digits.
func TestCodes(t *testing.T) {
	for at, want := range map[int64]string{59: "287082", 1111111109: "081804", 1111111111: "050471", 1234567890: "005924", 2000000000: "279037", 20000000000: "353130"} {
		if got := code([]byte("12345678901234567890"), at/codeEvery); got != want {
			t.Errorf("%d: %s, want %s", at, got, want)
		}
	}
}

// TestVirtualDevices: a device acts for who has shown two of its codes, each code is good once, and its seed is not kept in
// the clear.
func TestVirtualDevices(t *testing.T) {
	s, ctx, _, clock := newService(t)
	for _, name := range []string{"ann", "bob"} {
		if _, err := s.CreateUser(ctx, &iam.CreateUserInput{UserName: &name}); err != nil {
			t.Fatal(err)
		}
	}
	made, err := s.CreateVirtualMFADevice(ctx, &iam.CreateVirtualMFADeviceInput{VirtualMFADeviceName: aws.String("phone"), Path: aws.String("/of/ann/")})
	if err != nil {
		t.Fatal(err)
	}
	serial := made.VirtualMFADevice.SerialNumber
	if !strings.HasSuffix(*serial, ":mfa/of/ann/phone") {
		t.Errorf("serial number %s", *serial)
	}
	if _, err := png.Decode(bytes.NewReader(made.VirtualMFADevice.QRCodePNG)); err != nil {
		t.Errorf("picture: %v", err)
	}
	_, err = s.CreateVirtualMFADevice(ctx, &iam.CreateVirtualMFADeviceInput{VirtualMFADeviceName: aws.String("phone"), Path: aws.String("/of/ann/")})
	want(t, "another of the name", err, "EntityAlreadyExists", "MFA device already exists.")
	_, err = s.CreateVirtualMFADevice(ctx, &iam.CreateVirtualMFADeviceInput{VirtualMFADeviceName: aws.String("phone"), Path: aws.String("no")})
	want(t, "a path", err, "ValidationError", "The specified value for path is invalid. It must begin and end with / and contain only alphanumeric characters and/or / characters.")
	_, err = s.CreateVirtualMFADevice(ctx, &iam.CreateVirtualMFADeviceInput{VirtualMFADeviceName: aws.String(strings.Repeat("x", 300))})
	want(t, "a long name", err, "ValidationError", "The path and the name of a virtual MFA device are too long: its serial number has at most 256 characters.")
	seed, err := base32.StdEncoding.DecodeString(string(made.VirtualMFADevice.Base32StringSeed))
	if err != nil {
		t.Fatal(err)
	}
	at := func() int64 { return clock.Now().Unix() / codeEvery }
	enable := func(user, first, second string) error {
		_, err := s.EnableMFADevice(ctx, &iam.EnableMFADeviceInput{UserName: &user, SerialNumber: serial, AuthenticationCode1: &first, AuthenticationCode2: &second})
		return err
	}
	const wrong = "Authentication code for device is not valid."
	want(t, "codes of another time", enable("ann", code(seed, at()-100), code(seed, at()-99)), "InvalidAuthenticationCode", wrong)
	want(t, "the same code twice", enable("ann", code(seed, at()), code(seed, at())), "InvalidAuthenticationCode", wrong)
	want(t, "codes in the other order", enable("ann", code(seed, at()), code(seed, at()-1)), "InvalidAuthenticationCode", wrong)
	want(t, "nobody", enable("eve", code(seed, at()-1), code(seed, at())), "NoSuchEntity", "The user with name eve cannot be found.")
	if err := enable("ann", code(seed, at()-1), code(seed, at())); err != nil {
		t.Fatal(err)
	}
	want(t, "a device in use", enable("bob", code(seed, at()), code(seed, at()+1)), "EntityAlreadyExists", "MFA Device is already in use.")
	_, err = s.DeleteVirtualMFADevice(ctx, &iam.DeleteVirtualMFADeviceInput{SerialNumber: serial})
	want(t, "delete a device in use", err, "DeleteConflict", "MFA VirtualDevice in use. Must deactivate first.")

	ann, bob := "arn:aws:iam::111122223333:user/ann", "arn:aws:iam::111122223333:user/bob"
	if u, err := s.GetUser(ctx, &iam.GetUserInput{UserName: aws.String("ann")}); err == nil {
		ann, bob = *u.User.Arn, strings.TrimSuffix(*u.User.Arn, "ann")+"bob"
	}
	is := func(what, user, given string, expect bool) {
		t.Helper()
		if ok, err := s.Authenticates(ctx, user, *serial, given); err != nil || ok != expect {
			t.Errorf("%s: %v (%v)", what, ok, err)
		}
	}
	is("a code that was shown", ann, code(seed, at()), false)
	clock.Advance(codeEvery * time.Second)
	is("another's", bob, code(seed, at()), false)
	is("the code", ann, code(seed, at()), true)
	is("the code again", ann, code(seed, at()), false)
	is("an earlier code", ann, code(seed, at()-1), false)
	clock.Advance(5 * codeEvery * time.Second)
	is("an old code", ann, code(seed, at()-2), false)
	is("a code of the half minute before", ann, code(seed, at()-1), true)
	is("no code", ann, "", false)

	for range mostWrong - 1 { // one was wrong before
		is("a guess", ann, "guess!", false)
	}
	is("the code behind too many guesses", ann, code(seed, at()), false)
	clock.Advance(wrongWithin - time.Second)
	is("the code, too early still", ann, code(seed, at()), false)
	clock.Advance(2 * time.Second)
	is("the code when that is over", ann, code(seed, at()), true)
	clock.Advance(codeEvery * time.Second)
	for range mostWrong - 1 {
		is("a guess", ann, "guess!", false)
	}
	is("the code before too many guesses", ann, code(seed, at()), true)

	_, err = s.ListVirtualMFADevices(ctx, &iam.ListVirtualMFADevicesInput{Marker: aws.String("100")})
	want(t, "a marker of nobody's", err, "ValidationError", "Invalid Marker.")
	list, err := s.ListVirtualMFADevices(ctx, &iam.ListVirtualMFADevicesInput{AssignmentStatus: types.AssignmentStatusTypeAssigned})
	if err != nil || len(list.VirtualMFADevices) != 1 || *list.VirtualMFADevices[0].User.UserName != "ann" {
		t.Errorf("devices in use: %v (%v)", list, err)
	}
	if _, err := s.UpdateUser(ctx, &iam.UpdateUserInput{UserName: aws.String("ann"), NewUserName: aws.String("anna")}); err != nil {
		t.Fatal(err)
	}
	of, err := s.ListMFADevices(ctx, &iam.ListMFADevicesInput{UserName: aws.String("anna")})
	if err != nil || len(of.MFADevices) != 1 || *of.MFADevices[0].UserName != "anna" {
		t.Errorf("devices of the renamed user: %v (%v)", of, err)
	}
	_, err = s.DeleteUser(ctx, &iam.DeleteUserInput{UserName: aws.String("anna")})
	want(t, "delete a user with a device", err, "DeleteConflict", "Cannot delete entity, must delete MFA device first.")
	// What a kill has cut off leaves a device of a user who does not have it: that user alone may have it.
	clock.Advance(5 * codeEvery * time.Second)
	if _, err := s.modifyUser(ctx, aws.String("anna"), func(u *userDoc) error { u.MFA = nil; return nil }); err != nil {
		t.Fatal(err)
	}
	want(t, "another's device, half enabled", enable("bob", code(seed, at()-1), code(seed, at())), "EntityAlreadyExists", "MFA Device is already in use.")
	if err := enable("anna", code(seed, at()-1), code(seed, at())); err != nil {
		t.Errorf("a device that is half enabled: %v", err)
	}
	if err := s.freeDevice(ctx, *serial, "AIDAANOTHER"); err != nil {
		t.Fatal(err)
	}
	clock.Advance(codeEvery * time.Second)
	is("a device that another has given up", strings.TrimSuffix(ann, "ann")+"anna", code(seed, at()), true)
	if _, err := s.DeactivateMFADevice(ctx, &iam.DeactivateMFADeviceInput{UserName: aws.String("anna"), SerialNumber: serial}); err != nil {
		t.Fatal(err)
	}
	is("a device that acts for nobody", strings.TrimSuffix(ann, "ann")+"anna", code(seed, at()), false)
	_, err = s.DeactivateMFADevice(ctx, &iam.DeactivateMFADeviceInput{UserName: aws.String("anna"), SerialNumber: serial})
	want(t, "deactivate again", err, "NoSuchEntity", "MFA Device with serial number "+*serial+" does not exist.")
	if _, err := s.DeleteVirtualMFADevice(ctx, &iam.DeleteVirtualMFADeviceInput{SerialNumber: serial}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.DeleteUser(ctx, &iam.DeleteUserInput{UserName: aws.String("anna")}); err != nil {
		t.Fatal(err)
	}
}

// TestPublicKeys: keys are read and told in both forms.
func TestPublicKeys(t *testing.T) {
	s, ctx, _, _ := newService(t)
	if _, err := s.CreateUser(ctx, &iam.CreateUserInput{UserName: aws.String("ann")}); err != nil {
		t.Fatal(err)
	}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, _ := x509.MarshalPKIXPublicKey(&key.PublicKey)
	inPEM := string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
	blob, ok := sshBlob(inPEM)
	if !ok {
		t.Fatal("the key in PEM is not read")
	}
	text := "ssh-rsa " + base64.StdEncoding.EncodeToString(blob)
	up, err := s.UploadSSHPublicKey(ctx, &iam.UploadSSHPublicKeyInput{UserName: aws.String("ann"), SSHPublicKeyBody: aws.String(text + " ann@host")})
	if err != nil {
		t.Fatal(err)
	}
	if f := *up.SSHPublicKey.Fingerprint; len(f) != 47 || strings.Count(f, ":") != 15 {
		t.Errorf("fingerprint %s", f)
	}
	_, err = s.UploadSSHPublicKey(ctx, &iam.UploadSSHPublicKeyInput{UserName: aws.String("ann"), SSHPublicKeyBody: &inPEM})
	want(t, "the same key", err, "DuplicateSSHPublicKey", "The SSH public key is already associated with the user ann.")
	for _, body := range []string{"", "ssh-rsa", "ssh-rsa AAAA", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ", text[:len(text)-8], "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"} {
		if _, err := s.UploadSSHPublicKey(ctx, &iam.UploadSSHPublicKeyInput{UserName: aws.String("ann"), SSHPublicKeyBody: &body}); err == nil {
			t.Errorf("%q is taken", body)
		}
	}
	for encoding, body := range map[types.EncodingType]string{types.EncodingTypePem: inPEM, types.EncodingTypeSsh: text + " ann@host"} {
		got, err := s.GetSSHPublicKey(ctx, &iam.GetSSHPublicKeyInput{UserName: aws.String("ann"), SSHPublicKeyId: up.SSHPublicKey.SSHPublicKeyId, Encoding: encoding})
		if err != nil || *got.SSHPublicKey.SSHPublicKeyBody != body {
			t.Errorf("%s: %v (%v)", encoding, got, err)
		}
	}
	short := &rsa.PublicKey{N: new(big.Int).SetBit(big.NewInt(1), minSSHBits-2, 1), E: 65537}
	der, _ = x509.MarshalPKIXPublicKey(short)
	if _, ok := sshBlob(string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))); ok {
		t.Error("a short key in PEM is taken")
	}
	blob = nil
	for _, part := range [][]byte{[]byte(sshRSA), mpint(big.NewInt(int64(short.E))), mpint(short.N)} {
		blob = append(binary.BigEndian.AppendUint32(blob, uint32(len(part))), part...)
	}
	if _, ok := sshBlob(sshRSA + " " + base64.StdEncoding.EncodeToString(blob)); ok {
		t.Error("a short key is taken")
	}
	if _, err := s.DeleteSSHPublicKey(ctx, &iam.DeleteSSHPublicKeyInput{UserName: aws.String("ann"), SSHPublicKeyId: up.SSHPublicKey.SSHPublicKeyId}); err != nil {
		t.Fatal(err)
	}
	_, err = s.DeleteSSHPublicKey(ctx, &iam.DeleteSSHPublicKeyInput{UserName: aws.String("ann"), SSHPublicKeyId: up.SSHPublicKey.SSHPublicKeyId})
	want(t, "delete again", err, "NoSuchEntity", "The Public Key with id "+*up.SSHPublicKey.SSHPublicKeyId+" cannot be found.")
	up, err = s.UploadSSHPublicKey(ctx, &iam.UploadSSHPublicKeyInput{UserName: aws.String("ann"), SSHPublicKeyBody: aws.String("Comment: ann\n" + inPEM)})
	if err != nil {
		t.Fatal(err)
	}
	got, err := s.GetSSHPublicKey(ctx, &iam.GetSSHPublicKeyInput{UserName: aws.String("ann"), SSHPublicKeyId: up.SSHPublicKey.SSHPublicKeyId, Encoding: types.EncodingTypeSsh})
	if err != nil || *got.SSHPublicKey.SSHPublicKeyBody != text {
		t.Errorf("of PEM with a comment: %v (%v)", got, err)
	}
}

// newCertificate returns a certificate and its key in PEM.
func newCertificate(t *testing.T) (certificate, key string) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "example.com"}, NotBefore: time.Unix(0, 0), NotAfter: time.Unix(4e9, 0)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &k.PublicKey, k)
	if err != nil {
		t.Fatal(err)
	}
	private, _ := x509.MarshalPKCS8PrivateKey(k)
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})), string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}))
}

func TestCertificates(t *testing.T) {
	s, ctx, _, _ := newService(t)
	body, key := newCertificate(t)
	other, _ := newCertificate(t)
	upload := func(name, body, key string) (*iam.UploadServerCertificateOutput, error) {
		return s.UploadServerCertificate(ctx, &iam.UploadServerCertificateInput{ServerCertificateName: &name, CertificateBody: &body, PrivateKey: &key, Path: aws.String("/tls/")})
	}
	up, err := upload("web", body, key)
	if err != nil || !up.ServerCertificateMetadata.Expiration.Equal(time.Unix(4e9, 0)) {
		t.Fatalf("%v (%v)", up, err)
	}
	_, err = upload("web", body, key)
	want(t, "another of the name", err, "EntityAlreadyExists", "The Server Certificate with name web already exists.")
	_, err = upload("b", "no certificate", key)
	want(t, "no certificate", err, "MalformedCertificate", "Unable to parse certificate. Please ensure the certificate is in PEM format.")
	_, err = upload("b", other, key)
	want(t, "another's key", err, "KeyPairMismatch", "Unable to validate that the private key belongs to the certificate.")
	if _, err := s.UpdateServerCertificate(ctx, &iam.UpdateServerCertificateInput{ServerCertificateName: aws.String("web"), NewServerCertificateName: aws.String("site"), NewPath: aws.String("/")}); err != nil {
		t.Fatal(err)
	}
	got, err := s.GetServerCertificate(ctx, &iam.GetServerCertificateInput{ServerCertificateName: aws.String("site")})
	if err != nil || *got.ServerCertificate.CertificateBody != strings.TrimSpace(body) || *got.ServerCertificate.ServerCertificateMetadata.Path != "/" {
		t.Errorf("%v (%v)", got, err)
	}
	_, err = s.DeleteServerCertificate(ctx, &iam.DeleteServerCertificateInput{ServerCertificateName: aws.String("web")})
	want(t, "delete by the old name", err, "NoSuchEntity", "The Server Certificate with name web cannot be found.")

	if _, err := s.CreateUser(ctx, &iam.CreateUserInput{UserName: aws.String("ann")}); err != nil {
		t.Fatal(err)
	}
	sign := func(body string) (*iam.UploadSigningCertificateOutput, error) {
		return s.UploadSigningCertificate(ctx, &iam.UploadSigningCertificateInput{UserName: aws.String("ann"), CertificateBody: &body})
	}
	first, err := sign(body)
	if err != nil {
		t.Fatal(err)
	}
	_, err = sign("what is this")
	want(t, "no certificate", err, "MalformedCertificate", "Certificate what is this is malformed.")
	if _, err := sign(other); err != nil {
		t.Fatal(err)
	}
	third, _ := newCertificate(t)
	_, err = sign(third)
	want(t, "a third", err, "LimitExceeded", "Cannot exceed quota for CertificatesPerUser: 2")
	if _, err := s.DeleteSigningCertificate(ctx, &iam.DeleteSigningCertificateInput{UserName: aws.String("ann"), CertificateId: first.Certificate.CertificateId}); err != nil {
		t.Fatal(err)
	}
	list, err := s.ListSigningCertificates(ctx, &iam.ListSigningCertificatesInput{UserName: aws.String("ann")})
	if err != nil || len(list.Certificates) != 1 {
		t.Errorf("%v (%v)", list, err)
	}
}

func TestServiceCredentials(t *testing.T) {
	s, ctx, _, _ := newService(t)
	if _, err := s.CreateUser(ctx, &iam.CreateUserInput{UserName: aws.String("ann")}); err != nil {
		t.Fatal(err)
	}
	create := func(service string) (*iam.CreateServiceSpecificCredentialOutput, error) {
		return s.CreateServiceSpecificCredential(ctx, &iam.CreateServiceSpecificCredentialInput{UserName: aws.String("ann"), ServiceName: &service})
	}
	names := map[string]bool{}
	var id string
	for range 2 {
		c, err := create("codecommit.amazonaws.com")
		if err != nil {
			t.Fatal(err)
		}
		names[*c.ServiceSpecificCredential.ServiceUserName], id = true, *c.ServiceSpecificCredential.ServiceSpecificCredentialId
	}
	if len(names) != 2 {
		t.Errorf("names %v", names)
	}
	_, err := create("codecommit.amazonaws.com")
	want(t, "a third", err, "LimitExceeded", "Cannot exceed quota for ServiceSpecificCredentialsPerUser: 2")
	reset, err := s.ResetServiceSpecificCredential(ctx, &iam.ResetServiceSpecificCredentialInput{UserName: aws.String("ann"), ServiceSpecificCredentialId: &id})
	if err != nil || *reset.ServiceSpecificCredential.ServicePassword == "" {
		t.Errorf("%v (%v)", reset, err)
	}
	if _, err := s.DeleteServiceSpecificCredential(ctx, &iam.DeleteServiceSpecificCredentialInput{UserName: aws.String("ann"), ServiceSpecificCredentialId: &id}); err != nil {
		t.Fatal(err)
	}
	list, err := s.ListServiceSpecificCredentials(ctx, &iam.ListServiceSpecificCredentialsInput{UserName: aws.String("ann")})
	if err != nil || len(list.ServiceSpecificCredentials) != 1 {
		t.Errorf("%v (%v)", list, err)
	}
}

func FuzzPublicKey(f *testing.F) {
	f.Add("ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQ== x")
	f.Fuzz(func(t *testing.T, body string) {
		if blob, ok := sshBlob(body); ok {
			if _, ok := rsaKey(blob); !ok {
				t.Errorf("the key of %q is not read again", body)
			}
		}
	})
}

// TestChangePassword: who knows the password changes it, as the account's rules have it, and nobody else.
func TestChangePassword(t *testing.T) {
	s, root, _, _ := newService(t)
	of := func(principal string) context.Context {
		c := awswire.CallerFrom(root)
		c.Principal = principal
		return awswire.WithCaller(root, c)
	}
	annARN := "arn:aws:iam::" + account + ":user/of/ann"
	ann, bob := of(annARN), of("arn:aws:iam::"+account+":user/bob")
	for name, path := range map[string]string{"ann": "/of/", "bob": "/"} {
		if _, err := s.CreateUser(root, &iam.CreateUserInput{UserName: &name, Path: &path}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.CreateLoginProfile(root, &iam.CreateLoginProfileInput{UserName: aws.String("ann"), Password: aws.String("first password"), PasswordResetRequired: true}); err != nil {
		t.Fatal(err)
	}
	change := func(by context.Context, before, after string) error {
		_, err := s.ChangePassword(by, &iam.ChangePasswordInput{OldPassword: &before, NewPassword: &after})
		return err
	}
	want(t, "the account", change(root, "first password", "second password"), "InvalidUserType", "Only IAM Users")
	want(t, "a role", change(of("arn:aws:sts::"+account+":assumed-role/ann/user"), "first password", "second password"), "InvalidUserType", "Only IAM Users")
	want(t, "a federated user", change(of("arn:aws:sts::"+account+":federated-user/ann"), "first password", "second password"), "InvalidUserType", "Only IAM Users")
	want(t, "a user without one", change(bob, "first password", "second password"), "NoSuchEntity", "Login Profile for User bob")
	want(t, "another password", change(ann, "First password", "second password"), "AccessDenied", "The old password was incorrect.")
	want(t, "a short one", change(ann, "first password", "short"), "PasswordPolicyViolation", "minimum length of 8")
	want(t, "the password", change(ann, "first password", "second password"), "", "")
	want(t, "the password of before", change(ann, "first password", "third password"), "AccessDenied", "The old password was incorrect.")
	if p, err := s.GetLoginProfile(root, &iam.GetLoginProfileInput{UserName: aws.String("ann")}); err != nil || p.LoginProfile.PasswordResetRequired {
		t.Errorf("a password that its user has changed is to be changed: %v", err)
	}

	// The account's rules: passwords that differ, and a right of all users, each for itself.
	allowed := func(action, resource string) bool {
		t.Helper()
		g, err := s.Principal(root, annARN)
		if err != nil {
			t.Fatal(err)
		}
		who := policy.Principal{Kind: policy.User, Account: account, ARN: annARN, ID: g.ID}
		return policy.Evaluate(&policy.Request{Principal: who, Action: action, Resource: resource, Account: account}, &policy.Policies{Identity: g.Policies}).Allowed
	}
	if allowed("iam:ChangePassword", annARN) {
		t.Error("a user may change the password without a policy")
	}
	if _, err := s.UpdateAccountPasswordPolicy(root, &iam.UpdateAccountPasswordPolicyInput{AllowUsersToChangePassword: true, PasswordReusePrevention: aws.Int32(3)}); err != nil {
		t.Fatal(err)
	}
	want(t, "the same password", change(ann, "second password", "second password"), "PasswordPolicyViolation", "reuse")
	for what, ok := range map[string]bool{
		"iam:ChangePassword " + annARN: true, "iam:GetAccountPasswordPolicy *": true, "iam:ChangePassword arn:aws:iam::" + account + ":user/bob": false, "iam:UpdateLoginProfile " + annARN: false,
	} {
		action, resource, _ := strings.Cut(what, " ")
		if allowed(action, resource) != ok {
			t.Errorf("%s: %v", what, !ok)
		}
	}
	// Paths have quotes and wildcards: they say nothing to the policy.
	for i, path := range []string{`/"},{"Effect":"Allow","Action":"*","Resource":"*"},{"Effect":"Allow","Action":"a:b","Resource":"arn:aws:iam::1:user/`, "/*/", "/${x}/", `/\"/`} {
		name := "odd" + strconv.Itoa(i)
		u, err := s.CreateUser(root, &iam.CreateUserInput{UserName: &name, Path: &path})
		if err != nil {
			t.Fatal(err)
		}
		annARN = *u.User.Arn
		if !allowed("iam:ChangePassword", annARN) || allowed("s3:GetObject", "arn:aws:s3:::b/k") || allowed("iam:ChangePassword", "arn:aws:iam::"+account+":user/other/"+name) {
			t.Errorf("of a user below %s: the policy of the account allows something else", path)
		}
	}
}

// TestServerCertificatesQuota: an account has twenty at most.
func TestServerCertificatesQuota(t *testing.T) {
	s, ctx, _, _ := newService(t)
	body, key := newCertificate(t)
	var err error
	for i := range maxServerCertificates + 1 {
		if _, err = s.UploadServerCertificate(ctx, &iam.UploadServerCertificateInput{ServerCertificateName: aws.String("c" + strconv.Itoa(i)), CertificateBody: &body, PrivateKey: &key}); err != nil {
			break
		}
	}
	want(t, "one too many", err, "LimitExceeded", "Cannot exceed quota for ServerCertificatesPerAccount: 20")
	all, err := s.ListServerCertificates(ctx, &iam.ListServerCertificatesInput{})
	if err != nil || len(all.ServerCertificateMetadataList) != maxServerCertificates {
		t.Errorf("%d certificates (%v)", len(all.ServerCertificateMetadataList), err)
	}
}
