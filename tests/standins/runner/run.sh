#!/bin/bash
# Runs the runner, and again as long as the helper says so (2).
here="$(cd -P "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")" && pwd)"

run() {
    while :; do
        cp -f "$here/run-helper.sh.template" "$here/run-helper.sh"
        "$here/run-helper.sh" "$@"
        code=$?
        if [ $code -eq 2 ]; then
            echo "Restarting runner..."
        else
            echo "Exiting runner..."
            exit 0
        fi
    done
}

run_with_trap() {
    set -m
    signaled=0
    trap 'kill -INT -$child; signaled=1' INT TERM
    while :; do
        cp -f "$here/run-helper.sh.template" "$here/run-helper.sh"
        "$here/run-helper.sh" "$@" &
        child=$!
        wait $child
        code=$?
        if [ $signaled -eq 1 ]; then
            wait $child
            code=$?
        fi
        if [ $code -eq 2 ]; then
            echo "Restarting runner..."
        else
            echo "Exiting runner..."
            trap - INT TERM
            exit $code
        fi
    done
}

if [ -z "$RUNNER_MANUALLY_TRAP_SIG" ]; then
    run "$@"
else
    run_with_trap "$@"
fi
