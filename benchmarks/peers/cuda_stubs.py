"""Makes the torch package of an environment import without the CUDA libraries.

The ordinary Linux wheel of PyTorch contains the CPU kernels, but its libraries name a dozen CUDA libraries (several GiB) that the
loader wants to find before anything runs. On a machine that only measures the CPU they are never called. This puts a stub
beside torch's libraries for each of them: it has the wanted name and symbol versions, and every function returns 1 (an error).
The CUDA runtime itself (3 MiB) is the real one: it says that there is no device, so torch.cuda.is_available() is False.

usage: python cuda_stubs.py        (with the environment's python; needs cc, nm and readelf)
"""

import importlib.util
import pathlib
import re
import subprocess
import tempfile

REAL = {"libcuda.so.1", "libcudart.so.13"}  # the driver is only looked for on use; the runtime is installed


def lines(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()


def wanted(library):
    """The sonames of CUDA libraries that a library names, and its undefined symbols as (name, version or "")."""
    needed = [m[1] for line in lines("readelf", "-dW", library) if (m := re.search(r"NEEDED.*\[(lib(?:cu|nv|nccl)[^]]*)\]", line))]
    symbols = []
    for line in lines("nm", "-D", "--undefined-only", library):
        name, _, version = line.split()[-1].partition("@")
        symbols.append((name, version.strip("@")))
    return needed, symbols


def owner(name, version, sonames):
    """The soname that a symbol belongs to: by its version, else by its prefix; None for what is not CUDA's."""
    if version in sonames:
        return version
    if version == "NVSHMEM":
        return next(s for s in sonames if s.startswith("libnvshmem"))
    prefixes = {"nccl": "libnccl", "cusparseLt": "libcusparseLt", "cuFile": "libcufile"}
    stem = next((stem for prefix, stem in prefixes.items() if name.startswith(prefix)), None)
    return next((s for s in sonames if stem and s.startswith(stem + ".")), None)


def build(path, symbols):
    """Compiles a library with the soname of path and functions under their symbol versions."""
    versions = sorted({version for _, version in symbols if version})
    with tempfile.TemporaryDirectory() as scratch:
        source, script = pathlib.Path(scratch, "stub.c"), pathlib.Path(scratch, "stub.map")
        source.write_text("".join(f"int {name}(void) {{ return 1; }}\n" for name, _ in sorted(symbols)) or "typedef int nothing;\n")
        script.write_text("".join(
            f"{version} {{ global: {' '.join(n + ';' for n, v in sorted(symbols) if v == version)} }};\n" for version in versions))
        versioned = [f"-Wl,--version-script={script}"] if versions else []
        subprocess.run(["cc", "-w", "-fno-builtin", "-shared", "-fPIC", f"-Wl,-soname,{path.name}", *versioned, "-o", path, source], check=True)


def main():
    folder = pathlib.Path(importlib.util.find_spec("torch").origin).parent / "lib"
    sonames, symbols = set(), set()
    for library in folder.glob("lib*.so"):
        needed, undefined = wanted(library)
        sonames.update(needed)
        symbols.update(undefined)
    sonames -= REAL
    for soname in sorted(sonames):
        path = folder / soname
        build(path, {(n, v) for n, v in symbols if owner(n, v, sonames) == soname})
    print(f"{len(sonames)} stubs in place of CUDA libraries")


if __name__ == "__main__":
    main()
