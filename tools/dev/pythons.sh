# The Python package under every other CPython that is found (tools/pythons.py), or under those that PYTHONS names.

stage_pythons() {
  need_machine demo python
  stage_release
  local version interpreter given failed=0
  read -ra given <<<"${PYTHONS:-}"
  while read -r -u 3 version interpreter; do
    if [[ -z $interpreter ]]; then
      note "  CPython $version: skipped, there is none"
    else
      step "CPython $version: $interpreter" "test-python-$version" test_with_python "$version" "$interpreter" || failed=1
    fi
  done 3< <(PATH=$ROOT/$VENV/bin:$PATH "$VENV/bin/python" tools/pythons.py "${given[@]}")
  return $failed
}

# What is pinned for Debian's Python may be too new for an older one: then its newest will do.
test_with_python() {
  local version=$1 interpreter=$2 venv=.cache/pythons/venv-$1 pinned
  local pip=("$venv/bin/python" -m pip --disable-pip-version-check install)
  pinned=$(cat tests/requirements.txt)
  [[ $version != *t ]] || pinned=$(grep -E '^(opentelemetry-api|scikit-build-core)==' <<<"$pinned")
  if newer_than "$venv/.stamp" tests/requirements.txt; then
    # Debian's ensurepip would take the pip of the system, which may be too old.
    "$interpreter" -m venv --clear --without-pip "$venv" &&
      "$VENV/bin/pip" install --quiet pip --target \
        "$("$venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')" &&
      { "${pip[@]}" -r <(echo "$pinned") || "${pip[@]}" -r <(sed 's/==.*//' <<<"$pinned"); } &&
      touch "$venv/.stamp" || return 1
  fi
  "${pip[@]}" --no-deps --no-build-isolation --force-reinstall --config-settings="build-dir=build/python-$version" . ||
    return 1
  if [[ $version == *t ]]; then
    refuses_free_threading "$venv/bin/python"
  else
    "$venv/bin/python" -m pytest -q -rs -p no:cacheprovider python/tests
  fi
}

# The package installs there, and says on import that it does not run.
refuses_free_threading() {
  local said
  said=$(cd build && "$ROOT/$1" -c 'import vedette.sdk.trace' 2>&1) && return 1
  echo "$said"
  [[ $said == *"ImportError: vedette does not run on the free-threaded build of CPython"* ]]
}
