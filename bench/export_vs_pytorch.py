"""Export of the 768-wide head with every block: wakebuilder against PyTorch's exporters.

usage: bench/peers.sh bench/export_vs_pytorch.py [--wakebuilder PROGRAM] [--runs N] [--work DIR]

Prints two tables in Markdown. The first is about the exporters, each a whole process from start to
exit, run in turns: medians of wall time, of processor time (user + system, all threads) and of the
peak resident size. The second is about the files: size, latency at batch 1 in the same ONNX Runtime
with one thread, and the largest difference of a logit from PyTorch's own forward pass.
"""

import argparse
import importlib.metadata
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
WANTED = {"dynamo": 50, "torchscript": 20}
MIB = 1024  # ru_maxrss counts in KiB
PEERS = ("torch", "onnxruntime", "onnxslim", "onnxsim")

# PyTorch and the like are imported where they are needed, after the exporters were measured: Linux
# counts the memory of the process that starts another into that one's peak.


def quiet_environment():
    """No telemetry of ONNX Runtime: it writes to the disk and would be in the measurements."""
    return os.environ | {"ORT_DISABLE_TELEMETRY": "1"}


def run_process(command):
    """(wall seconds, processor seconds, peak resident KiB) of one process."""
    start = time.perf_counter()
    process = subprocess.Popen(
        [str(part) for part in command],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env=quiet_environment(),
    )
    message = process.stderr.read().decode(errors="replace")
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        sys.exit(f"{command[0]} failed: {message[-2000:]}")
    return wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss


def median_table(commands, runs):
    """Runs the commands in turns, once without counting, and gives {name: medians}."""
    samples = {name: [] for name in commands}
    for i in range(runs + 1):
        for name, command in commands.items():
            sample = run_process(command)
            if i > 0:
                samples[name].append(sample)
    return {name: [statistics.median(column) for column in zip(*rows)] for name, rows in samples.items()}


def bytes_on_disk(path):
    """A model and what it keeps beside it."""
    return sum(file.stat().st_size for file in path.parent.glob(path.name + "*"))


def export_table(program, checkpoint, work, runs):
    own = [program, "export", "--force", "--checkpoint", checkpoint, "--output"]
    peer = [sys.executable, HERE / "peer_export.py"]
    outputs = {
        "wakebuilder": work / "wakebuilder.onnx",
        "wakebuilder --no-fold": work / "faithful.onnx",
        "torchscript": work / "torchscript.onnx",
        "dynamo": work / "dynamo.onnx",
    }
    commands = {
        "wakebuilder": [*own, outputs["wakebuilder"]],
        "wakebuilder --no-fold": [*own, outputs["wakebuilder --no-fold"], "--no-fold"],
        "torchscript": [*peer, "torchscript", checkpoint, outputs["torchscript"]],
        "dynamo": [*peer, "dynamo", checkpoint, outputs["dynamo"]],
    }
    names = {
        "wakebuilder": "`wakebuilder export`",
        "wakebuilder --no-fold": "`wakebuilder export --no-fold`",
        "torchscript": "`torch.onnx.export(dynamo=False)`",
        "dynamo": "`torch.onnx.export`",
    }
    medians = median_table(commands, runs)
    wall, processor, _ = medians["wakebuilder"]
    print("| exporter, whole process | wall | × | processor | × | peak memory | size |")
    print("|---|--:|--:|--:|--:|--:|--:|")
    for key, path in outputs.items():
        row = medians[key]
        print(
            f"| {names[key]} | {row[0]:.3f} s | {row[0] / wall:.1f} | {row[1]:.3f} s | {row[1] / processor:.1f} "
            f"| {row[2] / MIB:.0f} MiB | {bytes_on_disk(path) / 1e6:.2f} MB |"
        )
    for key, wanted in WANTED.items():
        ratio = medians[key][0] / wall
        print(f"\n{names[key]}: {ratio:.1f} times the time, wanted at least {wanted}", end="")
    print("\n")
    return outputs


def simplify(outputs, work):
    """What onnxslim and onnxsim make of PyTorch's files."""
    import onnx
    import onnxsim
    import onnxslim

    files = {}
    for name in ("torchscript", "dynamo"):
        model = onnx.load(str(outputs[name]))
        files[name] = outputs[name]
        files[f"{name}, onnxslim"] = work / f"{name}_slim.onnx"
        onnx.save(onnxslim.slim(model), str(files[f"{name}, onnxslim"]))
        simplified, ok = onnxsim.simplify(onnx.load(str(outputs[name])))
        if not ok:
            sys.exit(f"onnxsim could not keep {name} as it is")
        files[f"{name}, onnxsim"] = work / f"{name}_sim.onnx"
        onnx.save(simplified, str(files[f"{name}, onnxsim"]))
    return files


def open_session(path):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def latencies(sessions, feeds, rounds=25, runs=100):
    """Median over rounds of the median microseconds of a run; the models take turns within a round."""
    medians = {name: [] for name in sessions}
    for i in range(rounds + 1):
        for name, session in sessions.items():
            times = []
            for _ in range(runs):
                start = time.perf_counter_ns()
                session.run(None, feeds)
                times.append(time.perf_counter_ns() - start)
            if i > 0:
                medians[name].append(statistics.median(times) / 1e3)
    return {name: statistics.median(rows) for name, rows in medians.items()}


def model_table(outputs, checkpoint, work):
    import numpy as np
    import onnx
    import torch

    from peer_head import load

    head = load(checkpoint)
    width = head.input_norm.weight.numel()
    many = torch.randn(7, width, generator=torch.Generator().manual_seed(7))
    with torch.no_grad():
        expected = head.double()(many.double()).numpy()
    files = {"wakebuilder": outputs["wakebuilder"], "wakebuilder --no-fold": outputs["wakebuilder --no-fold"]}
    files |= simplify(outputs, work)
    sessions = {name: open_session(path) for name, path in files.items()}
    one = {"embeddings": many[:1].numpy()}
    times = latencies(sessions, one)
    own = times["wakebuilder"]
    print("| model | size | nodes | batch 1, 1 thread | × | largest difference of a logit |")
    print("|---|--:|--:|--:|--:|--:|")
    for name, path in files.items():
        found = sessions[name].run(["logits"], {"embeddings": many.numpy()})[0]
        nodes = len(onnx.load(str(path), load_external_data=False).graph.node)
        print(
            f"| {name} | {bytes_on_disk(path) / 1e6:.2f} MB | {nodes} | {times[name]:.0f} µs | {times[name] / own:.1f} "
            f"| {np.abs(found - expected).max():.1e} |"
        )
    sizes = [bytes_on_disk(outputs[name]) for name in ("wakebuilder", "wakebuilder --no-fold")]
    reads = " and ".join(f"{size / 1e6:.2f} MB in {read_microseconds(size):.0f} µs" for size in sizes)
    print(f"\nOne core reads {reads}.")


def read_microseconds(size):
    """How long one core takes to read that many bytes once: no model can be faster than its weights."""
    import numpy as np

    numbers = np.ones(size // 4, np.float32)
    times = []
    for _ in range(200):
        start = time.perf_counter_ns()
        numbers.max()
        times.append(time.perf_counter_ns() - start)
    return statistics.median(times) / 1e3


def processor_name():
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    program = HERE.parent / "build" / "release" / "bin" / "wakebuilder"
    parser.add_argument("--wakebuilder", default=program, type=pathlib.Path, help="the program (default: %(default)s)")
    parser.add_argument("--runs", default=7, type=int, help="counted runs of each exporter (default: %(default)s)")
    parser.add_argument("--work", type=pathlib.Path, help="where to leave the files (default: nowhere)")
    options = parser.parse_args()
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    with tempfile.TemporaryDirectory() as folder:
        work = options.work or pathlib.Path(folder)
        work.mkdir(parents=True, exist_ok=True)
        checkpoint = work / "all-blocks.pt"
        subprocess.run([sys.executable, HERE / "make_checkpoint.py", checkpoint], check=True)
        versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in PEERS)
        print(
            f"{processor_name()}, {os.cpu_count()} threads, load {os.getloadavg()[0]:.1f}; "
            f"{versions}; medians of {options.runs} runs\n"
        )
        outputs = export_table(options.wakebuilder, checkpoint, work, options.runs)
        model_table(outputs, checkpoint, work)


if __name__ == "__main__":
    main()
