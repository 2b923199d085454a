// Package attack attacks real nodes as somebody would who can reach them: with the requests
// of pages of other sites, of other accounts, and of clients that mean no good.
package attack
