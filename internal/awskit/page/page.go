// Package page cuts lists into pages. A token is the key of the last item of the page before,
// so that a list that changes between two pages neither repeats nor skips an item that stays.
package page

import (
	"encoding/base64"
	"errors"
	"slices"
	"strings"
)

// ErrToken is returned for a token that this package did not issue. The service words it.
var ErrToken = errors.New("page: the token is not valid")

// maxToken bounds a token, in bytes: more than any key needs.
const maxToken = 64 << 10

// Request is what a caller asked for.
type Request struct {
	Token *string // nil or empty: the first page
	Max   *int32  // items a page; nil or not positive: Limit
	Limit int     // the most that a page holds, also for a larger Max
}

// Of cuts the page that a caller asked for out of items, which are sorted by key. next is nil
// on the last page.
func Of[T any](items []T, key func(T) string, r Request) (page []T, next *string, err error) {
	if r.Token != nil && *r.Token != "" {
		after, err := Open(*r.Token)
		if err != nil {
			return nil, nil, err
		}
		i, found := slices.BinarySearchFunc(items, after, func(item T, after string) int { return strings.Compare(key(item), after) })
		if found {
			i++
		}
		items = items[i:]
	}
	n := r.Limit
	if r.Max != nil && *r.Max > 0 && int(*r.Max) < n {
		n = int(*r.Max)
	}
	if len(items) <= n {
		return items, nil, nil
	}
	token := Seal(key(items[n-1]))
	return items[:n], &token, nil
}

// Seal makes the token of a page that ends with the item of that key.
func Seal(key string) string { return base64.RawURLEncoding.EncodeToString([]byte(key)) }

// Open is the key in a token. A token that Seal did not make is refused, but for one of another
// list, which is a key like any other.
func Open(token string) (key string, err error) {
	if len(token) > maxToken {
		return "", ErrToken
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil || len(b) == 0 {
		return "", ErrToken
	}
	return string(b), nil
}
