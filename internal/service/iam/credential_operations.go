package iam

import (
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/brookmere/brookmere/internal/awswire"
)

// credentialOperations are the operations on what users show beside access keys: devices, keys and certificates.
func (s *Service) credentialOperations() []awswire.Operation {
	user := s.entityOf("user")
	server := s.entityOf("server-certificate")
	return []awswire.Operation{
		awswire.Executes(s.CreateVirtualMFADevice, func(c awswire.Caller, in *iam.CreateVirtualMFADeviceInput) []string {
			return onNew(c, "mfa", in.Path, in.VirtualMFADeviceName)
		}),
		executes(s.DeactivateMFADevice, user, func(in *iam.DeactivateMFADeviceInput) *string { return in.UserName }),
		executes(s.DeleteVirtualMFADevice, s.onPolicy, func(in *iam.DeleteVirtualMFADeviceInput) *string { return in.SerialNumber }),
		executes(s.EnableMFADevice, user, func(in *iam.EnableMFADeviceInput) *string { return in.UserName }),
		executes(s.GetMFADevice, user, func(in *iam.GetMFADeviceInput) *string { return in.UserName }),
		executes(s.ListMFADevices, user, func(in *iam.ListMFADevicesInput) *string { return in.UserName }),
		executes(s.ListMFADeviceTags, s.onPolicy, func(in *iam.ListMFADeviceTagsInput) *string { return in.SerialNumber }),
		awswire.Executes(s.ListVirtualMFADevices),
		executes(s.ResyncMFADevice, user, func(in *iam.ResyncMFADeviceInput) *string { return in.UserName }),
		executes(s.TagMFADevice, s.onPolicy, func(in *iam.TagMFADeviceInput) *string { return in.SerialNumber }),
		executes(s.UntagMFADevice, s.onPolicy, func(in *iam.UntagMFADeviceInput) *string { return in.SerialNumber }),

		stores(s.DeleteSSHPublicKey, user, func(in *iam.DeleteSSHPublicKeyInput) *string { return in.UserName }),
		stores(s.GetSSHPublicKey, user, func(in *iam.GetSSHPublicKeyInput) *string { return in.UserName }),
		stores(s.ListSSHPublicKeys, user, func(in *iam.ListSSHPublicKeysInput) *string { return in.UserName }),
		stores(s.UpdateSSHPublicKey, user, func(in *iam.UpdateSSHPublicKeyInput) *string { return in.UserName }),
		stores(s.UploadSSHPublicKey, user, func(in *iam.UploadSSHPublicKeyInput) *string { return in.UserName }),

		stores(s.DeleteSigningCertificate, user, func(in *iam.DeleteSigningCertificateInput) *string { return in.UserName }),
		stores(s.ListSigningCertificates, user, func(in *iam.ListSigningCertificatesInput) *string { return in.UserName }),
		stores(s.UpdateSigningCertificate, user, func(in *iam.UpdateSigningCertificateInput) *string { return in.UserName }),
		stores(s.UploadSigningCertificate, user, func(in *iam.UploadSigningCertificateInput) *string { return in.UserName }),

		stores(s.DeleteServerCertificate, server, func(in *iam.DeleteServerCertificateInput) *string { return in.ServerCertificateName }),
		stores(s.GetServerCertificate, server, func(in *iam.GetServerCertificateInput) *string { return in.ServerCertificateName }),
		stores(s.ListServerCertificateTags, server, func(in *iam.ListServerCertificateTagsInput) *string { return in.ServerCertificateName }),
		awswire.Stores(s.ListServerCertificates),
		stores(s.TagServerCertificate, server, func(in *iam.TagServerCertificateInput) *string { return in.ServerCertificateName }),
		stores(s.UntagServerCertificate, server, func(in *iam.UntagServerCertificateInput) *string { return in.ServerCertificateName }),
		awswire.Stores(s.UpdateServerCertificate, func(c awswire.Caller, in *iam.UpdateServerCertificateInput) []string {
			return s.onMoved(c, "server-certificate", in.ServerCertificateName, in.NewPath, in.NewServerCertificateName)
		}),
		awswire.Stores(s.UploadServerCertificate, func(c awswire.Caller, in *iam.UploadServerCertificateInput) []string {
			return onNew(c, "server-certificate", in.Path, in.ServerCertificateName)
		}),

		stores(s.CreateServiceSpecificCredential, user, func(in *iam.CreateServiceSpecificCredentialInput) *string { return in.UserName }),
		stores(s.DeleteServiceSpecificCredential, user, func(in *iam.DeleteServiceSpecificCredentialInput) *string { return in.UserName }),
		stores(s.ListServiceSpecificCredentials, user, func(in *iam.ListServiceSpecificCredentialsInput) *string { return in.UserName }),
		stores(s.ResetServiceSpecificCredential, user, func(in *iam.ResetServiceSpecificCredentialInput) *string { return in.UserName }),
		stores(s.UpdateServiceSpecificCredential, user, func(in *iam.UpdateServiceSpecificCredentialInput) *string { return in.UserName }),

		awswire.Stores(s.SetSecurityTokenServicePreferences),
	}
}
