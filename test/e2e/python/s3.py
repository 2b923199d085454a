"""S3 as boto3 sees it: what AWS answers is what is asserted."""
import base64
import concurrent.futures
import hashlib
import io
import os
import urllib.request
import zlib

import boto3
import botocore
from botocore.config import Config
from botocore.exceptions import ClientError


def client(region="us-east-1", endpoint=None, **config):
    return boto3.client("s3", region_name=region, endpoint_url=endpoint, config=Config(**config))


def code_of(call, *args, **kw):
    try:
        call(*args, **kw)
    except ClientError as e:
        return e.response["Error"]["Code"], e.response["ResponseMetadata"]["HTTPStatusCode"]
    return None, 200


def want(got, expected, what):
    assert got == expected, f"{what}: got {got!r}, want {expected!r}"


def empty(c, bucket):
    for page in c.get_paginator("list_object_versions").paginate(Bucket=bucket):
        for v in page.get("Versions", []) + page.get("DeleteMarkers", []):
            c.delete_object(Bucket=bucket, Key=v["Key"], VersionId=v["VersionId"])
    c.delete_bucket(Bucket=bucket)


def buckets():
    c = client()
    c.create_bucket(Bucket="e2e-plain")
    c.create_bucket(Bucket="e2e-plain")  # us-east-1: no error
    eu = client("eu-central-1")
    eu.create_bucket(Bucket="e2e-frankfurt", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    want(code_of(eu.create_bucket, Bucket="e2e-frankfurt",
                 CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}),
         ("BucketAlreadyOwnedByYou", 409), "again in another region")
    want(c.get_bucket_location(Bucket="e2e-plain")["LocationConstraint"], None, "location")
    want(eu.get_bucket_location(Bucket="e2e-frankfurt")["LocationConstraint"], "eu-central-1", "location")
    want(c.head_bucket(Bucket="e2e-frankfurt")["BucketRegion"], "eu-central-1", "head")
    other = boto3.client("s3", region_name="us-east-1", aws_access_key_id="222222222222", aws_secret_access_key="x")
    want(code_of(other.create_bucket, Bucket="e2e-plain"), ("BucketAlreadyExists", 409), "another account")
    want(code_of(other.head_bucket, Bucket="e2e-plain"), ("403", 403), "another account's bucket")
    want(other.list_buckets()["Buckets"], [], "another account's list")
    names = [b["Name"] for b in c.list_buckets()["Buckets"]]
    assert {"e2e-plain", "e2e-frankfurt"} <= set(names), names
    want([b["Name"] for b in c.list_buckets(BucketRegion="eu-central-1")["Buckets"]], ["e2e-frankfurt"], "by region")
    want(code_of(c.create_bucket, Bucket="Not_Valid_Name"), ("InvalidBucketName", 400), "bad name")
    want(code_of(c.head_bucket, Bucket="e2e-nowhere"), ("404", 404), "no bucket")
    want(code_of(c.list_objects_v2, Bucket="e2e-nowhere"), ("NoSuchBucket", 404), "no bucket")
    c.put_object(Bucket="e2e-plain", Key="x", Body=b"x")
    want(code_of(c.delete_bucket, Bucket="e2e-plain"), ("BucketNotEmpty", 409), "not empty")
    c.delete_object(Bucket="e2e-plain", Key="x")
    c.delete_bucket(Bucket="e2e-plain")
    eu.delete_bucket(Bucket="e2e-frankfurt")


def settings():
    c = client()
    b = {"Bucket": "e2e-settings"}
    c.create_bucket(**b)
    # What Terraform reads of a bucket on which nothing is set.
    for call, code in [
        (c.get_bucket_lifecycle_configuration, "NoSuchLifecycleConfiguration"),
        (c.get_bucket_tagging, "NoSuchTagSet"),
        (c.get_object_lock_configuration, "ObjectLockConfigurationNotFoundError"),
        (c.get_bucket_replication, "ReplicationConfigurationNotFoundError"),
        (c.get_bucket_policy, "NoSuchBucketPolicy"),
        (c.get_bucket_cors, "NoSuchCORSConfiguration"),
        (c.get_bucket_website, "NoSuchWebsiteConfiguration"),
    ]:
        want(code_of(call, **b), (code, 404), call.__name__)
    sse = c.get_bucket_encryption(**b)["ServerSideEncryptionConfiguration"]["Rules"][0]
    want(sse["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"], "AES256", "encryption")
    want(c.get_bucket_request_payment(**b)["Payer"], "BucketOwner", "payer")
    assert "Status" not in c.get_bucket_versioning(**b)
    assert "Status" not in c.get_bucket_accelerate_configuration(**b)
    assert "LoggingEnabled" not in c.get_bucket_logging(**b)
    assert c.get_public_access_block(**b)["PublicAccessBlockConfiguration"]["BlockPublicAcls"]
    want(c.get_bucket_ownership_controls(**b)["OwnershipControls"]["Rules"][0]["ObjectOwnership"],
         "BucketOwnerEnforced", "ownership")
    assert c.get_bucket_acl(**b)["Grants"][0]["Permission"] == "FULL_CONTROL"
    c.get_bucket_notification_configuration(**b)

    c.put_bucket_tagging(**b, Tagging={"TagSet": [{"Key": "team", "Value": "data"}]})
    want(c.get_bucket_tagging(**b)["TagSet"], [{"Key": "team", "Value": "data"}], "tags")
    c.delete_bucket_tagging(**b)
    rule = {"ID": "old", "Status": "Enabled", "Filter": {"Prefix": "tmp/"}, "Expiration": {"Days": 3}}
    c.put_bucket_lifecycle_configuration(**b, LifecycleConfiguration={"Rules": [rule]})
    want(c.get_bucket_lifecycle_configuration(**b)["Rules"], [rule], "lifecycle")
    c.delete_bucket_lifecycle(**b)
    want(code_of(c.get_bucket_lifecycle_configuration, **b), ("NoSuchLifecycleConfiguration", 404), "lifecycle")
    c.put_bucket_encryption(**b, ServerSideEncryptionConfiguration={"Rules": [
        {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}, "BucketKeyEnabled": True}]})
    want(c.get_bucket_encryption(**b)["ServerSideEncryptionConfiguration"]["Rules"][0]["BucketKeyEnabled"], True, "kms")
    c.delete_bucket_encryption(**b)
    c.put_public_access_block(**b, PublicAccessBlockConfiguration={"BlockPublicAcls": False})
    c.delete_public_access_block(**b)
    want(code_of(c.get_public_access_block, **b), ("NoSuchPublicAccessBlockConfiguration", 404), "deleted block")
    policy = '{"Version":"2012-10-17","Statement":[{"Sid":"tls","Effect":"Deny","Principal":"*","Action":"s3:*",' \
             '"Resource":["arn:aws:s3:::e2e-settings","arn:aws:s3:::e2e-settings/*"],' \
             '"Condition":{"Bool":{"aws:SecureTransport":"false"}}}]}'
    c.put_bucket_policy(**b, Policy=policy)
    want(c.get_bucket_policy(**b)["Policy"], policy, "policy")
    c.put_object(**b, Key="k", Body=b"policies are kept, not enforced")
    c.delete_object(**b, Key="k")
    c.delete_bucket_policy(**b)
    cors = {"CORSRules": [{"AllowedMethods": ["GET"], "AllowedOrigins": ["*"], "AllowedHeaders": ["*"]}]}
    c.put_bucket_cors(**b, CORSConfiguration=cors)
    want(c.get_bucket_cors(**b)["CORSRules"], cors["CORSRules"], "cors")
    c.put_bucket_metrics_configuration(**b, Id="all", MetricsConfiguration={"Id": "all"})
    want(c.get_bucket_metrics_configuration(**b, Id="all")["MetricsConfiguration"]["Id"], "all", "metrics")
    want(len(c.list_bucket_metrics_configurations(**b)["MetricsConfigurationList"]), 1, "metrics list")
    want(code_of(c.get_bucket_metrics_configuration, **b, Id="none"), ("NoSuchConfiguration", 404), "metrics")
    c.delete_bucket(**b)


def objects():
    c = client()
    b = "e2e-objects"
    c.create_bucket(Bucket=b)
    keys = ["a", "data/2024-01-01 10/x.parquet", "ünï/çødé", "a+b", "50%", "q?x=1&y", "a&b<c>'\"", "dt=1/h=2/p.json",
            "trailing space ", "new\nline"]
    for k in keys:
        r = c.put_object(Bucket=b, Key=k, Body=k.encode(), ContentType="text/x", Metadata={"name": "value", "n": "2"})
        want(r["ETag"], '"' + hashlib.md5(k.encode()).hexdigest() + '"', "etag")
        got = c.get_object(Bucket=b, Key=k)
        want(got["Body"].read().decode(), k, "body")
        want((got["ContentType"], got["Metadata"]), ("text/x", {"name": "value", "n": "2"}), "headers")
        want(c.head_object(Bucket=b, Key=k)["ContentLength"], len(k.encode()), "length")
    listed = [o["Key"] for p in c.get_paginator("list_objects_v2").paginate(Bucket=b, PaginationConfig={"PageSize": 3})
              for o in p.get("Contents", [])]
    want(listed, sorted(keys, key=lambda k: k.encode()), "list v2")
    listed = [o["Key"] for p in c.get_paginator("list_objects").paginate(Bucket=b, PaginationConfig={"PageSize": 3})
              for o in p.get("Contents", [])]
    want(listed, sorted(keys, key=lambda k: k.encode()), "list v1")
    r = c.list_objects_v2(Bucket=b, Delimiter="/")
    want([p["Prefix"] for p in r["CommonPrefixes"]], ["data/", "dt=1/", "ünï/"], "prefixes")
    r = c.list_objects_v2(Bucket=b, StartAfter="q")
    want(r["Contents"][0]["Key"], "q?x=1&y", "start after")
    want(c.list_objects_v2(Bucket=b, Prefix="dt=1/h", MaxKeys=1)["KeyCount"], 1, "prefix")
    want(c.list_objects_v2(Bucket=b, Prefix="none")["KeyCount"], 0, "prefix of nothing")

    c.put_object(Bucket=b, Key="range", Body=b"0123456789")
    r = c.get_object(Bucket=b, Key="range", Range="bytes=2-4")
    want((r["Body"].read(), r["ContentRange"], r["ResponseMetadata"]["HTTPStatusCode"]), (b"234", "bytes 2-4/10", 206), "range")
    want(c.get_object(Bucket=b, Key="range", Range="bytes=-3")["Body"].read(), b"789", "suffix range")
    want(code_of(c.get_object, Bucket=b, Key="range", Range="bytes=20-30"), ("InvalidRange", 416), "range beyond")
    want(code_of(c.get_object, Bucket=b, Key="missing"), ("NoSuchKey", 404), "missing")
    want(code_of(c.head_object, Bucket=b, Key="missing"), ("404", 404), "missing")
    want(code_of(c.get_object, Bucket=b, Key="../x"), ("NoSuchKey", 404), "path trick")
    want(code_of(c.put_object, Bucket=b, Key="../../x", Body=b""), ("InvalidURI", 400), "path trick")
    etag = c.head_object(Bucket=b, Key="range")["ETag"]
    want(code_of(c.get_object, Bucket=b, Key="range", IfNoneMatch=etag), ("304", 304), "if none match")
    want(code_of(c.get_object, Bucket=b, Key="range", IfMatch='"x"'), ("PreconditionFailed", 412), "if match")
    want(code_of(c.put_object, Bucket=b, Key="range", Body=b"", IfNoneMatch="*"), ("PreconditionFailed", 412), "create only")
    want(code_of(c.put_object, Bucket=b, Key="range", Body=b"", IfMatch='"x"'), ("PreconditionFailed", 412), "if match put")
    c.put_object(Bucket=b, Key="range", Body=b"new", IfMatch=etag)
    c.put_object(Bucket=b, Key="dir/", Body=b"")
    want([o["Key"] for o in c.list_objects_v2(Bucket=b, Prefix="dir/")["Contents"]], ["dir/"], "directory key")

    c.put_object(Bucket=b, Key="tagged", Body=b"t", Tagging="a=1&b=2")
    want(len(c.get_object_tagging(Bucket=b, Key="tagged")["TagSet"]), 2, "tags")
    c.put_object_tagging(Bucket=b, Key="tagged", Tagging={"TagSet": [{"Key": "c", "Value": "3"}]})
    want(c.get_object_tagging(Bucket=b, Key="tagged")["TagSet"], [{"Key": "c", "Value": "3"}], "tags")
    c.delete_object_tagging(Bucket=b, Key="tagged")

    r = c.copy_object(Bucket=b, Key="copy +ü", CopySource={"Bucket": b, "Key": "data/2024-01-01 10/x.parquet"})
    want(c.get_object(Bucket=b, Key="copy +ü")["Body"].read(), b"data/2024-01-01 10/x.parquet", "copy")
    c.copy_object(Bucket=b, Key="a", CopySource=f"{b}/a", MetadataDirective="REPLACE", Metadata={"x": "y"})
    want(c.head_object(Bucket=b, Key="a")["Metadata"], {"x": "y"}, "metadata replaced")
    want(code_of(c.copy_object, Bucket=b, Key="a", CopySource=f"{b}/a"), ("InvalidRequest", 400), "copy onto itself")
    c.copy_object(Bucket=b, Key="a", CopySource=f"{b}/a", StorageClass="STANDARD_IA")
    r = c.head_object(Bucket=b, Key="a")
    want((r["StorageClass"], r["Metadata"]), ("STANDARD_IA", {"x": "y"}), "another class")
    want(code_of(c.copy_object, Bucket=b, Key="b", CopySource=f"{b}/a", CopySourceIfNoneMatch=r["ETag"]),
         ("PreconditionFailed", 412), "copy unless it matches")
    other = boto3.client("s3", region_name="us-east-1", aws_access_key_id="222222222222", aws_secret_access_key="x")
    other.create_bucket(Bucket="e2e-other-account")
    want(code_of(other.copy_object, Bucket="e2e-other-account", Key="a", CopySource=f"{b}/a"), ("AccessDenied", 403), "not one's own")
    other.delete_bucket(Bucket="e2e-other-account")

    crc = base64.b64encode(zlib.crc32(b"sum").to_bytes(4, "big")).decode()
    r = c.put_object(Bucket=b, Key="sum", Body=b"sum", ChecksumCRC32=crc)
    want(r["ChecksumCRC32"], crc, "checksum")
    want(c.head_object(Bucket=b, Key="sum", ChecksumMode="ENABLED")["ChecksumCRC32"], crc, "checksum")
    once = client(retries={"total_max_attempts": 1})  # botocore takes a bad digest for a passing fault
    want(code_of(once.put_object, Bucket=b, Key="sum", Body=b"SUM", ChecksumCRC32=crc)[1], 400, "bad checksum")
    want(code_of(once.put_object, Bucket=b, Key="md5", Body=b"SUM", ContentMD5=base64.b64encode(b"0" * 16).decode()),
         ("BadDigest", 400), "bad md5")
    for algorithm in ["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"]:
        try:
            c.put_object(Bucket=b, Key=algorithm, Body=b"x" * 100, ChecksumAlgorithm=algorithm)
        except botocore.exceptions.MissingDependencyException:
            continue  # awscrt is not installed
        a = c.get_object_attributes(Bucket=b, Key=algorithm, ObjectAttributes=["Checksum", "ObjectSize", "ETag"])
        want(a["ObjectSize"], 100, "size")
        assert a["Checksum"]["Checksum" + algorithm]

    r = c.delete_objects(Bucket=b, Delete={"Objects": [{"Key": k} for k in keys + ["never"]]})
    want(len(r["Deleted"]), len(keys) + 1, "delete many")
    empty(c, b)


def multipart():
    c = client()
    b = "e2e-multipart"
    c.create_bucket(Bucket=b)
    body = os.urandom(13 << 20)
    c.upload_fileobj(io.BytesIO(body), b, "big", Config=boto3.s3.transfer.TransferConfig(
        multipart_threshold=5 << 20, multipart_chunksize=5 << 20))
    got = io.BytesIO()
    c.download_fileobj(b, "big", got)
    assert got.getvalue() == body
    assert c.head_object(Bucket=b, Key="big")["ETag"].endswith('-3"')

    up = c.create_multipart_upload(Bucket=b, Key="parts/x", ContentType="text/y", Metadata={"m": "1"})["UploadId"]
    want([u["UploadId"] for u in c.list_multipart_uploads(Bucket=b)["Uploads"]], [up], "uploads")
    p1 = c.upload_part(Bucket=b, Key="parts/x", UploadId=up, PartNumber=1, Body=body[:5 << 20])
    p2 = c.upload_part_copy(Bucket=b, Key="parts/x", UploadId=up, PartNumber=2, CopySource=f"{b}/big",
                            CopySourceRange=f"bytes={5 << 20}-{(5 << 20) + 99}")
    want([p["Size"] for p in c.list_parts(Bucket=b, Key="parts/x", UploadId=up)["Parts"]], [5 << 20, 100], "parts")
    want(c.list_objects_v2(Bucket=b)["KeyCount"], 1, "nothing of it is listed")
    want(code_of(c.complete_multipart_upload, Bucket=b, Key="parts/x", UploadId=up, MultipartUpload={"Parts": [
        {"PartNumber": 1, "ETag": '"bad"'}]}), ("InvalidPart", 400), "bad part")
    c.complete_multipart_upload(Bucket=b, Key="parts/x", UploadId=up, MultipartUpload={"Parts": [
        {"PartNumber": 1, "ETag": p1["ETag"]}, {"PartNumber": 2, "ETag": p2["CopyPartResult"]["ETag"]}]})
    r = c.get_object(Bucket=b, Key="parts/x")
    assert r["Body"].read() == body[:(5 << 20) + 100]
    want((r["ContentType"], r["Metadata"]), ("text/y", {"m": "1"}), "headers")
    up = c.create_multipart_upload(Bucket=b, Key="gone")["UploadId"]
    c.abort_multipart_upload(Bucket=b, Key="gone", UploadId=up)
    want(code_of(c.upload_part, Bucket=b, Key="gone", UploadId=up, PartNumber=1, Body=b"x"), ("NoSuchUpload", 404), "aborted")
    empty(c, b)


def versions():
    c = client()
    b = "e2e-versions"
    c.create_bucket(Bucket=b)
    c.put_bucket_versioning(Bucket=b, VersioningConfiguration={"Status": "Enabled"})
    want(c.get_bucket_versioning(Bucket=b)["Status"], "Enabled", "status")
    v1 = c.put_object(Bucket=b, Key="k", Body=b"1")["VersionId"]
    c.put_object(Bucket=b, Key="k", Body=b"2")
    r = c.copy_object(Bucket=b, Key="copy", CopySource={"Bucket": b, "Key": "k", "VersionId": v1})
    want((r["CopySourceVersionId"], c.get_object(Bucket=b, Key="copy")["Body"].read()), (v1, b"1"), "copy of a version")
    c.delete_object(Bucket=b, Key="copy", VersionId=r["VersionId"])
    want(c.get_object(Bucket=b, Key="k", VersionId=v1)["Body"].read(), b"1", "old version")
    want(c.delete_object(Bucket=b, Key="k")["DeleteMarker"], True, "marker")
    want(code_of(c.get_object, Bucket=b, Key="k"), ("NoSuchKey", 404), "deleted")
    want(c.list_objects_v2(Bucket=b)["KeyCount"], 0, "deleted")
    want(len(c.list_object_versions(Bucket=b)["Versions"]), 2, "versions")
    want(c.delete_object(Bucket=b, Key="never/was")["DeleteMarker"], True, "marker of nothing")
    v2, v1 = c.list_object_versions(Bucket=b)["Versions"]
    marker = next(m["VersionId"] for m in c.list_object_versions(Bucket=b)["DeleteMarkers"] if m["Key"] == "k")
    want(c.delete_object(Bucket=b, Key="k", VersionId=marker)["DeleteMarker"], True, "undelete")
    want(c.get_object(Bucket=b, Key="k")["Body"].read(), b"2", "back")
    c.delete_object(Bucket=b, Key="k", VersionId=v2["VersionId"])
    want(c.get_object(Bucket=b, Key="k")["VersionId"], v1["VersionId"], "the one before")
    pages = [(v["Key"], v["VersionId"]) for p in c.get_paginator("list_object_versions").paginate(
        Bucket=b, PaginationConfig={"PageSize": 1}) for v in p.get("Versions", []) + p.get("DeleteMarkers", [])]
    want(len(set(pages)), 2, "pages of one")
    empty(c, b)


def said_back():
    """What is kept with an object for those who compare it."""
    c = client()
    b = "e2e-said-back"
    c.create_bucket(Bucket=b)
    want(c.put_object(Bucket=b, Key="a", Body=b"1", StorageClass="STANDARD_IA")["ServerSideEncryption"], "AES256", "default")
    want(c.head_object(Bucket=b, Key="a")["StorageClass"], "STANDARD_IA", "class")
    want(c.list_objects_v2(Bucket=b)["Contents"][0]["StorageClass"], "STANDARD_IA", "class")
    want(code_of(c.put_object, Bucket=b, Key="a", StorageClass="NONE"), ("InvalidStorageClass", 400), "class")
    want(code_of(c.put_object, Bucket=b, Key="k", Body=b"1", ServerSideEncryption="aws:kms", SSEKMSKeyId="key-1"),
         ("KMS.NotFoundException", 400), "a key that is not there")
    key = boto3.client("kms", region_name="us-east-1").create_key()["KeyMetadata"]
    r = c.put_object(Bucket=b, Key="k", Body=b"1", ServerSideEncryption="aws:kms", SSEKMSKeyId=key["KeyId"])
    want((r["ServerSideEncryption"], r["SSEKMSKeyId"]), ("aws:kms", key["Arn"]), "encryption")
    want(c.get_object(Bucket=b, Key="k")["SSEKMSKeyId"], key["Arn"], "encryption")
    want(c.get_object_acl(Bucket=b, Key="a")["Grants"][0]["Permission"], "FULL_CONTROL", "acl")
    want(code_of(c.put_object_acl, Bucket=b, Key="a", ACL="public-read"), ("AccessControlListNotSupported", 400), "acl")
    tags = [{"Key": f"{i}" * 100, "Value": "v" * 256} for i in range(10)]
    c.put_object(Bucket=b, Key="meta", Body=b"1", Metadata={"m": "v" * 2000})
    c.put_object_tagging(Bucket=b, Key="meta", Tagging={"TagSet": tags})
    got = c.get_object_tagging(Bucket=b, Key="meta")["TagSet"]
    want(sorted(t["Key"] for t in got), sorted(t["Key"] for t in tags), "as many tags as there may be")
    want(len(c.head_object(Bucket=b, Key="meta")["Metadata"]["m"]), 2000, "as much metadata")
    up = c.create_multipart_upload(Bucket=b, Key="m", StorageClass="GLACIER_IR")["UploadId"]
    p = c.upload_part(Bucket=b, Key="m", UploadId=up, PartNumber=1, Body=b"m")
    c.complete_multipart_upload(Bucket=b, Key="m", UploadId=up, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": p["ETag"]}]})
    want(c.head_object(Bucket=b, Key="m")["StorageClass"], "GLACIER_IR", "class of parts")
    empty(c, b)


def hard_keys():
    """Keys that no file can have as its path."""
    c = client()
    b = "e2e-hard-keys"
    c.create_bucket(Bucket=b)
    long = "x" * 300
    keys = ["a", "a/b", "a/b/c", "a-b", "a//b", "/a", "//", "a/", "a/./b", "a/../b", ".", long, long + "/z", "x" * 250 + "b",
            "x" * 240 + "y" * 200, ".~s", "a/.~s", ".sgwtmp", "é" * 200, "z" * 1024, "k&<>'\""]
    for k in keys:
        c.put_object(Bucket=b, Key=k, Body=k.encode() * 2, Metadata={"n": str(keys.index(k))})
    for k in keys:
        r = c.get_object(Bucket=b, Key=k)
        want((r["Body"].read(), r["Metadata"]["n"]), (k.encode() * 2, str(keys.index(k))), k)
    listed = [o["Key"] for p in c.get_paginator("list_objects_v2").paginate(Bucket=b, PaginationConfig={"PageSize": 2})
              for o in p.get("Contents", [])]
    want(listed, sorted(keys, key=lambda k: k.encode()), "list")
    r = c.list_objects_v2(Bucket=b, Prefix="a", Delimiter="/")
    want(([o["Key"] for o in r["Contents"]], [p["Prefix"] for p in r["CommonPrefixes"]]), (["a", "a-b"], ["a/"]), "delimiter")
    r = c.list_objects_v2(Bucket=b, Prefix="a/", Delimiter="/")
    want(([o["Key"] for o in r["Contents"]], [p["Prefix"] for p in r["CommonPrefixes"]]),
         (["a/", "a/.~s", "a/b"], ["a/../", "a/./", "a//", "a/b/"]), "delimiter")
    for k in ["a", "a//b", "a/", long]:
        c.copy_object(Bucket=b, Key="copy/" + k, CopySource={"Bucket": b, "Key": k})
        want(c.get_object(Bucket=b, Key="copy/" + k)["Body"].read(), k.encode() * 2, "copy")
        up = c.create_multipart_upload(Bucket=b, Key=k)["UploadId"]
        want([u["Key"] for u in c.list_multipart_uploads(Bucket=b)["Uploads"]], [k], "uploads")
        p = c.upload_part(Bucket=b, Key=k, UploadId=up, PartNumber=1, Body=b"m")
        done = {"Parts": [{"PartNumber": 1, "ETag": p["ETag"]}]}
        want(c.complete_multipart_upload(Bucket=b, Key=k, UploadId=up, MultipartUpload=done)["Key"], k, "complete")
        want(c.get_object(Bucket=b, Key=k)["Body"].read(), b"m", "parts")
        want(code_of(c.complete_multipart_upload, Bucket=b, Key=k, UploadId="none", MultipartUpload=done),
             ("NoSuchUpload", 404), "an upload that is none")
    want(c.get_object(Bucket=b, Key="a/b")["Body"].read(), b"a/ba/b", "beside")
    empty(c, b)


def presigned():
    b = "e2e-presigned"
    client().create_bucket(Bucket=b)
    for style in ["path", "virtual"]:
        # There is no virtual-host style below a bare address.
        endpoint = os.environ["AWS_ENDPOINT_URL"].replace("127.0.0.1", "localhost")
        c = client(endpoint=endpoint, signature_version="s3v4", s3={"addressing_style": style})
        url = c.generate_presigned_url("put_object", Params={"Bucket": b, "Key": "a b+c/ü", "ContentType": "text/z"})
        if style == "virtual":
            assert f"//{b}." in url, url
        try:
            req = urllib.request.Request(url, data=b"presigned", method="PUT", headers={"Content-Type": "text/z"})
            want(urllib.request.urlopen(req).status, 200, "put")
            url = c.generate_presigned_url("get_object", Params={
                "Bucket": b, "Key": "a b+c/ü", "ResponseContentDisposition": "attachment"})
            r = urllib.request.urlopen(url)
            want((r.read(), r.headers["Content-Disposition"]), (b"presigned", "attachment"), "get")
        except urllib.error.URLError as e:
            if style == "path" or isinstance(e, urllib.error.HTTPError):
                raise  # a name below localhost may not resolve here
    empty(client(), b)


def forms():
    """A browser's upload, with a policy signed the old way and the new."""
    b = "e2e-forms"
    client().create_bucket(Bucket=b)
    for version in ["s3", "s3v4"]:
        post = client(signature_version=version).generate_presigned_post(
            b, version + "-${filename}", Fields={"Content-Type": "text/plain", "success_action_status": "201"},
            Conditions=[{"Content-Type": "text/plain"}, {"success_action_status": "201"}, ["content-length-range", 1, 10]])

        def send(data):
            parts = [f'--B\r\nContent-Disposition: form-data; name="{k}"\r\n\r\n{v}\r\n' for k, v in post["fields"].items()]
            parts.append('--B\r\nContent-Disposition: form-data; name="file"; filename="f.txt"\r\n\r\n' + data + "\r\n--B--\r\n")
            req = urllib.request.Request(post["url"], data="".join(parts).encode(), method="POST",
                                         headers={"Content-Type": "multipart/form-data; boundary=B"})
            try:
                return urllib.request.urlopen(req).status
            except urllib.error.HTTPError as e:
                return e.code

        want(send("a\r\nb"), 201, "form")
        r = client().get_object(Bucket=b, Key=version + "-f.txt")
        want((r["Body"].read(), r["ContentType"]), (b"a\r\nb", "text/plain"), "form")
        want(send("more than ten"), 400, "a file longer than the policy says")
    empty(client(), b)


def concurrent_puts():
    c = client(max_pool_connections=16)
    b = "e2e-concurrent"
    c.create_bucket(Bucket=b)
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda i: c.put_object(Bucket=b, Key=f"p/{i % 7}/{i}", Body=str(i).encode()), range(200)))
    n = sum(p["KeyCount"] for p in c.get_paginator("list_objects_v2").paginate(Bucket=b))
    want(n, 200, "objects")
    boto3.resource("s3").Bucket(b).objects.all().delete()
    c.delete_bucket(Bucket=b)


if __name__ == "__main__":
    for test in [buckets, settings, objects, multipart, versions, said_back, hard_keys, forms, presigned, concurrent_puts]:
        test()
        print("ok", test.__name__, flush=True)
