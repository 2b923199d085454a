"""The Glue catalog and its crawlers as boto3 sees them: what AWS answers is what is asserted."""
import gzip
import json
import time

import boto3
from botocore.exceptions import ClientError

glue = boto3.client("glue")
s3 = boto3.client("s3")


def want(got, expected, what):
    assert got == expected, f"{what}: got {got!r}, want {expected!r}"


def refused(code, call, **kw):
    try:
        call(**kw)
    except ClientError as e:
        want(e.response["Error"]["Code"], code, f"{call.__name__} {kw}")
        return
    raise AssertionError(f"{call.__name__} {kw} is taken")


def catalog():
    glue.create_database(DatabaseInput={"Name": "Lake", "Description": "deep"}, Tags={"team": "data"})
    want(glue.get_tags(ResourceArn="arn:aws:glue:us-east-1:000000000000:database/lake")["Tags"], {"team": "data"}, "tags")
    refused("AlreadyExistsException", glue.create_database, DatabaseInput={"Name": "lake"})
    refused("EntityNotFoundException", glue.get_database, Name="none")
    columns = [{"Name": "id", "Type": "int"}, {"Name": "v", "Type": "double"}]
    glue.create_table(DatabaseName="lake", TableInput={
        "Name": "t", "TableType": "EXTERNAL_TABLE", "Parameters": {"classification": "json"},
        "PartitionKeys": [{"Name": "y", "Type": "int"}, {"Name": "d", "Type": "date"}, {"Name": "s", "Type": "string"}],
        "StorageDescriptor": {"Columns": columns, "Location": "s3://b/t/"}}, PartitionIndexes=[{"IndexName": "i", "Keys": ["y"]}])
    want([i["IndexStatus"] for i in glue.get_partition_indexes(DatabaseName="lake", TableName="t")["PartitionIndexDescriptorList"]], ["ACTIVE"], "indexes")
    partitions = [{"Values": [str(2020 + i), f"2024-01-{i + 1:02d}", f"p{i}"], "StorageDescriptor": {"Columns": columns, "Location": f"s3://b/t/{i}/"}} for i in range(9)]
    partitions.append({"Values": ["12", "__HIVE_DEFAULT_PARTITION__", "it's"], "StorageDescriptor": {"Columns": columns}})
    want(glue.batch_create_partition(DatabaseName="lake", TableName="t", PartitionInputList=partitions).get("Errors", []), [], "errors")
    out = glue.batch_create_partition(DatabaseName="lake", TableName="t", PartitionInputList=partitions[:1])
    want(out["Errors"][0]["ErrorDetail"]["ErrorCode"], "AlreadyExistsException", "batch create again")
    for expression, expected in {
        "": 10,
        "y = 2020": 1, "y = '2020'": 1, "y > 12": 9, "y >= 12 and y < 2022": 3, "y <> 2020": 9, "y != 2020": 9, "2025 < y": 3,
        "y in (2020, 2021, 7)": 2, "y not in (2020, 2021)": 8, "not (y = 2020 or s = 'p1')": 8,
        "d between '2024-01-02' and '2024-01-04'": 3, "d not between date '2024-01-02' and date '2024-01-04'": 6,
        "d > cast('2024-01-05' as date)": 4, "cast(y as string) like '202%'": 9, "cast(s as string) = 'p3'": 1,
        "d is null": 1, "d is not null": 9, "s like 'p_'": 9, "s not like '%1'": 9, "s = 'it''s'": 1, "s LIKE 'it%'": 1,
        "(y=2020 AND d='2024-01-01') OR (y=2021 AND d='2024-01-02')": 2, '"y" = 2020': 1, "`y` = 2020": 1, "y = -1": 0, "(y) = (2020)": 1,
    }.items():
        pages = glue.get_paginator("get_partitions").paginate(DatabaseName="lake", TableName="t", Expression=expression, PaginationConfig={"PageSize": 3})
        want(sum(len(p["Partitions"]) for p in pages), expected, f"partitions where {expression!r}")
    for expression in ["y", "y =", "nope = 1", "y = 1 and", "(y = 1", "y = 1; drop", "y in ()", "y like 1", "y = 2020.5", "y = 'x'", "d = '2024-02-30'", "'a"]:
        refused("InvalidInputException", glue.get_partitions, DatabaseName="lake", TableName="t", Expression=expression)
    segments = [glue.get_partitions(DatabaseName="lake", TableName="t", Segment={"SegmentNumber": i, "TotalSegments": 3})["Partitions"] for i in range(3)]
    want(sum(map(len, segments)), 10, "partitions of segments")
    keys = [{"Values": p["Values"]} for p in partitions]
    out = glue.batch_get_partition(DatabaseName="lake", TableName="t", PartitionsToGet=keys + [{"Values": ["1", "2", "3"]}])
    want(len(out["Partitions"]), 10, "batch get")
    changed = dict(partitions[0], Parameters={"a": "b"})
    glue.update_partition(DatabaseName="lake", TableName="t", PartitionValueList=changed["Values"], PartitionInput=changed)
    got = glue.get_partition(DatabaseName="lake", TableName="t", PartitionValues=changed["Values"])["Partition"]
    want((got["Parameters"], got["StorageDescriptor"]["Location"]), ({"a": "b"}, "s3://b/t/0/"), "partition")
    glue.batch_update_partition(DatabaseName="lake", TableName="t", Entries=[{"PartitionValueList": partitions[1]["Values"], "PartitionInput": partitions[1]}])
    statistics = {"ColumnName": "id", "ColumnType": "int", "AnalyzedTime": 1700000000, "StatisticsData": {
        "Type": "LONG", "LongColumnStatisticsData": {"MinimumValue": 1, "MaximumValue": 2, "NumberOfNulls": 0, "NumberOfDistinctValues": 2}}}
    glue.update_column_statistics_for_table(DatabaseName="lake", TableName="t", ColumnStatisticsList=[statistics])
    out = glue.get_column_statistics_for_table(DatabaseName="lake", TableName="t", ColumnNames=["id", "v"])
    want(out["ColumnStatisticsList"][0]["StatisticsData"], statistics["StatisticsData"], "statistics")
    want(out["Errors"][0]["ColumnName"], "v", "statistics that are not there")
    glue.update_column_statistics_for_partition(DatabaseName="lake", TableName="t", PartitionValues=changed["Values"], ColumnStatisticsList=[statistics])
    want(glue.batch_delete_partition(DatabaseName="lake", TableName="t", PartitionsToDelete=keys).get("Errors", []), [], "batch delete")
    refused("EntityNotFoundException", glue.get_partition, DatabaseName="lake", TableName="t", PartitionValues=changed["Values"])
    for i in range(3):
        glue.update_table(DatabaseName="lake", TableInput={"Name": "t", "Description": str(i)})
    versions = [v["VersionId"] for p in glue.get_paginator("get_table_versions").paginate(DatabaseName="lake", TableName="t") for v in p["TableVersions"]]
    want(versions, ["3", "2", "1", "0"], "versions")
    glue.batch_delete_table_version(DatabaseName="lake", TableName="t", VersionIds=["0", "1"])
    want([t["Name"] for t in glue.search_tables(SearchText="t", Filters=[{"Key": "DatabaseName", "Value": "lake"}])["TableList"]], ["t"], "search")
    glue.create_table(DatabaseName="lake", TableInput={"Name": "v", "TableType": "VIRTUAL_VIEW", "ViewOriginalText": "/* Presto View: e30= */", "ViewExpandedText": "/* Presto View */"})
    want(glue.get_table(DatabaseName="lake", Name="v")["Table"]["ViewOriginalText"], "/* Presto View: e30= */", "view")
    for call in [glue.get_unfiltered_table_metadata]:
        refused("UnsupportedOperationException", call, CatalogId="000000000000", DatabaseName="lake", Name="t", SupportedPermissionTypes=["COLUMN_PERMISSION"])
    want(glue.get_catalog_import_status()["ImportStatus"]["ImportCompleted"], True, "import status")
    glue.delete_database(Name="lake")
    refused("EntityNotFoundException", glue.get_tables, DatabaseName="lake")


def crawl(name, **kw):
    """Makes a crawler, or changes it, runs it and returns how the run went."""
    if name in glue.list_crawlers()["CrawlerNames"]:
        glue.update_crawler(Name=name, **kw)
    else:
        glue.create_crawler(Name=name, Role="glue", DatabaseName="crawled", **kw)
    glue.start_crawler(Name=name)
    end = time.time() + 120
    while time.time() < end:
        c = glue.get_crawler(Name=name)["Crawler"]
        if c["State"] == "READY":
            return c["LastCrawl"]
        time.sleep(0.02)
    raise AssertionError("the crawl does not end")


def table(name):
    t = glue.get_table(DatabaseName="crawled", Name=name)["Table"]
    return t, [(c["Name"], c["Type"]) for c in t["StorageDescriptor"]["Columns"]], [(c["Name"], c["Type"]) for c in t["PartitionKeys"]]


def values(name):
    return sorted(p["Values"] for p in glue.get_partitions(DatabaseName="crawled", TableName=name)["Partitions"])


def crawlers():
    s3.create_bucket(Bucket="crawl")

    def put(key, body):
        s3.put_object(Bucket="crawl", Key=key, Body=body if isinstance(body, bytes) else body.encode())

    # Folders with spaces, hive folders with mixed depth, formats, exclusions.
    for hour in ("10", "11"):
        put(f"iot/2024-01-01 {hour}/a.json", json.dumps({"id": 1, "Temp": 20.5, "tags": ["a"], "at": {"x": 1}}) + "\n")
    for day in ("1", "2"):
        put(f"hive/year=2024/month={day}/a.csv", "id,name,price\n1,a,1.5\n2,b,2\n")
    put("hive/year=2024/month=1/skip.bak", "not,the,same\n")
    put("gz/a.csv.gz", gzip.compress(b"1|x\n2|y\n"))
    put("array/a.json", json.dumps([{"a": 1}, {"a": 2}]))
    put("one.csv", "a,b\n1,2\n3,4\n")
    path = lambda p, **kw: {"S3Targets": [{"Path": f"s3://crawl/{p}", **kw}]}
    want(crawl("all", Targets={"S3Targets": [{"Path": "s3://crawl/iot/"}, {"Path": "s3://crawl/hive/", "Exclusions": ["**.bak"]}, {"Path": "s3://crawl/gz/"}, {"Path": "s3://crawl/empty/"}]})["Status"], "SUCCEEDED", "crawl")
    want(table("iot")[1:], ([("id", "int"), ("temp", "double"), ("tags", "array<string>"), ("at", "struct<x:int>")], [("partition_0", "string")]), "iot")
    want(values("iot"), [["2024-01-01 10"], ["2024-01-01 11"]], "iot's partitions")
    t, columns, keys = table("hive")
    want((columns, keys, t["Parameters"]["skip.header.line.count"]), ([("id", "bigint"), ("name", "string"), ("price", "double")], [("year", "string"), ("month", "string")], "1"), "hive")
    t, columns, keys = table("gz")
    want((columns, t["Parameters"]["compressionType"], t["Parameters"]["delimiter"]), ([("col0", "bigint"), ("col1", "string")], "gzip", "|"), "gz")
    want(sorted(t["Name"] for t in glue.get_tables(DatabaseName="crawled")["TableList"]), ["gz", "hive", "iot"], "tables")

    # A single object; classifiers.
    want(crawl("one", Targets=path("one.csv"))["Status"], "SUCCEEDED", "crawl of an object")
    want(table("one_csv")[1], [("a", "bigint"), ("b", "bigint")], "one object")
    crawl("array", Targets=path("array/"))
    want(table("array")[1], [("array", "array<struct<a:int>>")], "array")
    glue.delete_table(DatabaseName="crawled", Name="array")
    glue.create_classifier(JsonClassifier={"Name": "elements", "JsonPath": "$[*]"})
    crawl("array", Targets=path("array/"), Classifiers=["elements"])
    want(table("array")[1], [("a", "int")], "array through a JSON path")
    put("log/a.log", "10.0.0.1 GET 7\n")
    glue.create_classifier(GrokClassifier={"Name": "log", "Classification": "web", "GrokPattern": "%{IP:client} %{VERB:verb} %{INT:n:int}", "CustomPatterns": "VERB (?:GET|PUT)"})
    crawl("log", Targets=path("log/"), Classifiers=["log"], TablePrefix="p_")
    t, columns, _ = table("p_log")
    want((columns, t["Parameters"]["classification"]), ([("client", "string"), ("verb", "string"), ("n", "int")], "web"), "log")

    # What a change does, by policy.
    put("change/d=1/a.json", '{"a":1}')
    crawl("change", Targets=path("change/"), SchemaChangePolicy={"UpdateBehavior": "UPDATE_IN_DATABASE", "DeleteBehavior": "DELETE_FROM_DATABASE"})
    put("change/d=2/a.json", '{"a":1,"b":"x"}')
    s3.delete_object(Bucket="crawl", Key="change/d=1/a.json")
    glue.start_crawler(Name="change")
    while glue.get_crawler(Name="change")["Crawler"]["State"] != "READY":
        time.sleep(0.02)
    want((table("change")[1], values("change")), ([("a", "int"), ("b", "string")], [["2"]]), "changed")
    s3.delete_object(Bucket="crawl", Key="change/d=2/a.json")
    crawl("change")
    refused("EntityNotFoundException", glue.get_table, DatabaseName="crawled", Name="change")
    crawls = glue.list_crawls(CrawlerName="change")["Crawls"]
    want(([c["State"] for c in crawls], json.loads(crawls[0]["Summary"])["TABLE"]), (["COMPLETED"] * 3, '{"DELETE":{"Count":1}}'), "crawls")
    put("log2/a.json", '{"a":1}')
    crawl("quiet", Targets=path("log2/"), SchemaChangePolicy={"UpdateBehavior": "LOG", "DeleteBehavior": "LOG"}, RecrawlPolicy={"RecrawlBehavior": "CRAWL_NEW_FOLDERS_ONLY"})
    put("log2/b.json", '{"a":1,"c":2}')
    crawl("quiet")
    want(table("log2")[1], [("a", "int")], "a table that is only logged")

    last = crawl("none", Targets={"S3Targets": [{"Path": "s3://no-such-bucket-here/x/"}]})
    want((last["Status"], "NoSuchBucket" in last["ErrorMessage"]), ("FAILED", True), "crawl of no bucket")
    refused("InvalidInputException", glue.create_crawler, Name="x", Role="r", DatabaseName="d", Targets={})
    refused("InvalidInputException", glue.create_crawler, Name="x", Role="r", DatabaseName="d", Targets=path("x"), Schedule="cron(* * * * ? *)")
    refused("InvalidInputException", glue.create_crawler, Name="x", Role="r", DatabaseName="d", Targets=path("x"), Configuration="{")
    refused("EntityNotFoundException", glue.create_crawler, Name="x", Role="r", DatabaseName="d", Targets=path("x"), Classifiers=["none"])
    refused("EntityNotFoundException", glue.start_crawler, Name="x")
    refused("CrawlerNotRunningException", glue.stop_crawler, Name="one")
    glue.update_crawler_schedule(CrawlerName="one", Schedule="cron(0 12 * * ? *)")
    want(glue.get_crawler(Name="one")["Crawler"]["Schedule"], {"ScheduleExpression": "cron(0 12 * * ? *)", "State": "SCHEDULED"}, "schedule")
    glue.stop_crawler_schedule(CrawlerName="one")
    refused("SchedulerNotRunningException", glue.stop_crawler_schedule, CrawlerName="one")
    metrics = glue.get_crawler_metrics(CrawlerNameList=["all"])["CrawlerMetricsList"][0]
    want((metrics["TablesCreated"], metrics["StillEstimating"]), (3, False), "metrics")
    for name in glue.list_crawlers()["CrawlerNames"]:
        glue.delete_crawler(Name=name)
    want(glue.get_crawlers()["Crawlers"], [], "crawlers")


catalog()
crawlers()
print("ok")
