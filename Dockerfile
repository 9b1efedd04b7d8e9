# syntax=docker.io/docker/dockerfile:1

# The machine's root file system. Every input is pinned, so that whoever builds it gets the same
# template hash: the base image by digest (an index of all architectures), packages by the archive's
# snapshot, the toolchain by version, crates by Cargo.lock.
ARG UBUNTU=ubuntu:noble-20260610@sha256:4fbb8e6a8395de5a7550b33509421a2bafbc0aab6c06ba2cef9ebffbc7092d90
ARG APT_SNAPSHOT=20260715T000000Z
ARG SOURCE_DATE_EPOCH=1784073600

################################################################################
# Builds the program on the host's own architecture, for RISC-V.
FROM --platform=$BUILDPLATFORM ${UBUNTU} AS build

ARG APT_SNAPSHOT
ARG SOURCE_DATE_EPOCH
ARG DEBIAN_FRONTEND=noninteractive
RUN <<EOF
set -eu
apt-get update
apt-get install -y --no-install-recommends ca-certificates
apt-get update --snapshot=${APT_SNAPSHOT}
apt-get install -y --no-install-recommends --snapshot=${APT_SNAPSHOT} \
    curl gcc gcc-riscv64-linux-gnu libc6-dev libc6-dev-riscv64-cross
EOF

ENV RUSTUP_HOME=/usr/local/rustup \
    CARGO_HOME=/usr/local/cargo \
    PATH=/usr/local/cargo/bin:$PATH
ARG RUSTUP_VERSION=1.28.2
ARG RUST_VERSION=1.95.0
RUN <<EOF
set -eu
case "$(dpkg --print-architecture)" in
    amd64) host=x86_64-unknown-linux-gnu; sum=20a06e644b0d9bd2fbdbfd52d42540bdde820ea7df86e92e533c073da0cdd43c ;;
    arm64) host=aarch64-unknown-linux-gnu; sum=e3853c5a252fca15252d07cb23a1bdd9377a8c6f3efa01531109281ae47f841c ;;
    *) echo "build on amd64 or arm64" >&2; exit 1 ;;
esac
curl -fsSLO "https://static.rust-lang.org/rustup/archive/${RUSTUP_VERSION}/${host}/rustup-init"
echo "${sum}  rustup-init" | sha256sum -c -
chmod +x rustup-init
./rustup-init -y --no-modify-path --profile minimal --default-toolchain ${RUST_VERSION} \
    --default-host ${host} --target riscv64gc-unknown-linux-gnu
rm rustup-init
EOF

WORKDIR /build
COPY . .
RUN cargo build --locked --release -p rollup --target riscv64gc-unknown-linux-gnu

################################################################################
# What runs in the machine.
FROM --platform=linux/riscv64 ${UBUNTU}

ARG APT_SNAPSHOT
ARG SOURCE_DATE_EPOCH
ARG DEBIAN_FRONTEND=noninteractive
ADD --checksum=sha256:204d4260defd68e11b957ae1f1b511b6c2c74345c918748be06f592733b72dcd \
    https://github.com/cartesi/machine-guest-tools/releases/download/v0.18.0/machine-guest-tools_riscv64.deb \
    /tmp/guest-tools.deb
RUN <<EOF
set -eu
apt-get update
apt-get install -y --no-install-recommends ca-certificates
apt-get update --snapshot=${APT_SNAPSHOT}
apt-get install -y --no-install-recommends --snapshot=${APT_SNAPSHOT} \
    busybox-static /tmp/guest-tools.deb
apt-get remove -y --purge ca-certificates
apt-get autoremove -y --purge
rm -rf /tmp/guest-tools.deb /var/lib/apt/lists/* /var/log/* /var/cache/*
EOF

COPY --from=build /build/target/riscv64gc-unknown-linux-gnu/release/deml-dapp /usr/local/bin/
# The line of contracts that the machine is for: genesis.json is for 2.2.0, genesis-alpha.json
# for 3.0.0-alpha. Others are made by `deml genesis new`, and put beside these.
ARG GENESIS=genesis.json
COPY dapp/rollup/${GENESIS} /opt/deml/genesis.json

ENV PATH="/opt/cartesi/bin:${PATH}" \
    ROLLUP_HTTP_SERVER_URL=http://127.0.0.1:5004
ENTRYPOINT ["rollup-init"]
CMD ["deml-dapp"]
