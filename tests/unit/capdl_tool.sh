#!/bin/sh
# The tool as a whole: capdl_tool.sh BUILD. The stock tool's own print of what we write says the same as the specs (where parse-capDL is
# installed, or named by PARSE_CAPDL); the largest system is checked within a second of CPU time; status and files of wrong input.
set -u
build=$(cd "$1" && pwd)
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
bad=0
result() { # STATUS NAME
    [ "$1" = 0 ] && echo "ok - $2" || { echo "not ok - $2"; bad=1; }
}
system() { # CORES MEMORY VMS
    printf 'machine:\n  cores: %s\n  memory: %s\nvms:\n' "$1" "$2"
    for i in $(seq "$3"); do
        printf '  - name: vm%s\n    memory: 96M\n    kernel: %s/guest/vmlinuz\n    initrd: %s/guest/initramfs.cpio.gz\n' "$i" "$build" "$build"
    done
}

system 4 2G 2 >"$dir/two.yaml"
mkdir "$dir/two"
"$build/atoll" compile "$dir/two.yaml" "$dir/two" && [ "$(ls "$dir/two" | wc -l)" = 13 ]
result $? "compile writes the request, and a spec, a standard part and an annex per node"

stock=${PARSE_CAPDL:-$(command -v parse-capDL)}
if [ -n "$stock" ]; then
    right=0
    for node in 0 1 2 3; do
        "$stock" -t "$dir/stock" "$dir/two/node.$node.cdl" && mv "$dir/stock" "$dir/two/node.$node.cdl" || right=1
    done
    [ "$right" = 0 ] && "$build/atoll" check "$dir/two" >/dev/null # compares text and spec
    result $? "the stock tool accepts our text, and its own print says the same as the spec"
else
    echo "ok - the stock tool accepts our text # SKIP parse-capDL is not installed"
fi

system 64 16G 62 >"$dir/large.yaml"
mkdir "$dir/large"
"$build/atoll" compile "$dir/large.yaml" "$dir/large" &&
    bash -c 'ulimit -t 1; exec "$0" check "$1"' "$build/atoll" "$dir/large" >"$dir/out" && grep -q '^64 nodes, 62 VMs, 1891 of 1891 pairs isolated' "$dir/out"
result $? "64 nodes with 62 VMs are checked within a second"

"$build/atoll" check "$dir/two.yaml" --svg "$dir/two.svg" >/dev/null && grep -q '</svg>' "$dir/two.svg" && grep -q 'VM vm2' "$dir/two.svg"
result $? "check of a description draws the picture"

refused() { # SENTENCE ARGUMENTS...
    sentence=$1
    shift
    "$build/atoll" check "$@" >"$dir/out" 2>&1
    [ $? = 2 ] && grep -qF -- "$sentence" "$dir/out"
    result $? "refused: $sentence"
}
mkdir "$dir/empty"
refused "holds no node.0.cdl" "$dir/empty"
refused "check needs one description" 
refused "check needs one description" "$dir/two" "$dir/two"
refused "cannot be read: No such file" "$dir/nothing"
refused "the picture" "$dir/large" --svg "$dir/no/folder.svg"
rm "$dir/large/node.63.cdl"
refused "has 63 nodes as text and 64 in its system request" "$dir/large"
head -c 5000 "$dir/large/node.1.spec" >"$dir/cut" && mv "$dir/cut" "$dir/large/node.1.spec"
refused "node.1.spec: it is no spec, or cut off" "$dir/large"
rm "$dir/large/system"
refused "system: cannot be read" "$dir/large"
exit "$bad"
