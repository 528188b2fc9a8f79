"""A hop of the streaming graph against the whole window, in ONNX Runtime with one thread, CPU time.

usage: bench/peers.sh bench/stream_vs_window.py [--wakebuilder PATH]
"""
import argparse, subprocess, tempfile, time
from pathlib import Path

import numpy as np
import onnxruntime

ROOT = Path(__file__).resolve().parent.parent
GRAPHS = {"window, 160 frames": ["--frames", "160"], "step, 16 frames": ["--stream"],
          "step, 2560 samples": ["--stream", "--input", "waveform"]}


def session(path):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--wakebuilder", default=str(ROOT / "build/release/bin/wakebuilder"))
    args = parser.parse_args()
    random = np.random.default_rng(0)
    runs = {}
    with tempfile.TemporaryDirectory() as out:
        for name, options in GRAPHS.items():
            path = f"{out}/{name}.onnx"
            subprocess.run([args.wakebuilder, "export", "--checkpoint", ROOT / "tests/data/compact/computer.pt",
                            "--output", path, *options], check=True, stdout=subprocess.DEVNULL)
            model = session(path)
            feed = {i.name: np.zeros([1 if isinstance(d, str) else d for d in i.shape], "f") for i in model.get_inputs()}
            for key in ("input_values", "waveform"):
                if key in feed:
                    feed[key] = random.normal(0, 0.3, feed[key].shape).astype("f")
            runs[name] = lambda model=model, feed=feed: model.run(None, feed)
    times = {name: [] for name in runs}
    for _ in range(300):  # in turn, so that a busy moment hits all
        for name, run in runs.items():
            start = time.process_time()
            run()
            times[name].append(time.process_time() - start)
    medians = {name: float(np.median(values[20:])) for name, values in times.items()}
    whole = medians["window, 160 frames"]
    for name, median in medians.items():
        print(f"{name:20} {median * 1e6:7.0f} us  {whole / median:5.1f} x")


main()
