package s3

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"
)

// messages are S3's words for errors that versitygw has others for. Clients and their
// tests compare them.
var messages = map[string]string{
	"AccessDenied":                         "Access Denied",
	"BucketNotEmpty":                       "The bucket you tried to delete is not empty",
	"EntityTooLarge":                       "Your proposed upload exceeds the maximum allowed size",
	"EntityTooSmall":                       "Your proposed upload is smaller than the minimum allowed size",
	"InvalidRange":                         "The requested range is not satisfiable",
	"InvalidURI":                           "Couldn't parse the specified URI.",
	"KeyTooLongError":                      "Your key is too long",
	"MalformedXML":                         "The XML you provided was not well-formed or did not validate against our published schema",
	"NoSuchBucket":                         "The specified bucket does not exist",
	"NoSuchBucketPolicy":                   "The bucket policy does not exist",
	"NoSuchCORSConfiguration":              "The CORS configuration does not exist",
	"NoSuchTagSet":                         "The TagSet does not exist",
	"NoSuchUpload":                         "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.",
	"NoSuchWebsiteConfiguration":           "The specified bucket does not have a website configuration",
	"ObjectLockConfigurationNotFoundError": "Object Lock configuration does not exist for this bucket",
	"OwnershipControlsNotFoundError":       "The bucket ownership controls were not found",
	"PreconditionFailed":                   "At least one of the pre-conditions you specified did not hold",
}

// allVersions ends the message for a bucket that has old versions of objects left.
const allVersions = "You must delete all versions in the bucket."

// namesOf says which of the request's names the body of an error has.
var namesOf = map[string]string{
	"NoSuchBucket": "BucketName", "BucketNotEmpty": "BucketName", "BucketAlreadyExists": "BucketName",
	"BucketAlreadyOwnedByYou": "BucketName", "InvalidBucketName": "BucketName", "NoSuchBucketPolicy": "BucketName",
	"NoSuchTagSet": "BucketName", "NoSuchCORSConfiguration": "BucketName", "NoSuchWebsiteConfiguration": "BucketName",
	"NoSuchLifecycleConfiguration": "BucketName", "NoSuchPublicAccessBlockConfiguration": "BucketName",
	"OwnershipControlsNotFoundError": "BucketName", "ServerSideEncryptionConfigurationNotFoundError": "BucketName",
	"ReplicationConfigurationNotFoundError": "BucketName", "ObjectLockConfigurationNotFoundError": "BucketName",
	"NoSuchKey": "Key", "NoSuchVersion": "Key",
}

// errorBody is the body of an error in S3's words, with the names that the client used:
// those that versitygw knows are paths. A body that is no error's stays as it is.
func errorBody(body []byte, bucket, key string) []byte {
	d := xml.NewDecoder(bytes.NewReader(body))
	type field struct {
		XMLName xml.Name
		Value   string `xml:",chardata"`
	}
	var fields []field
	depth := 0
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return body
		}
		switch e := token.(type) {
		case xml.StartElement:
			if depth == 0 {
				if e.Name.Local != "Error" {
					return body
				}
				depth++
				continue
			}
			var f field
			if err := d.DecodeElement(&f, &e); err != nil {
				return body
			}
			f.XMLName = xml.Name{Local: e.Name.Local}
			fields = append(fields, f)
		case xml.EndElement:
			depth--
		}
	}
	var code string
	has := map[string]bool{}
	for i := range fields {
		f := &fields[i]
		has[f.XMLName.Local] = true
		switch f.XMLName.Local {
		case "Code":
			code = f.Value
		case "Message":
			if m, ok := messages[code]; ok && (code != "AccessDenied" || f.Value == m+".") && !strings.HasSuffix(f.Value, allVersions) {
				f.Value = m
			}
		case "Key":
			f.Value = key
		}
	}
	name, value := namesOf[code], bucket
	if name == "Key" {
		value = key
	}
	if name != "" && value != "" && !has[name] && len(fields) >= 2 {
		fields = append(fields[:2:2], append([]field{{xml.Name{Local: name}, value}}, fields[2:]...)...)
	}
	out, err := xml.Marshal(struct {
		XMLName xml.Name `xml:"Error"`
		Fields  []field
	}{Fields: fields})
	if err != nil {
		return body
	}
	return append([]byte(xml.Header), out...)
}
