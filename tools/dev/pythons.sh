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
  local version=$1 interpreter=$2 venv=.cache/pythons/venv-$1
  local pip=("$venv/bin/python" -m pip --disable-pip-version-check install)
  if newer_than "$venv/.stamp" tests/requirements.txt; then
    # Debian's ensurepip would take the pip of the system, which may be too old.
    "$interpreter" -m venv --clear --without-pip "$venv" &&
      "$VENV/bin/pip" install --quiet pip --target \
        "$("$venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')" &&
      { "${pip[@]}" -r tests/requirements.txt || "${pip[@]}" -r <(sed 's/==.*//' tests/requirements.txt); } &&
      touch "$venv/.stamp" || return 1
  fi
  "${pip[@]}" --no-deps --no-build-isolation --force-reinstall --config-settings="build-dir=build/python-$version" . &&
    "$venv/bin/python" -m pytest -q -p no:cacheprovider python/tests
}
