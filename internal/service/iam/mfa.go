package iam

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"rsc.io/qr"

	"github.com/brookmere/brookmere/internal/awskit/arn"
)

// Virtual devices of multi-factor authentication: one-time codes of six digits every thirty seconds (RFC 6238). The seed is
// told once, when the device is made, and kept sealed. A device acts for the user that has shown two codes in a row; each
// code is good once, and for the half minute before and after its own. Devices of metal and passkeys are left out.

const (
	maxDevices = 8 // of a user
	// maxSerialNumber is the longest that calls take, by the service's model.
	maxSerialNumber = 256
	seedBytes       = 40
	codeEvery       = 30 // seconds
	codeSlack       = 1  // codes before and after that of the moment
	resyncBy        = 20 // codes that a clock may be off by when a device is enabled

	// A device takes mostWrong wrong codes within wrongWithin: until that is over it then takes none, good or bad, so that
	// a code cannot be found by trying. One in some thirty thousand of such times would find one.
	mostWrong   = 10
	wrongWithin = 5 * time.Minute
)

// deviceDoc is a virtual device.
type deviceDoc struct {
	Resource string    `json:"resource"` // "mfa/path/name"
	Seed     []byte    `json:"seed"`     // sealed
	User     string    `json:"user,omitempty"`
	Enabled  time.Time `json:"enabled,omitzero"`
	Drift    int64     `json:"drift,omitempty"` // codes that the device's clock is ahead of the node's
	Last     int64     `json:"last,omitempty"`  // number of the last code that was taken
	Wrong    int       `json:"wrong,omitempty"` // codes that were not good, since the last good one
	Since    time.Time `json:"since,omitzero"`  // when the first of them came
	Tags     []tag     `json:"tags,omitempty"`
}

// closed reports whether the device takes no code for now, as too many were wrong.
func (d *deviceDoc) closed(now time.Time) bool {
	return d.Wrong >= mostWrong && now.Sub(d.Since) < wrongWithin
}

// tried counts a code that was tried.
func (d *deviceDoc) tried(good bool, now time.Time) {
	switch {
	case good:
		d.Wrong, d.Since = 0, time.Time{}
	case d.Wrong == 0 || now.Sub(d.Since) >= wrongWithin:
		d.Wrong, d.Since = 1, now
	default:
		d.Wrong++
	}
}

func seedPurpose(account, resource string) string { return "seed of " + account + " " + resource }

// code is the one-time code of a number, of 30 seconds since 1970.
func code(seed []byte, number int64) string {
	h := hmac.New(sha1.New, seed)
	_ = binary.Write(h, binary.BigEndian, number) // to a hash: cannot fail
	sum := h.Sum(nil)
	at := sum[len(sum)-1] & 15
	return fmt.Sprintf("%06d", binary.BigEndian.Uint32(sum[at:])&0x7fffffff%1_000_000)
}

// match finds a code that is good now: one that was not taken yet.
func (d *deviceDoc) match(seed []byte, given string, now time.Time) (number int64, ok bool) {
	at := now.Unix()/codeEvery + d.Drift
	for n := at - codeSlack; n <= at+codeSlack; n++ {
		if n > d.Last && hmac.Equal([]byte(code(seed, n)), []byte(given)) {
			return n, true
		}
	}
	return 0, false
}

// pair finds two codes that follow each other.
func (d *deviceDoc) pair(seed []byte, first, second string, now time.Time) (number int64, ok bool) {
	at := now.Unix() / codeEvery
	for n := at - resyncBy; n < at+resyncBy; n++ {
		if n >= d.Last && code(seed, n) == first && code(seed, n+1) == second {
			return n + 1, true
		}
	}
	return 0, false
}

// deviceOf is the resource of a device's serial number, which is its ARN.
func deviceOf(sc scope, serial string) (resource string, ok bool) {
	a, ok := arn.Parse(serial)
	if !ok || a.Service != "iam" || a.Account != sc.account || !strings.HasPrefix(a.Resource, "mfa/") {
		return "", false
	}
	return a.Resource, true
}

func noDevice(serial string) error {
	return noSuchEntity("MFA Device with serial number %s does not exist.", serial)
}

func (s *Service) device(sc scope, serial string) (*deviceDoc, error) {
	resource, ok := deviceOf(sc, serial)
	if !ok {
		return nil, noDevice(serial)
	}
	d, err := s.devices.Get(sc.account, resource)
	return d, found(err, noDevice(serial))
}

func (s *Service) modifyDevice(ctx context.Context, serial string, f func(*deviceDoc) error) error {
	sc := scopeOf(ctx)
	resource, ok := deviceOf(sc, serial)
	if !ok {
		return noDevice(serial)
	}
	_, err := s.devices.Modify(ctx, f, sc.account, resource)
	return found(err, noDevice(serial))
}

func (s *Service) seed(sc scope, d *deviceDoc) ([]byte, error) {
	return s.sealer.Open(d.Seed, seedPurpose(sc.account, d.Resource))
}

// CreateVirtualMFADevice makes a device, and tells its seed.
func (s *Service) CreateVirtualMFADevice(ctx context.Context, in *iam.CreateVirtualMFADeviceInput, _ ...func(*iam.Options)) (*iam.CreateVirtualMFADeviceOutput, error) {
	sc := scopeOf(ctx)
	p, err := path(in.Path)
	if err != nil {
		return nil, err
	}
	seed := make([]byte, seedBytes)
	rand.Read(seed)
	d := &deviceDoc{Resource: "mfa" + p + *in.VirtualMFADeviceName}
	if len(sc.arn(d.Resource)) > maxSerialNumber {
		return nil, validation("The path and the name of a virtual MFA device are too long: its serial number has at most %d characters.", maxSerialNumber)
	}
	d.Seed = s.sealer.Seal(seed, seedPurpose(sc.account, d.Resource))
	if d.Tags, err = withTags(nil, in.Tags); err != nil {
		return nil, err
	}
	text := base32.StdEncoding.EncodeToString(seed)
	const issuer = "Amazon Web Services"
	picture, err := qr.Encode("otpauth://totp/"+url.PathEscape(issuer+":"+*in.VirtualMFADeviceName+"@"+sc.account)+"?secret="+text+"&issuer="+url.PathEscape(issuer), qr.L)
	if err != nil {
		return nil, fmt.Errorf("picture of the seed: %w", err)
	}
	if err := s.devices.Create(ctx, d, sc.account, d.Resource); err != nil {
		return nil, created(err, alreadyExists("MFA device already exists."))
	}
	return &iam.CreateVirtualMFADeviceOutput{VirtualMFADevice: &types.VirtualMFADevice{
		SerialNumber: aws.String(sc.arn(d.Resource)), Base32StringSeed: []byte(text), QRCodePNG: bytes.Clone(picture.PNG()), Tags: tagsOut(d.Tags),
	}}, nil
}

// DeleteVirtualMFADevice removes a device that acts for nobody.
func (s *Service) DeleteVirtualMFADevice(ctx context.Context, in *iam.DeleteVirtualMFADeviceInput, _ ...func(*iam.Options)) (*iam.DeleteVirtualMFADeviceOutput, error) {
	sc := scopeOf(ctx)
	d, err := s.device(sc, *in.SerialNumber)
	if err != nil {
		return nil, err
	}
	if d.User != "" {
		return nil, deleteConflict("MFA VirtualDevice in use. Must deactivate first.")
	}
	err = s.devices.Delete(ctx, sc.account, d.Resource)
	return &iam.DeleteVirtualMFADeviceOutput{}, found(err, noDevice(*in.SerialNumber))
}

var errWrongCode = &types.InvalidAuthenticationCodeException{Message: aws.String("Authentication code for device is not valid.")}

// EnableMFADevice has a device act for a user who shows two of its codes.
func (s *Service) EnableMFADevice(ctx context.Context, in *iam.EnableMFADeviceInput, _ ...func(*iam.Options)) (*iam.EnableMFADeviceOutput, error) {
	sc := scopeOf(ctx)
	u, err := s.user(sc, *in.UserName)
	if err != nil {
		return nil, err
	}
	tooMany := limitExceeded("Cannot exceed quota for MFADevicesPerUser: %d", maxDevices)
	resource, _ := deviceOf(sc, *in.SerialNumber)
	if len(u.MFA) >= maxDevices {
		return nil, tooMany
	}
	err = s.modifyDevice(ctx, *in.SerialNumber, func(d *deviceDoc) error {
		// A device of a user who does not have it is of a change that was cut off: that user may have it.
		if d.User != "" && (d.User != u.ID || slices.Contains(u.MFA, resource)) {
			return alreadyExists("MFA Device is already in use.")
		}
		if err := s.synchronize(sc, d, *in.AuthenticationCode1, *in.AuthenticationCode2); err != nil {
			return err
		}
		d.User, d.Enabled = u.ID, s.now()
		return nil
	})
	if err != nil {
		return nil, err
	}
	_, err = s.modifyUser(ctx, in.UserName, func(u *userDoc) error {
		if len(u.MFA) >= maxDevices {
			return tooMany
		}
		if !slices.Contains(u.MFA, resource) {
			u.MFA = append(u.MFA, resource)
		}
		return nil
	})
	if err != nil {
		_ = s.freeDevice(ctx, *in.SerialNumber, u.ID) // the user is gone, or full
	}
	return &iam.EnableMFADeviceOutput{}, err
}

// synchronize sets a device's clock by two codes that follow each other.
func (s *Service) synchronize(sc scope, d *deviceDoc, first, second string) error {
	seed, err := s.seed(sc, d)
	if err != nil {
		return err
	}
	now := s.clock.Now()
	n, ok := d.pair(seed, first, second, now)
	if !ok {
		return errWrongCode
	}
	d.tried(true, now)
	d.Last, d.Drift = n, n-now.Unix()/codeEvery
	if d.Drift >= -codeSlack && d.Drift <= codeSlack {
		d.Drift = 0
	}
	return nil
}

// deviceOfUser is a user, the caller where none is named, and the resource of a device that acts for it.
func (s *Service) deviceOfUser(ctx context.Context, user *string, serial string) (*userDoc, string, error) {
	name, err := s.nameOr(ctx, user)
	if err != nil {
		return nil, "", err
	}
	u, err := s.user(scopeOf(ctx), name)
	if err != nil {
		return nil, "", err
	}
	resource, ok := deviceOf(scopeOf(ctx), serial)
	if !ok || !slices.Contains(u.MFA, resource) {
		return nil, "", noDevice(serial)
	}
	return u, resource, nil
}

// ResyncMFADevice sets the clock of a user's device by two of its codes.
func (s *Service) ResyncMFADevice(ctx context.Context, in *iam.ResyncMFADeviceInput, _ ...func(*iam.Options)) (*iam.ResyncMFADeviceOutput, error) {
	if _, _, err := s.deviceOfUser(ctx, in.UserName, *in.SerialNumber); err != nil {
		return nil, err
	}
	return &iam.ResyncMFADeviceOutput{}, s.modifyDevice(ctx, *in.SerialNumber, func(d *deviceDoc) error {
		return s.synchronize(scopeOf(ctx), d, *in.AuthenticationCode1, *in.AuthenticationCode2)
	})
}

// DeactivateMFADevice has a device act for nobody any more.
func (s *Service) DeactivateMFADevice(ctx context.Context, in *iam.DeactivateMFADeviceInput, _ ...func(*iam.Options)) (*iam.DeactivateMFADeviceOutput, error) {
	u, resource, err := s.deviceOfUser(ctx, in.UserName, *in.SerialNumber)
	if err != nil {
		return nil, err
	}
	_, err = s.modifyUser(ctx, &u.Name, func(u *userDoc) error {
		u.MFA = slices.DeleteFunc(u.MFA, func(r string) bool { return r == resource })
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &iam.DeactivateMFADeviceOutput{}, s.freeDevice(ctx, *in.SerialNumber, u.ID)
}

// freeDevice has a device act for nobody, unless it acts for another than the user of an id by now.
func (s *Service) freeDevice(ctx context.Context, serial, user string) error {
	return s.modifyDevice(ctx, serial, func(d *deviceDoc) error {
		if d.User == user {
			d.User, d.Enabled = "", time.Time{}
		}
		return nil
	})
}

// GetMFADevice returns a device of a user, or one of the account's.
func (s *Service) GetMFADevice(ctx context.Context, in *iam.GetMFADeviceInput, _ ...func(*iam.Options)) (*iam.GetMFADeviceOutput, error) {
	sc := scopeOf(ctx)
	d, err := s.device(sc, *in.SerialNumber)
	if err != nil {
		return nil, err
	}
	out := &iam.GetMFADeviceOutput{SerialNumber: aws.String(sc.arn(d.Resource))}
	if in.UserName != nil {
		u, _, err := s.deviceOfUser(ctx, in.UserName, *in.SerialNumber)
		if err != nil {
			return nil, err
		}
		out.UserName = aws.String(u.Name)
	}
	if d.User != "" {
		out.EnableDate = aws.Time(d.Enabled)
	}
	return out, nil
}

// ListMFADevices lists the devices of a user.
func (s *Service) ListMFADevices(ctx context.Context, in *iam.ListMFADevicesInput, _ ...func(*iam.Options)) (*iam.ListMFADevicesOutput, error) {
	sc := scopeOf(ctx)
	if name, ok := s.callerName(ctx); in.UserName == nil && !ok {
		return &iam.ListMFADevicesOutput{MFADevices: []types.MFADevice{}}, nil // the root has none
	} else if in.UserName == nil {
		in.UserName = &name
	}
	u, err := s.user(sc, *in.UserName)
	if err != nil {
		return nil, err
	}
	list, next, more, err := pageOf(slices.Sorted(slices.Values(u.MFA)), func(r string) string { return r }, in.Marker, in.MaxItems)
	out := &iam.ListMFADevicesOutput{MFADevices: []types.MFADevice{}, Marker: next, IsTruncated: more}
	for _, resource := range list {
		d, err := s.devices.Get(sc.account, resource)
		if err != nil {
			if found(err, nil) == nil {
				continue
			}
			return nil, err
		}
		out.MFADevices = append(out.MFADevices, types.MFADevice{SerialNumber: aws.String(sc.arn(resource)), UserName: aws.String(u.Name), EnableDate: aws.Time(d.Enabled)})
	}
	return out, err
}

// ListVirtualMFADevices lists the account's devices.
func (s *Service) ListVirtualMFADevices(ctx context.Context, in *iam.ListVirtualMFADevicesInput, _ ...func(*iam.Options)) (*iam.ListVirtualMFADevicesOutput, error) {
	sc := scopeOf(ctx)
	devices, err := s.devices.All(sc.account)
	if err != nil {
		return nil, err
	}
	devices = slices.DeleteFunc(devices, func(d *deviceDoc) bool {
		return in.AssignmentStatus == types.AssignmentStatusTypeAssigned && d.User == "" || in.AssignmentStatus == types.AssignmentStatusTypeUnassigned && d.User != ""
	})
	list, next, more, err := pageOf(devices, func(d *deviceDoc) string { return d.Resource }, in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	out := &iam.ListVirtualMFADevicesOutput{VirtualMFADevices: []types.VirtualMFADevice{}, Marker: next, IsTruncated: more}
	users := map[string]*userDoc{}
	if slices.ContainsFunc(list, func(d *deviceDoc) bool { return d.User != "" }) {
		all, err := s.users.All(sc.account)
		if err != nil {
			return nil, err
		}
		for _, u := range all {
			users[u.ID] = u
		}
	}
	for _, d := range list {
		v := types.VirtualMFADevice{SerialNumber: aws.String(sc.arn(d.Resource))}
		if u := users[d.User]; u != nil {
			v.User, v.EnableDate = s.userOut(sc, u, false), aws.Time(d.Enabled)
		}
		out.VirtualMFADevices = append(out.VirtualMFADevices, v)
	}
	return out, nil
}

// Authenticates reports whether a code of a device authenticates the user of an ARN, and takes the code, which is good once.
func (s *Service) Authenticates(ctx context.Context, user, serial, given string) (bool, error) {
	a, ok := arn.Parse(user)
	sc := scope{account: a.Account, partition: a.Partition}
	resource, is := deviceOf(sc, serial)
	rest, isUser := a.After("user/")
	if !ok || !is || !isUser {
		return false, nil
	}
	u, err := s.users.Get(sc.account, lower(rest[strings.LastIndexByte(rest, '/')+1:]))
	if err != nil {
		return false, found(err, nil)
	}
	if !slices.Contains(u.MFA, resource) {
		return false, nil
	}
	good, now := false, s.clock.Now()
	_, err = s.devices.Modify(ctx, func(d *deviceDoc) error {
		good = false
		if d.User != u.ID || d.closed(now) {
			return nil
		}
		seed, err := s.seed(sc, d)
		if err != nil {
			return err
		}
		var n int64
		if n, good = d.match(seed, given, now); good {
			d.Last = n
		}
		d.tried(good, now)
		return nil
	}, sc.account, resource)
	return good && err == nil, found(err, nil)
}

// TagMFADevice adds tags.
func (s *Service) TagMFADevice(ctx context.Context, in *iam.TagMFADeviceInput, _ ...func(*iam.Options)) (*iam.TagMFADeviceOutput, error) {
	return &iam.TagMFADeviceOutput{}, s.modifyDevice(ctx, *in.SerialNumber, func(d *deviceDoc) (err error) {
		d.Tags, err = withTags(d.Tags, in.Tags)
		return err
	})
}

// UntagMFADevice removes tags.
func (s *Service) UntagMFADevice(ctx context.Context, in *iam.UntagMFADeviceInput, _ ...func(*iam.Options)) (*iam.UntagMFADeviceOutput, error) {
	return &iam.UntagMFADeviceOutput{}, s.modifyDevice(ctx, *in.SerialNumber, func(d *deviceDoc) error {
		d.Tags = withoutTags(d.Tags, in.TagKeys)
		return nil
	})
}

// ListMFADeviceTags lists them.
func (s *Service) ListMFADeviceTags(ctx context.Context, in *iam.ListMFADeviceTagsInput, _ ...func(*iam.Options)) (*iam.ListMFADeviceTagsOutput, error) {
	d, err := s.device(scopeOf(ctx), *in.SerialNumber)
	if err != nil {
		return nil, err
	}
	out := &iam.ListMFADeviceTagsOutput{}
	out.Tags, out.Marker, out.IsTruncated, err = tagPage(d.Tags, in.Marker, in.MaxItems)
	return out, err
}
