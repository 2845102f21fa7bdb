#!/bin/bash
# Keeps what the jobs will need of the environment of whoever configures the runner.
if [ ! -f .env ]; then
    touch .env
    for name in LANG JAVA_HOME ANT_HOME M2_HOME ANDROID_HOME ANDROID_SDK_ROOT GRADLE_HOME NVM_BIN NVM_PATH LD_LIBRARY_PATH PERL5LIB; do
        if [ -n "${!name}" ]; then
            echo "$name=${!name}" >> .env
        fi
    done
fi
echo "$PATH" > .path
