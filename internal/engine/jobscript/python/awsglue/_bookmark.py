"""Job bookmarks: what earlier runs have read of S3 sources, by transformation_ctx.

The node gives a run its bookmark as a file and takes the file that commit leaves, once the run has succeeded.
"""
import json
import os

_state = {"begun": False, "enabled": False, "was": {}, "next": {}}
_folder = os.environ.get("BROOKMERE_JOB_FOLDER", "/tmp/.job")


def begin(job_name, args):
    option = args.get("job_bookmark_option") or os.environ.get("BROOKMERE_BOOKMARK_OPTION", "")
    _state.update(begun=True, enabled=option in ("job-bookmark-enable", "job-bookmark-pause"), pause=option == "job-bookmark-pause")
    try:
        with open(os.path.join(_folder, "bookmark.json")) as f:
            _state["was"] = json.load(f)
    except FileNotFoundError:
        pass


def begun():
    return _state["begun"]


def unread(ctx, objects, files=0, size=0):
    """Those of objects, dictionaries with Key, Size and LastModified, that no earlier run has read: the oldest of them where
    a number of files or bytes bounds a run."""
    if not ctx or not _state["enabled"]:
        return objects
    mark = _state["was"].get(ctx) or {}
    newest, names = mark.get("time", 0), set(mark.get("keys", []))
    fresh = []
    for o in objects:
        at = int(o["LastModified"].timestamp() * 1000)
        if at > newest or at == newest and o["Key"] not in names:
            fresh.append(o)
    if files or size:
        fresh.sort(key=lambda o: (o["LastModified"], o["Key"]))
        held = 0
        for n, o in enumerate(fresh):
            if files and n >= files or size and n and held + o["Size"] > size:
                fresh = fresh[:n]
                break
            held += o["Size"]
    # Objects of the same time as the newest may still come: they are told by their names.
    top = max([newest] + [int(o["LastModified"].timestamp() * 1000) for o in fresh])
    keys = [o["Key"] for o in fresh if int(o["LastModified"].timestamp() * 1000) == top]
    if top == newest:
        keys += sorted(names)
    _state["next"][ctx] = {"time": top, "keys": keys}
    return fresh


def commit():
    if not _state["enabled"] or _state.get("pause"):
        return
    _state["was"].update(_state["next"])
    part = os.path.join(_folder, "bookmark.part")
    with open(part, "w") as f:
        json.dump(_state["was"], f)
    os.replace(part, os.path.join(_folder, "bookmark.done.json"))
