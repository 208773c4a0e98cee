#!/bin/sh
# SeaweedFS with two identities: the jobs' own, and a reader for SQL, whose statements then cannot change a file.
# The keys go in by a file of its own: a command line can be read by others. Checked for syntax and settings, not run.
set -eu
umask 077
identities=$(mktemp)
cat > "$identities" <<END
{"identities": [
  {"name": "marketlake", "credentials": [{"accessKey": "$S3_ACCESS_KEY_ID", "secretKey": "$S3_SECRET_ACCESS_KEY"}],
   "actions": ["Admin", "Read", "Write", "List", "Tagging"]},
  {"name": "marketlake-reader", "credentials": [{"accessKey": "$S3_READER_KEY_ID", "secretKey": "$S3_READER_SECRET"}],
   "actions": ["Read:marketlake", "List:marketlake"]}
]}
END
# S3 and its gRPC twin (18333) are reached from the inner network: the ports of its parts, which ask for no key, stay on the container's own loopback.
exec weed server -dir=/data -ip=127.0.0.1 -ip.bind=127.0.0.1 -s3 -s3.ip.bind=0.0.0.0 -s3.port=8333 -s3.config="$identities" \
  -s3.iam=false -s3.port.iceberg=0 -s3.port.lance=0 -filer.disableHttp -filer.localSocket= \
  -volume.max=0 -volume.preStopSeconds=1 -master.volumeSizeLimitMB=1024 -master.volumePreallocate=false
