// Package framestore keeps the frames of many shards in files that they share.
package framestore
