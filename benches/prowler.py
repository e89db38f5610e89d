#!/usr/bin/env python3
"""The same settings judged by ssmtrail and by Prowler, side by side, against one emulator (moto).

    cargo build --release && benches/prowler.py

Sets up what it needs below the build folder: Python environments with moto and Prowler, as PyPI has them. Buckets and log groups
are made, one for each thing that can be wrong; one more bucket refuses every question about its settings. Prints a row for each
pair of checks and each place, and at the end what the two disagree on.
"""

import collections
import http.client
import http.server
import json
import os
import pathlib
import subprocess
import sys
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
WORK = TARGET / "bench-prowler"
MOTO, PROWLER = WORK / "moto", WORK / "prowler"
for venv, packages in [(MOTO, ["moto[server]==5.2.5"]), (PROWLER, ["prowler"])]:
    if not (venv / "done").exists():
        WORK.mkdir(parents=True, exist_ok=True)
        subprocess.run([sys.executable, "-m", "venv", "--clear", venv], check=True)
        subprocess.run([venv / "bin/pip", "-q", "install", *packages], check=True)
        (venv / "done").touch()
if pathlib.Path(sys.prefix) != MOTO:
    os.execv(MOTO / "bin/python", [str(MOTO / "bin/python"), *sys.argv])

import boto3  # noqa: E402

# Checks that both have: ours, theirs.
PAIRS = [
    ("S3-ENC-01", "s3_bucket_kms_encryption"),
    ("S3-VER-01", "s3_bucket_object_versioning"),
    ("S3-VER-02", "s3_bucket_no_mfa_delete"),
    ("S3-LOCK-01", "s3_bucket_object_lock"),
    ("S3-RET-01", "s3_bucket_lifecycle_enabled"),
    ("S3-PUB-01", "s3_bucket_level_public_access_block"),
    ("S3-PUB-02", "s3_bucket_public_access"),
    ("S3-TLS-01", "s3_bucket_secure_transport_policy"),
    ("S3-XACC-01", "s3_bucket_cross_account_access"),
    ("S3-LOG-01", "s3_bucket_server_access_logging_enabled"),
    ("S3-OWN-01", "s3_bucket_acl_prohibited"),
    ("CWL-RET-01", "cloudwatch_log_group_retention_policy_specific_days_enabled"),
    ("CWL-ENC-01", "cloudwatch_log_group_kms_encryption_enabled"),
    ("CWL-ACC-01", "cloudwatch_log_group_not_publicly_accessible"),
]
PORT, FRONT = 5798, 5799


class Refusing(http.server.BaseHTTPRequestHandler):
    """Passes everything on, but what asks how the bucket `denied` is set."""

    protocol_version = "HTTP/1.1"

    def answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.command == "GET" and self.path.startswith("/denied") and "?" in self.path:
            text = b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"
            self.send_response(403)
            self.send_header("Content-Type", "application/xml")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            return self.wfile.write(text)
        upstream = http.client.HTTPConnection("127.0.0.1", PORT)
        upstream.request(self.command, self.path, body, dict(self.headers))
        got = upstream.getresponse()
        # moto's own name for what AWS calls VersioningConfiguration ("GetBucketVersioning", Amazon S3 API Reference); the SDK for
        # Rust reads no other.
        text = got.read().replace(b"GetBucketVersioningResponse", b"VersioningConfiguration")
        self.send_response(got.status)
        for key, value in got.getheaders():
            if key.lower() not in ("content-length", "connection", "transfer-encoding"):
                self.send_header(key, value)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text if self.command != "HEAD" else b"")

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = answer

    def log_message(self, *_):
        pass


ENV = {
    "PATH": f"{PROWLER}/bin:/usr/bin:/bin",
    "HOME": str(WORK),
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_REGION": "us-east-1",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_ENDPOINT_URL": f"http://127.0.0.1:{FRONT}",
    "AWS_EC2_METADATA_DISABLED": "true",
}


def client(service):
    return boto3.client(
        service, endpoint_url=f"http://127.0.0.1:{PORT}", region_name="us-east-1", aws_access_key_id="test", aws_secret_access_key="test"
    )


def seed():
    s3, logs, kms = client("s3"), client("logs"), client("kms")
    key = kms.create_key()["KeyMetadata"]["Arn"]
    tls = lambda it: {
        "Sid": "Tls", "Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": [f"arn:aws:s3:::{it}", f"arn:aws:s3:::{it}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    policy = lambda it, *more: s3.put_bucket_policy(Bucket=it, Policy=json.dumps({"Version": "2012-10-17", "Statement": [tls(it), *more]}))
    s3.create_bucket(Bucket="access-logs")

    def sound(name, lock=True):
        s3.create_bucket(Bucket=name, ObjectLockEnabledForBucket=lock, ObjectOwnership="BucketOwnerEnforced")
        s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
        rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}}
        s3.put_bucket_encryption(Bucket=name, ServerSideEncryptionConfiguration={"Rules": [rule]})
        if lock:
            mode = {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": 400}}
            s3.put_object_lock_configuration(Bucket=name, ObjectLockConfiguration={"ObjectLockEnabled": "Enabled", "Rule": mode})
        blocks = dict.fromkeys(["BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"], True)
        s3.put_public_access_block(Bucket=name, PublicAccessBlockConfiguration=blocks)
        policy(name)
        lifecycle(name, {"ID": "keep", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 800}})

    def lifecycle(name, *rules):
        s3.put_bucket_lifecycle_configuration(Bucket=name, LifecycleConfiguration={"Rules": list(rules)})

    sound("sound")
    sound("one-day")
    lifecycle("one-day", {"ID": "tidy", "Status": "Enabled", "Filter": {"Prefix": "prod/"}, "Expiration": {"Days": 1}})
    sound("no-rule")
    s3.delete_bucket_lifecycle(Bucket="no-rule")
    sound("locked-one-day")
    mode = {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 1}}
    s3.put_object_lock_configuration(Bucket="locked-one-day", ObjectLockConfiguration={"ObjectLockEnabled": "Enabled", "Rule": mode})
    sound("tls-for-one")
    one = {**tls("tls-for-one"), "Principal": {"AWS": "arn:aws:iam::123456789012:user/a"}}
    s3.put_bucket_policy(Bucket="tls-for-one", Policy=json.dumps({"Version": "2012-10-17", "Statement": [one]}))
    sound("foreign")
    policy("foreign", {"Sid": "Out", "Effect": "Allow", "Principal": {"AWS": "999999999999"}, "Action": "s3:GetObject", "Resource": "arn:aws:s3:::foreign/*"})
    s3.create_bucket(Bucket="bare")
    sound("denied")
    for name, days, encrypted in [("/sound", 400, True), ("/month", 30, True), ("/for-ever", None, False), ("/plain", 400, False)]:
        logs.create_log_group(logGroupName=name, **({"kmsKeyId": key} if encrypted else {}))
        if days:
            logs.put_retention_policy(logGroupName=name, retentionInDays=days)
    buckets = ["sound", "one-day", "no-rule", "locked-one-day", "tls-for-one", "foreign", "bare", "denied"]
    return buckets, ["/sound", "/month", "/for-ever", "/plain"]


def ours(buckets, groups):
    config = WORK / "ssmtrail.toml"
    config.write_text("[promise]\ncustomer_key = true\nworm = \"governance\"\n")
    places = [f"s3://{it}/prod" for it in buckets] + [f"logs:{it}" for it in groups]
    began = time.perf_counter()
    done = subprocess.run(
        [TARGET / "release/ssmtrail", "--archive", WORK / "none", "--config", config, "verify", *places, "--format", "json"],
        env=ENV, cwd=WORK, capture_output=True, text=True,
    )
    seconds = time.perf_counter() - began
    out = collections.defaultdict(dict)
    for it in json.loads(done.stdout)["findings"]:
        name = it["resource"].split(":::")[-1].split("/prod")[0].split("log-group:")[-1]
        out[it["check_id"]].setdefault(name, it["status"])
    return out, seconds


def theirs():
    folder = WORK / "prowler-out"
    subprocess.run(["rm", "-rf", folder])
    began = time.perf_counter()
    command = ["prowler", "aws", "--checks", *[it[1] for it in PAIRS], "--region", "us-east-1", "-M", "json-ocsf", "-o", folder, "-F", "it"]
    subprocess.run([*command, "--no-banner", "--ignore-exit-code-3"], env=ENV, cwd=WORK, capture_output=True)
    seconds = time.perf_counter() - began
    out = collections.defaultdict(dict)
    for it in json.loads((folder / "it.ocsf.json").read_text()):
        name = it["resources"][0]["uid"].split(":::")[-1].split("log-group:")[-1].removesuffix(":*")
        out[it["metadata"]["event_code"]][name] = it["status_code"].lower()
    return out, seconds


moto = subprocess.Popen([MOTO / "bin/moto_server", "-H", "127.0.0.1", "-p", str(PORT)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
front = http.server.ThreadingHTTPServer(("127.0.0.1", FRONT), Refusing)
threading.Thread(target=front.serve_forever, daemon=True).start()
try:
    time.sleep(4)
    buckets, groups = seed()
    (mine, mine_took), (other, other_took) = ours(buckets, groups), theirs()
    version = subprocess.run([PROWLER / "bin/pip", "show", "prowler"], capture_output=True, text=True).stdout.split("Version: ")[1].split()[0]
    print(f"ssmtrail {mine_took:.1f} s, Prowler {version} {other_took:.1f} s\n\n| ours | theirs | place | ssmtrail | Prowler |\n|---|---|---|---|---|")
    agreed = 0
    for check, name in PAIRS:
        for place in groups if check.startswith("CWL") else buckets:
            one, two = mine[check].get(place, "-"), other[name].get(place, "-")
            if one == two:
                agreed += 1
            else:
                print(f"| {check} | {name} | {place} | {one} | {two} |")
    print(f"\n{agreed} alike")
finally:
    front.shutdown()
    moto.terminate()
