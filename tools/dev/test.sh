# ./dev test: the stages, each of which says how it went; the last line counts them.

all_stages=(lint ui unit release python e2e differential demo fuzz)
more_stages=(references pythons)  # not among all: they need packages, or interpreters, that nothing else does

stage_lint() {
  need_machine lint
  lint
}

stage_ui() {
  build_ui
  need_node_modules
  step "UI: types, unit tests, size" test-ui npm --prefix ui test
}

unit_tests() { ctest --test-dir "build/$1" --output-on-failure -j "$JOBS"; }

stage_unit() {
  build_preset dev
  step "C++ unit tests under address and undefined-behaviour sanitizers" test-unit unit_tests dev
}

stage_release() {
  build_ui
  build_release
  install_python_package
}

run_pytest() { "$VENV/bin/python" -m pytest -q -p no:cacheprovider "$@"; }

stage_python() {
  need_machine demo python
  stage_release
  step "Python package tests" test-python run_pytest python/tests
}

# Every native operation in a loop, under an interpreter that counts all references.
stage_references() {
  need_machine references
  need_venv
  build_preset pydebug
  local extension=(build/pydebug/python/_native.*.so)
  PYTHONPATH=python:python/tests:$(echo "$VENV"/lib/python*/site-packages) \
    step "References are given back, by a debug build of CPython" test-references \
    python3-dbg python/tests/references/counting.py "${extension[0]}"
}

stage_e2e() {
  need_machine test
  stage_release
  step "End to end: real clients against the real server" test-e2e run_pytest tests/e2e
}

stage_differential() {
  stage_release
  step "The same questions to Prometheus and to Vedette" test-differential run_pytest tests/differential
}

stage_demo() {
  need_machine demo test
  stage_release
  need_node_modules
  step "The demo shop, checked, and the pages in a real browser" test-demo \
    "$VENV/bin/python" -m demo --check --then "npm --prefix ui run test:browser"
}

stage_fuzz() {
  build_preset dev
  step "Fuzz targets, ${FUZZ_SECONDS:-10} s each" test-fuzz fuzz_all
}

fuzzers() { find build/dev -name '*_fuzz' -type f -executable | sort; }

fuzz_one() {  # fuzz_one TARGET SECONDS [OPTION…]
  local target=$1 seconds=$2 name
  name=$(basename "$target")
  local corpus=build/dev/corpus/$name seeds=tests/corpus/$name
  mkdir -p "$corpus"
  local folders=("$corpus")
  [[ ! -d $seeds ]] || folders+=("$seeds")
  "$target" -max_total_time="$seconds" -max_len=65536 -rss_limit_mb=1024 -timeout=10 -print_final_stats=1 \
    -artifact_prefix="build/dev/$name-" "${@:3}" "${folders[@]}"
}

fuzz_log() { printf 'build/logs/fuzz-%s.log' "$(basename "$1")"; }

# All targets, each with a log of its own; prints the end of the logs of those that found something. The seed is fixed:
# the same build tries the same.
fuzz_all() {
  export -f fuzz_one fuzz_log
  local found target
  found=$(fuzzers | xargs -P "$JOBS" -I{} bash -euo pipefail -c \
    'fuzz_one {} '"${FUZZ_SECONDS:-10}"' -seed=1 >"$(fuzz_log {})" 2>&1 || echo {}')
  for target in $found; do
    printf '%s found something; the whole of it: %s\n' "$(basename "$target")" "$(fuzz_log "$target")"
    grep -avE '^#[0-9]|# Uses:' "$(fuzz_log "$target")" | tail -n 50 | cut -c 1-300
  done
  [[ -z $found ]]
}

run_fuzzer() {
  local name=${1:-} target
  if [[ -z $name ]]; then
    fuzzers | xargs -n 1 basename
    return
  fi
  target=$(fuzzers | grep "/$name\$") || die "There is no fuzz target '$name'; ./dev fuzz lists them."
  fuzz_one "$target" "${2:-60}"
}

lint() {
  local fix=${1:-} failed=0
  need_venv
  need_node_modules
  step "Rules of the house: dependencies, sizes, words" lint-house "$VENV/bin/python" tools/house.py || failed=1
  step "C++ formatting" lint-cpp cpp_format "$fix" || failed=1
  step "Python: ruff" lint-python python_lint "$fix" || failed=1
  step "Python: types of the package, by mypy --strict" lint-types "$VENV/bin/mypy" || failed=1
  step "TypeScript" lint-ui npm --prefix ui run "$([[ $fix == --fix ]] && echo lint:fix || echo lint)" || failed=1
  return $failed
}

cpp_format() {
  local mode=(--dry-run --Werror)
  [[ $1 != --fix ]] || mode=(-i)
  git ls-files '*.cc' '*.h' | xargs clang-format-16 "${mode[@]}"
}

python_lint() {
  local ruff=$VENV/bin/ruff
  if [[ $1 == --fix ]]; then
    "$ruff" check --fix . && "$ruff" format .
  else
    "$ruff" check . && "$ruff" format --check .
  fi
}

cmd_test() {
  case ${1:-} in
    --asan | --tsan)
      local preset=dev
      [[ $1 == --asan ]] || preset=tsan
      need_machine build
      build_preset $preset
      step "C++ unit tests ($preset)" "test-$preset" unit_tests $preset
      return
      ;;
  esac
  local stages=("$@") stage passed=0 failed=() begin=$SECONDS
  ((${#stages[@]})) || stages=("${all_stages[@]}")
  for stage in "${stages[@]}"; do
    [[ " ${all_stages[*]} ${more_stages[*]} " == *" $stage "* ]] ||
      die "There is no stage '$stage'; the stages: ${all_stages[*]} ${more_stages[*]}."
  done
  need_machine build
  need_venv
  for stage in "${stages[@]}"; do
    title "$stage"
    # A subshell of its own, so that one stage that fails does not hide the others. (In an `if` bash ignores
    # errexit: every function below says by its own status, or by die, that it failed.)
    if ("stage_$stage"); then
      passed=$((passed + 1))
    else
      failed+=("$stage")
    fi
  done
  title "$((SECONDS - begin)) s"
  ((${#failed[@]} == 0)) || note "Failed: ${failed[*]}. Run one alone with ./dev test STAGE."
  printf '%d passed, %d failed\n' "$passed" "${#failed[@]}"
  ((${#failed[@]} == 0))
}
