"""Tables by PynamoDB's models."""
import os
from pynamodb.attributes import ListAttribute, NumberAttribute, UnicodeAttribute, UnicodeSetAttribute, VersionAttribute
from pynamodb.connection import Connection
from pynamodb.exceptions import DoesNotExist, PutError
from pynamodb.indexes import AllProjection, GlobalSecondaryIndex
from pynamodb.models import Model
from pynamodb.transactions import TransactWrite

HOST = os.environ["AWS_ENDPOINT_URL"]


class ByForum(GlobalSecondaryIndex):
    class Meta:
        index_name, projection, read_capacity_units, write_capacity_units = "by-views", AllProjection(), 1, 1

    forum = UnicodeAttribute(hash_key=True)
    views = NumberAttribute(range_key=True)


class Thread(Model):
    class Meta:
        table_name, host, region, read_capacity_units, write_capacity_units = "threads", HOST, "us-east-1", 1, 1

    forum = UnicodeAttribute(hash_key=True)
    subject = UnicodeAttribute(range_key=True)
    views = NumberAttribute(default=0)
    tags = UnicodeSetAttribute(null=True)
    posts = ListAttribute(null=True)
    version = VersionAttribute()
    by_views = ByForum()


Thread.create_table(wait=True)
for i in range(30):
    Thread("f%d" % (i % 3), "s%02d" % i, views=i, tags={"a", "b"}, posts=[1, "x"]).save()
assert [t.views for t in Thread.by_views.query("f1", ByForum.views > 10, scan_index_forward=False)] == [28, 25, 22, 19, 16, 13]
t = Thread.get("f0", "s00")
t.update(actions=[Thread.views.set(Thread.views + 5), Thread.tags.add({"c"}), Thread.posts[0].set(2)])
assert t.views == 5 and t.tags == {"a", "b", "c"} and t.posts == [2, "x"]
stale = Thread.get("f0", "s00")
t.update(actions=[Thread.views.set(6)])
stale.views = 7
try:
    stale.save()
    raise AssertionError("a stale version was saved")
except PutError:
    pass
with TransactWrite(connection=Connection(host=HOST, region="us-east-1")) as tx:
    tx.save(Thread("f9", "new"))
    tx.delete(Thread.get("f1", "s01"))
try:
    Thread.get("f1", "s01")
    raise AssertionError("deleted in a transaction, and there")
except DoesNotExist:
    pass
assert len(list(Thread.scan(Thread.views < 10, page_size=7))) == 10
Thread.delete_table()
print("ok")
