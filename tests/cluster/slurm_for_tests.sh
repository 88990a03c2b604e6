#!/usr/bin/env bash
# What tests/cluster/test_slurm.py needs: Slurm's daemons, which the tests start themselves. Where they cannot be had, the tests are skipped.
set -euo pipefail
[ "$(id -u)" = 0 ] || exit 0
missing=0
for program in slurmctld slurmd sbatch munged ip; do
  command -v "$program" >/dev/null || missing=1
done
[ "$missing" = 1 ] && command -v apt-get >/dev/null || exit 0
apt-get -qq update
DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends slurm-wlm munge iproute2 >/dev/null
