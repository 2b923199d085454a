// The SDK for JavaScript v3 on objects: uploads in parts of a stream, checksums, conditions, pages, presigned URLs and forms.
import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { S3Client, CreateBucketCommand, PutObjectCommand, GetObjectCommand, HeadObjectCommand, CopyObjectCommand, DeleteObjectsCommand, GetObjectAttributesCommand,
  paginateListObjectsV2, waitUntilObjectExists } from "@aws-sdk/client-s3";
import { Upload } from "@aws-sdk/lib-storage";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";
import { createPresignedPost } from "@aws-sdk/s3-presigned-post";

const s3 = new S3Client({ forcePathStyle: true });
const Bucket = "from-js";
await s3.send(new CreateBucketCommand({ Bucket }));

for (const ChecksumAlgorithm of ["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"]) {
  const Key = `sums/${ChecksumAlgorithm}`;
  await s3.send(new PutObjectCommand({ Bucket, Key, Body: "words", ChecksumAlgorithm }));
  const got = await s3.send(new GetObjectCommand({ Bucket, Key, ChecksumMode: "ENABLED" }));
  assert.equal(await got.Body.transformToString(), "words"); // which the SDK holds against the checksum
  assert.ok(got[`Checksum${ChecksumAlgorithm}`], Key);
}

const big = Buffer.alloc(11 << 20, "brook");
const upload = new Upload({ client: s3, partSize: 5 << 20, queueSize: 3, params: { Bucket, Key: "big", Body: Readable.from([big.subarray(0, 7 << 20), big.subarray(7 << 20)]), ChecksumAlgorithm: "CRC32" } });
assert.match((await upload.done()).ETag, /-3"$/);
const attributes = await s3.send(new GetObjectAttributesCommand({ Bucket, Key: "big", ObjectAttributes: ["ObjectSize", "ObjectParts", "Checksum"] }));
assert.equal(attributes.ObjectSize, big.length);
assert.equal(attributes.ObjectParts.TotalPartsCount, 3);
const part = await s3.send(new GetObjectCommand({ Bucket, Key: "big", Range: "bytes=6000000-6000009" }));
assert.deepEqual(Buffer.from(await part.Body.transformToByteArray()), big.subarray(6000000, 6000010));

await assert.rejects(s3.send(new PutObjectCommand({ Bucket, Key: "big", Body: "x", IfNoneMatch: "*" })), { name: "PreconditionFailed" });
await assert.rejects(s3.send(new GetObjectCommand({ Bucket, Key: "none" })), { name: "NoSuchKey" });
await assert.rejects(s3.send(new HeadObjectCommand({ Bucket, Key: "none" })), { name: "NotFound" });

const odd = "odd/ü + %41 ?&=#'()*!";
await s3.send(new PutObjectCommand({ Bucket, Key: odd, Body: "odd", Metadata: { kind: "plain" }, Tagging: "a=b%20c" }));
await s3.send(new CopyObjectCommand({ Bucket, Key: `${odd}2`, CopySource: encodeURIComponent(`${Bucket}/${odd}`) }));
await waitUntilObjectExists({ client: s3, maxWaitTime: 10 }, { Bucket, Key: `${odd}2` });
const url = await getSignedUrl(s3, new GetObjectCommand({ Bucket, Key: odd, ResponseContentType: "text/x-odd" }), { expiresIn: 60 });
const answer = await fetch(url);
assert.equal(answer.headers.get("content-type"), "text/x-odd");
assert.equal(await answer.text(), "odd");
const to = await getSignedUrl(s3, new PutObjectCommand({ Bucket, Key: "put by url" }), { expiresIn: 60 });
assert.equal((await fetch(to, { method: "PUT", body: "by url" })).status, 200);

const post = await createPresignedPost(s3, { Bucket, Key: "forms/${filename}", Conditions: [["content-length-range", 1, 10]], Fields: { "x-amz-meta-from": "a form" } });
const send = (text) => {
  const form = new FormData();
  for (const [name, value] of Object.entries(post.fields)) form.append(name, value);
  form.append("file", new Blob([text]), "page.txt");
  return fetch(post.url, { method: "POST", body: form });
};
assert.equal((await send("short")).status, 204);
assert.match(await (await send("longer than it may be")).text(), /EntityTooLarge/);

const keys = [];
for await (const page of paginateListObjectsV2({ client: s3, pageSize: 3 }, { Bucket })) keys.push(...page.Contents.map((o) => o.Key));
assert.deepEqual(keys, ["big", "forms/page.txt", odd, `${odd}2`, "put by url", ...["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"].map((a) => `sums/${a}`)]);
const deleted = await s3.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects: keys.map((Key) => ({ Key })) } }));
assert.equal(deleted.Deleted.length, keys.length);
console.log("objects: fine");
