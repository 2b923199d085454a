// Package keyring makes key material and uses it: symmetric encryption bound to a context, codes that
// authenticate messages, signatures, and encryption to a public key.
//
// What Seal gives is
//
//	version (1 byte, 1)  id (16 bytes)  number (4 bytes)  salt (32 bytes)  AES-256-GCM of the data
//
// where id and number say which material sealed it: a caller finds it by Named. Each message has a key of its own,
// derived from the material and the salt, so there is no bound on how many one material seals. All that stands before
// the data, and the context, are authenticated with it.
//
// The package keeps nothing. Private keys are PKCS #8; symmetric material and that of codes are random bytes.
package keyring
