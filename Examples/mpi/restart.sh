#!/usr/bin/env bash
# restart.sh TIMES NAME.checkpoint.safetensors COMMAND…: runs a training, and starts it again from its checkpoint, at most so often, where it ends
# for a reason that may not come again: a rank that died, a host that went away. For example
#
#   restart.sh 3 cifar.checkpoint.safetensors \
#     mpirun -np 4 evenkeel train cifar10 --network resnet20 --checkpoint-every 10m --output cifar.safetensors
#
# Runs in `make cluster`, where a rank on another host is killed.
set -uo pipefail
if [ $# -lt 3 ] || ! [[ $1 =~ ^[0-9]+$ ]]; then
  echo "usage: restart.sh TIMES NAME.checkpoint.safetensors COMMAND…" >&2
  exit 64
fi
times=$1 checkpoint=$2
shift 2
resume=() stopped=
# mpirun ends with 1 then.
trap 'stopped=130' INT
trap 'stopped=143' TERM
for ((run = 0; ; run++)); do
  "$@" "${resume[@]}"
  status=${stopped:-$?}
  case $status in
    # Done; wrong options, data or files; stopped by somebody: it would end in the same way.
    0 | 64 | 65 | 66 | 130 | 143) exit $status ;;
  esac
  if [ "$run" -ge "$times" ]; then
    echo "restart.sh: ended with status $status; no restart is left." >&2
    exit $status
  fi
  [ -e "$checkpoint" ] && resume=(--resume "$checkpoint")
  echo "restart.sh: ended with status $status; restart $((run + 1)) of $times${resume[0]:+ from $checkpoint}." >&2
  sleep 1
done
