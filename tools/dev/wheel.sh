# The wheel that is handed out: it brings every library that a bare Debian lacks, and is tried in one, and beside the
# packages of upstream.

packages_wheel=(debootstrap)
BARE=.cache/roots/bookworm

build_wheel() {
  build_ui
  build_release
  need_venv
  step "Build the wheel" build-wheel make_wheel || die "The wheel does not build; the log says why."
}

# pip's wheel works where it was built; auditwheel adds the libraries, strips, and names the oldest glibc it runs on.
make_wheel() {
  rm -rf build/dist dist
  "$VENV/bin/pip" wheel --disable-pip-version-check --no-deps --no-build-isolation --wheel-dir build/dist . &&
    PATH=$ROOT/$VENV/bin:$PATH auditwheel repair --strip --wheel-dir dist build/dist/*.whl
}

try_wheel_beside() {
  local venv=.cache/beside
  rm -rf "$venv" &&
    "$PYTHON" -m venv "$venv" &&
    "$venv/bin/pip" install --disable-pip-version-check -q -r tests/upstream.txt &&
    "$venv/bin/python" tools/try_wheel_beside.py dist/*.whl
}

# A Debian with Python and nothing else, as it comes from the mirror that apt is set to.
need_bare_debian() {
  [[ ! -e $BARE/.complete ]] || return 0
  step "A bare Debian in $BARE" bare-debian make_bare_debian || die "debootstrap is not content; the log says why."
}

make_bare_debian() {
  local mirror
  mirror=$("$VENV/bin/python" tools/peers.py --mirror)
  as_root rm -rf "$BARE"
  mkdir -p "$BARE"
  as_root debootstrap --variant=minbase --include=python3,python3-venv bookworm "$BARE" "$mirror" &&
    as_root touch "$BARE/.complete"
}

# tools/try_wheel.py inside it, without the network: the one dependency and its own are brought along. /proc is there
# for the loader, which finds $ORIGIN through it; the mount goes with its namespace.
try_wheel() {
  local inside=$BARE/tmp/vedette
  as_root rm -rf "$inside" &&
    as_root mkdir -p "$inside" &&
    as_root cp dist/*.whl tools/try_wheel.py "$inside" &&
    as_root "$VENV/bin/pip" download --disable-pip-version-check --quiet --dest "$inside" dist/*.whl &&
    as_root env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin unshare --mount sh -c \
      'mount -t proc proc "$1/proc" && exec chroot "$1" python3 /tmp/vedette/try_wheel.py' try_wheel "$BARE"
}
