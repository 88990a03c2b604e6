#!/usr/bin/env bash
# The machines of slurm_cluster.py, each in namespaces of its own: name, network, processes, /tmp and /dev/shm.
# Process 1 of each is this script. Where it ends, the kernel ends all that run there and takes the network away.
#
#   slurm_machine.sh login FOLDER login ADDRESS       in namespaces made for it: munge, the controller, the bridge
#   slurm_machine.sh plug FOLDER NODE ADDRESS SHARED… in three made for it: a wire to the login node's bridge
#   slurm_machine.sh node FOLDER NODE ADDRESS SHARED… and in the other namespaces: the node's daemon
set -euo pipefail
role=$1 folder=$2 name=$3 address=$4
here=$(realpath "$0")
exec >>"$folder/machines.log" 2>&1

connect() {  # what a machine with one network card has, and a cluster that knows its machines by name
  mount --bind "$folder/hosts" /etc/hosts
  mount --bind /dev/null /etc/resolv.conf
  ip address add "$address/24" dev ib0
  ip link set lo up
  ip link set ib0 up
  ip route add default dev ib0
}

own_tmp() {  # FOLDER…: an empty /tmp, but for these
  local own="$folder/$name.tmp" one
  mkdir "$own"
  mount -t tmpfs -o mode=1777 tmpfs "$own"
  for one in "$@"; do
    [[ $one == /tmp/* ]] || continue
    mkdir -p "$own/${one#/tmp/}"
    mount --bind "$one" "$own/${one#/tmp/}"
  done
  mount --rbind "$own" /tmp
}

case $role in
  login)
    hostname "$name"
    ip link add ib0 type bridge
    connect
    # Forced: pytest's folders are closed to all others, and munge would rather see its own open.
    munged --foreground --force --key-file="$folder/munge.key" --socket="$folder/munge.socket" \
      --pid-file="$folder/munge.pid" --seed-file="$folder/munge.seed" --log-file="$folder/munged.log" &
    until [ -S "$folder/munge.socket" ]; do sleep 0.05; done
    slurmctld -D -f "$folder/slurm.conf" &
    wait
    ;;
  plug)
    hostname "$name"
    ip link add ib0 type veth peer name "$name" netns 1  # process 1 is still the login node's
    nsenter --target 1 --net ip link set "$name" master ib0 up
    connect
    exec unshare --pid --mount --ipc --fork --kill-child --mount-proc "$here" node "${@:2}"
    ;;
  node)
    own_tmp "${@:5}"
    mount -t tmpfs tmpfs /dev/shm
    # The control groups are the whole machine's. Ours are named by process numbers, which nodes do not share: none here.
    umount --recursive /sys/fs/cgroup || true
    mount -t tmpfs -o ro tmpfs /sys/fs/cgroup
    slurmd -D -f "$folder/slurm.conf" &
    wait
    ;;
esac
