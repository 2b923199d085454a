"""The job itself, and how far it has read."""
from awsglue import _bookmark


class Job:
    def __init__(self, glue_context):
        self.glue_context = glue_context

    def init(self, job_name, args=None):
        _bookmark.begin(job_name, args or {})

    def isInitialized(self):
        return _bookmark.begun()

    def commit(self):
        _bookmark.commit()
