# How ./dev speaks: one line a step, its time, and on failure the end of its log.

if [[ -t 1 && -z ${NO_COLOR:-} ]]; then
  BOLD=$'\e[1m' DIM=$'\e[2m' RED=$'\e[31m' GREEN=$'\e[32m' PLAIN=$'\e[0m'
else
  BOLD='' DIM='' RED='' GREEN='' PLAIN=''
fi

die() {
  printf '%s%s%s\n' "$RED" "$*" "$PLAIN" >&2
  exit 1
}

note() { printf '%s%s%s\n' "$DIM" "$*" "$PLAIN"; }
title() { printf '\n%s%s%s\n' "$BOLD" "$*" "$PLAIN"; }

# step "what it does" LOGNAME COMMAND…: runs it with its output in a log, shows progress, says how it went.
step() {
  local what=$1 log=$LOGS/$2.log
  shift 2
  local begin=$SECONDS ticker=''
  if [[ -t 1 ]]; then
    (while sleep 1; do printf '\r  %s… %ds %s\e[K' "$what" $((SECONDS - begin)) \
      "$DIM$(tail -c 400 "$log" 2>/dev/null | tr '\r' '\n' | tail -n 1 | cut -c 1-60)$PLAIN"; done) &
    ticker=$!
  else
    printf '  %s…\n' "$what"
  fi
  local failed=0
  ("$@") >"$log" 2>&1 || failed=$?
  if [[ -n $ticker ]]; then
    kill "$ticker" 2>/dev/null || true
    wait "$ticker" 2>/dev/null || true
    printf '\r\e[K'
  fi
  if ((failed)); then
    printf '  %s✗ %s%s (%d s)\n' "$RED" "$what" "$PLAIN" $((SECONDS - begin))
    printf '%s\n' "--- the end of $log ---"
    tail -n "${STEP_TAIL:-60}" "$log"
    printf '%s\n' "--- the whole of it: $log ---"
    return 1
  fi
  printf '  %s✓%s %s %s(%d s)%s\n' "$GREEN" "$PLAIN" "$what" "$DIM" $((SECONDS - begin)) "$PLAIN"
}
