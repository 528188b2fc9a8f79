"""Features of 10.24 s of sound, one thread: wakebuilder against the programs that models were trained with.

usage: bench/peers.sh bench/features_vs_peers.py [--bench PROGRAM] [--rounds N]

Prints a table in Markdown: medians of the processor time per call, inside a process that has
everything loaded. The programs take turns. wakebuilder's row is `batch` of features_bench: framing,
energies, normalisation and padding, as ASTFeatureExtractor; kaldi-native-fbank's row has no
normalisation, no padding, and no time for getting the frames out. Without --bench build/release/bin/features_bench is taken.
"""

import argparse
import importlib.metadata
import json
import os
import pathlib
import platform
import statistics
import subprocess
import time

os.environ["OMP_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = "1"

import kaldi_native_fbank
import numpy
import torch

torch.version.cuda = None  # or torchaudio refuses a PyTorch of another CUDA version; only the CPU is used

from transformers import ASTFeatureExtractor
from transformers.utils import is_speech_available

HERE = pathlib.Path(__file__).resolve().parent
SAMPLES = 163_840
CALLS = 10
PEERS = ("transformers", "torchaudio", "torch", "kaldi-native-fbank", "numpy")


def wakebuilder_seconds(program):
    command = [program, "--benchmark_filter=^batch$", "--benchmark_min_time=0.05", "--benchmark_format=json"]
    row = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)["benchmarks"][0]
    assert not row.get("error_occurred") and row["time_unit"] == "us", row
    return row["cpu_time"] * 1e-6


def kaldi(samples):
    options = kaldi_native_fbank.FbankOptions()
    options.frame_opts.dither = 0
    options.frame_opts.window_type = "hanning"
    options.frame_opts.samp_freq = 16000
    options.mel_opts.num_bins = 128
    options.mel_opts.low_freq = 20
    options.use_energy = False
    fbank = kaldi_native_fbank.OnlineFbank(options)
    fbank.accept_waveform(16000, samples)
    fbank.input_finished()
    return fbank.num_frames_ready


def seconds_of(call):
    start = time.process_time()
    for _ in range(CALLS):
        call()
    return (time.process_time() - start) / CALLS


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bench", default=HERE.parent / "build/release/bin/features_bench", type=pathlib.Path)
    parser.add_argument("--rounds", default=15, type=int)
    arguments = parser.parse_args()
    assert is_speech_available(), "torchaudio is not installed: transformers would take its slow path"

    torch.set_num_threads(1)
    samples = numpy.random.default_rng(1).uniform(-0.5, 0.5, SAMPLES).astype(numpy.float32)
    as_list = samples.tolist()  # what its binding takes fastest
    extractor = ASTFeatureExtractor()
    calls = {
        "transformers' ASTFeatureExtractor (torchaudio)":
            lambda: extractor(samples, sampling_rate=16000, return_tensors="np")["input_values"],
        "kaldi-native-fbank": lambda: kaldi(as_list),
    }
    assert next(iter(calls.values()))().shape == (1, 1024, 128) and kaldi(samples) == 1022

    times = {"wakebuilder": []} | {name: [] for name in calls}
    for _ in range(arguments.rounds):
        times["wakebuilder"].append(wakebuilder_seconds(arguments.bench))
        for name, call in calls.items():
            times[name].append(seconds_of(call))
    medians = {name: statistics.median(values) for name, values in times.items()}
    print("| 10.24 s of sound, one thread | processor | × |\n|---|--:|--:|")
    for name, median in medians.items():
        print(f"| {name} | {median * 1e3:.2f} ms | {median / medians['wakebuilder']:.1f} |")
    print()
    print(", ".join(f"{peer} {importlib.metadata.version(peer)}" for peer in PEERS), platform.machine())


if __name__ == "__main__":
    main()
