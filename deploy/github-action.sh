#!/usr/bin/env bash
# The steps of action.yml: start a node, wait until it answers, and export the environment of its clients to the
# next steps of the job. BROOKMERE is the program; INPUT_* are the action's inputs.
set -euo pipefail

dir=$(mktemp -d "${RUNNER_TEMP:-/tmp}/brookmere.XXXXXX")
read -r -a args <<<"${INPUT_ARGS:-}"
nohup "$BROOKMERE" up --data "${INPUT_DATA:-:memory:}" --listen "${INPUT_LISTEN:-127.0.0.1:4566}" \
  --ready-file "$dir/ready" "${args[@]}" >"$dir/log" 2>&1 </dev/null &
pid=$!

for _ in $(seq 600); do
  [ -e "$dir/ready" ] && break
  if ! kill -0 "$pid" 2>/dev/null; then
    cat "$dir/log" >&2
    echo "::error::brookmere ended at its start" >&2
    exit 1
  fi
  sleep 0.1
done
if [ ! -e "$dir/ready" ]; then
  cat "$dir/log" >&2
  kill "$pid"
  echo "::error::brookmere does not answer after 60 seconds" >&2
  exit 1
fi
url=$(cat "$dir/ready")

"$BROOKMERE" env --endpoint "$url" --shell github --dir "$dir/client" >"$dir/env"
if [ "${INPUT_PROXY:-true}" != true ]; then # for jobs that reach other hosts by HTTPS_PROXY
  grep -E '^AWS_(ENDPOINT_URL|ACCESS_KEY_ID|SECRET_ACCESS_KEY|REGION|DEFAULT_REGION|EC2_METADATA_DISABLED)=' "$dir/env" >"$dir/env.aws"
  mv "$dir/env.aws" "$dir/env"
fi
cat "$dir/env" >>"$GITHUB_ENV"
{
  echo "url=$url"
  echo "pid=$pid"
  echo "log=$dir/log"
} >>"$GITHUB_OUTPUT"
echo "Brookmere is up: $url"
