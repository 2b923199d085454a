package awswire

import (
	"net/http"
	"strconv"
)

// AnswerHead is what the header of an answer says, but for its date and the length of its body. What is empty is not said.
// No value has line ends.
type AnswerHead struct {
	ContentType string
	Encoding    string // of the body, Content-Encoding
	Server      string
	Smithy      string // Smithy-Protocol
	RequestID   string // X-Amzn-Requestid
	ExtendedID  string // X-Amz-Id-2
	CRC32       uint32 // X-Amz-Crc32, if Summed
	Summed      bool
}

// A WholeWriter is a ResponseWriter that can send an answer in one piece, without a map of its header.
type WholeWriter interface {
	http.ResponseWriter
	// WriteWhole sends an answer of a status that has a body, perhaps an empty one. False: it has done nothing, and the answer is to be
	// written in the usual way, as fields of its header have been set already, or for the writer's own reasons.
	WriteWhole(status int, head *AnswerHead, body []byte) bool
}

// WriteAnswer sends an answer, in one piece where w can do that. Nobody is told if it fails: the client has gone.
func WriteAnswer(w http.ResponseWriter, status int, head *AnswerHead, body []byte) {
	if status == http.StatusNoContent {
		head.set(w.Header())
		w.WriteHeader(status)
		return
	}
	if whole, ok := w.(WholeWriter); ok && whole.WriteWhole(status, head, body) {
		return
	}
	head.set(w.Header())
	w.Header()["Content-Length"] = []string{strconv.Itoa(len(body))}
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

// Append appends the fields as lines, by name.
func (h *AnswerHead) Append(b []byte) []byte {
	b = appendField(b, "Content-Encoding: ", h.Encoding)
	b = appendField(b, "Content-Type: ", h.ContentType)
	b = appendField(b, "Server: ", h.Server)
	b = appendField(b, "Smithy-Protocol: ", h.Smithy)
	if h.Summed {
		b = append(strconv.AppendUint(append(b, "X-Amz-Crc32: "...), uint64(h.CRC32), 10), "\r\n"...)
	}
	b = appendField(b, "X-Amz-Id-2: ", h.ExtendedID)
	return appendField(b, "X-Amzn-Requestid: ", h.RequestID)
}

func appendField(b []byte, name, value string) []byte {
	if value == "" {
		return b
	}
	return append(append(append(b, name...), value...), "\r\n"...)
}

// set sets the fields of a header.
func (h *AnswerHead) set(to http.Header) {
	put := func(name, value string) {
		if value != "" {
			to[name] = []string{value}
		}
	}
	put("Content-Encoding", h.Encoding)
	put("Content-Type", h.ContentType)
	put("Server", h.Server)
	put("Smithy-Protocol", h.Smithy)
	put("X-Amz-Id-2", h.ExtendedID)
	put("X-Amzn-Requestid", h.RequestID)
	if h.Summed {
		put("X-Amz-Crc32", strconv.FormatUint(uint64(h.CRC32), 10))
	}
}
