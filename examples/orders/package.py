#!/usr/bin/env python3
"""Makes build/NAME.zip of functions/NAME/lambda_function.py.

The same file makes the same zip, byte for byte, so that Terraform sees a change only where
there is one.
"""
import pathlib
import zipfile

here = pathlib.Path(__file__).parent
build = here / "build"
build.mkdir(exist_ok=True)
for source in sorted(here.glob("functions/*/lambda_function.py")):
    info = zipfile.ZipInfo("lambda_function.py", date_time=(1980, 1, 1, 0, 0, 0))
    info.compress_type = zipfile.ZIP_DEFLATED
    info.external_attr = 0o644 << 16
    with zipfile.ZipFile(build / f"{source.parent.name}.zip", "w") as archive:
        archive.writestr(info, source.read_bytes())
    print(build / f"{source.parent.name}.zip")
