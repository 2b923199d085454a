package authorize

import (
	"strconv"
	"strings"
	"time"

	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/policy"
)

// keys answers a policy's questions for condition keys, most of which no policy asks: each is made when
// it is asked for.
type keys struct {
	a        *Authorizer
	q        *question
	who      *policy.Principal
	identity *policy.Grants
	owner    string
	of       map[string][]string // of the call, lower case, when one was asked for
	err      error
}

func one(s string) []string {
	if s == "" {
		return nil
	}
	return []string{s}
}

// get returns the values of a key, whose name is in lower case.
func (k *keys) get(key string) []string {
	s := k.q.caller.Session
	switch key {
	case "aws:principalarn":
		if k.who.Kind == policy.Role {
			return one(k.who.Role)
		}
		return one(k.who.ARN)
	case "aws:principalaccount":
		return one(k.who.Account)
	case "aws:principaltype":
		switch k.who.Kind {
		case policy.Anonymous:
			return one("Anonymous")
		case policy.Root:
			return one("Account")
		case policy.User:
			return one("User")
		case policy.Role:
			return one("AssumedRole")
		case policy.FederatedUser:
			return one("FederatedUser")
		}
		return nil
	case "aws:userid":
		if k.who.Kind == policy.Root {
			return one(k.who.Account)
		}
		return one(k.who.ID)
	case "aws:username":
		if k.who.Kind == policy.User {
			return one(k.who.ARN[strings.LastIndexByte(k.who.ARN, '/')+1:])
		}
		return nil
	case "aws:principalisawsservice":
		return one(strconv.FormatBool(k.who.Kind == policy.Service))
	case "aws:principalservicename":
		if k.who.Kind == policy.Service {
			return one(k.who.Name)
		}
		return nil
	case "aws:viaawsservice":
		return one(strconv.FormatBool(k.q.caller.Via != "")) // not of a service that acts as its role, or as itself
	case "aws:calledvia", "aws:calledviafirst", "aws:calledvialast":
		return one(k.q.caller.Via)
	case "aws:currenttime":
		return one(k.a.config.Clock.Now().UTC().Format(time.RFC3339))
	case "aws:epochtime":
		return one(strconv.FormatInt(k.a.config.Clock.Now().Unix(), 10))
	case "aws:resourceaccount":
		return one(k.owner)
	case "aws:multifactorauthpresent":
		if v := k.q.keys[awswire.MFAPresent]; v != nil {
			return v
		}
		if s != nil {
			return one(strconv.FormatBool(!s.MFA.IsZero()))
		}
		return nil
	case "aws:multifactorauthage":
		if v := k.q.keys[awswire.MFAAge]; v != nil {
			return v
		}
		if s != nil && !s.MFA.IsZero() {
			return one(strconv.FormatInt(int64(k.a.config.Clock.Since(s.MFA).Seconds()), 10))
		}
		return nil
	}
	if tag, ok := strings.CutPrefix(key, "aws:principaltag/"); ok {
		return k.principalTag(tag)
	}
	if v := k.session(key); v != nil {
		return v
	}
	return k.call(key)
}

// principalTag is a tag of the session, or else of the user or role.
func (k *keys) principalTag(name string) []string {
	if s := k.q.caller.Session; s != nil {
		for key, v := range s.Tags {
			if strings.EqualFold(key, name) {
				return []string{v}
			}
		}
	}
	if k.identity != nil {
		for key, v := range k.identity.Tags {
			if strings.EqualFold(key, name) {
				return []string{v}
			}
		}
	}
	return nil
}

// session is a key that temporary credentials carry.
func (k *keys) session(key string) []string {
	s := k.q.caller.Session
	if s == nil || k.q.who != nil {
		return nil
	}
	switch key {
	case "aws:tokenissuetime":
		return one(s.Issued.UTC().Format(time.RFC3339))
	case "aws:sourceidentity":
		return one(s.SourceIdentity)
	case "aws:federatedprovider":
		return one(s.Provider)
	}
	if s.Service != "" && s.Source != "" && (key == "aws:sourcearn" || key == "aws:sourceaccount") {
		return nil // which are of assuming the role, and of what a service does as itself
	}
	for name, v := range s.Keys {
		if strings.EqualFold(name, key) {
			return v
		}
	}
	return nil
}

// call is a key of the request.
func (k *keys) call(key string) []string {
	if k.q.lookup != nil {
		if v := k.q.lookup(key); v != nil {
			return v
		}
	}
	if k.of == nil {
		k.of = map[string][]string{}
		if k.q.call != nil {
			own, err := k.q.call.Keys()
			if err != nil {
				k.err = err
			}
			for name, v := range own {
				k.of[strings.ToLower(name)] = v
			}
		}
		for name, v := range k.q.keys {
			k.of[strings.ToLower(name)] = v
		}
		if k.q.own != nil {
			for name, v := range k.q.own() {
				k.of[strings.ToLower(name)] = v
			}
		}
		if k.of["aws:requestedregion"] == nil {
			k.of["aws:requestedregion"] = one(k.q.caller.Region)
		}
	}
	return k.of[key]
}
