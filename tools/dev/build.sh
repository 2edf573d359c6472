# Building: the UI, the C++ presets, the Python package.

newer_than() {  # newer_than STAMP PATH…: has any file below PATH changed since STAMP?
  local stamp=$1
  shift
  [[ ! -e $stamp ]] || [[ -n $(find "$@" -newer "$stamp" -not -path '*/node_modules/*' -not -path '*/dist/*' -print -quit) ]]
}

need_node_modules() {
  need_node
  local stamp=ui/node_modules/.stamp
  newer_than $stamp ui/package-lock.json || return 0
  step "npm packages" npm npm --prefix ui ci --no-audit --no-fund || die "npm could not install the UI's packages."
  touch $stamp
}

build_ui() {
  newer_than ui/dist/.stamp ui || return 0
  need_node_modules
  step "Build the UI" ui npm --prefix ui run build || die "The UI does not build."
  touch ui/dist/.stamp
}

build_preset() {
  local preset=$1
  [[ $preset != dev ]] || need_machine dev
  if [[ ! -f build/$preset/build.ninja ]]; then
    step "Configure $preset" "configure-$preset" cmake --preset "$preset" || die "CMake is not content; the log says why."
  fi
  step "Build $preset" "build-$preset" ninja -C "build/$preset" -j "$JOBS" || die "The $preset build fails."
}

build_release() { build_preset release; }

# The package in the venv, from the release build: the extension, the server and the UI in one wheel.
install_python_package() {
  need_venv
  local stamp=$VENV/.package
  newer_than $stamp python pyproject.toml build/release/vedette || return 0
  step "Install the Python package into .venv" wheel \
    "$VENV/bin/pip" install --disable-pip-version-check --no-deps --no-build-isolation --force-reinstall . ||
    die "The Python package does not build."
  touch $stamp
}
