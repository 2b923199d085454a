package awswire

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"hash/crc32"
	"io"
	mathrand "math/rand/v2"
	"net/http"
)

// maxDiscard is how much of a body that is too large is read to no end.
const maxDiscard = 64 << 20

// fault writes an error.
func (x *exchange) fault(f fault) {
	var body []byte
	switch x.protocol {
	case Query:
		body = x.h.appendXMLFault(nil, f, x.requestID)
	case CBOR11, rpcV2CBOR:
		body = x.h.appendCBORFault(nil, f, x.protocol == CBOR11)
	case RestJSON:
		x.w.Header().Del("Content-Type") // of an output that failed half way
		x.w.Header().Set("X-Amzn-Errortype", f.code)
		if f.value.IsValid() {
			x.bindHeaders(x.h.planner.plan(f.value.Type(), f.shape), f.value)
		}
		body = x.h.appendJSONFault(nil, f, false)
	default:
		body = x.h.appendJSONFault(nil, f, true)
	}
	if x.h.model.QueryCompatible && x.protocol != Query {
		who := "Sender"
		if f.server {
			who = "Receiver"
		}
		x.w.Header().Set("X-Amzn-Query-Error", f.code+";"+who)
	}
	if f.status == http.StatusRequestEntityTooLarge && x.r.Body != nil {
		// Clients read the answer only when they have sent everything.
		x.w.Header().Set("Connection", "close")
		io.CopyN(io.Discard, x.r.Body, maxDiscard)
	}
	x.write(f.status, body)
}

func (x *exchange) write(status int, body []byte) {
	x.answer = x.head(x.contentTypeOf())
	if size := x.h.api.Compress; size > 0 && len(body) >= size {
		if how := acceptedEncoding(x.r.Header["Accept-Encoding"]); how != "" {
			body = compressed(how, body)
			x.answer.Encoding = how
		}
	}
	if x.h.api.CRC32 { // of what is sent
		x.answer.CRC32, x.answer.Summed = crc32.ChecksumIEEE(body), true
	}
	if len(body) >= restsFrom {
		x.rest()
	}
	WriteAnswer(x.w, status, &x.answer, body)
}

// head is what every answer says beside its body.
func (x *exchange) head(contentType string) AnswerHead {
	head := AnswerHead{ContentType: contentType, RequestID: x.requestID, Server: x.h.api.Server}
	if x.protocol == rpcV2CBOR {
		head.Smithy = "rpc-v2-cbor"
	}
	if x.h.api.ExtendedID {
		head.ExtendedID = newExtendedID()
	}
	return head
}

// newExtendedID makes an x-amz-id-2, the second id by which AWS's support finds a request.
func newExtendedID() string {
	var b [57]byte
	for i := 0; i+8 <= len(b); i += 8 {
		binary.LittleEndian.PutUint64(b[i:], mathrand.Uint64())
	}
	return base64.StdEncoding.EncodeToString(b[:])
}

// NewRequestID makes a request id of the form that AWS uses, a random UUID.
func NewRequestID() string {
	var b [16]byte
	rand.Read(b[:])
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	var s [36]byte
	hex.Encode(s[:8], b[:4])
	hex.Encode(s[9:13], b[4:6])
	hex.Encode(s[14:18], b[6:8])
	hex.Encode(s[19:23], b[8:10])
	hex.Encode(s[24:], b[10:])
	s[8], s[13], s[18], s[23] = '-', '-', '-', '-'
	return string(s[:])
}
