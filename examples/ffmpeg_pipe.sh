#!/usr/bin/env bash
# Denoise between two FFmpegs, which read and write what they like: ffmpeg_pipe.sh BUNDLE IN OUT [OPTIONS OF OUT...].
# pip install 'zsn2m-deploy[cpu,video]'. Y4M carries size, rate and colours; sound is not in it, and taken from IN.
# The bundle must be of frames such as FFmpeg decodes here: train it on some of IN.
set -euo pipefail  # if one of the three fails, so does this
bundle=$1 in=$2 out=$3
shift 3
ffmpeg -v error -nostdin -i "$in" -map 0:v:0 -strict -1 -f yuv4mpegpipe - |
    zsn2m-deploy stream "$bundle" - -o - |
    ffmpeg -v error -nostdin -i - -i "$in" -map 0:v -map '1:a?' -c:a copy "$@" "$out"
