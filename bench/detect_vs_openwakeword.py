"""Live detection against openWakeWord 0.4.0, CPU time per second of sound, in one run on one core.

usage: bench/peers.sh bench/detect_vs_openwakeword.py [--wakebuilder PROGRAM] [--sound DIR] [--rounds N] [--json FILE]

wakebuilder's rows are whole processes (user and system time) less the same on 2 s of sound: raw samples on
standard input, features included. openWakeWord's row is its own Model.predict on pieces of 80 ms, one model,
one thread, in a process that has everything loaded. They take turns, medians are shown. Without --sound the
sound is the recorded word of src/pipeline/data again and again, with noise between.
"""

import argparse
import json
import os
import pathlib
import resource
import statistics
import subprocess
import tempfile
import time
import wave

os.environ["OMP_NUM_THREADS"] = "1"

import numpy
import openwakeword
import openwakeword.model
import onnxruntime

ROOT = pathlib.Path(__file__).resolve().parent.parent
RATE = 16_000
SECONDS = 120


def read_wav(path):
    with wave.open(str(path)) as file:
        return numpy.frombuffer(file.readframes(file.getnframes()), numpy.int16)


def make_sound(folder, seconds):
    random = numpy.random.default_rng(1)
    if folder:
        import soundfile
        files = sorted(p for p in pathlib.Path(folder).rglob("*") if p.suffix in (".wav", ".flac"))
        random.shuffle(files)
        pieces = ((soundfile.read(f, dtype="int16", always_2d=True)[0][:, 0]) for f in files)
    else:
        word = read_wav(ROOT / "src/pipeline/data/computer.wav")
        pieces = (numpy.concatenate([word, random.normal(0, 200, RATE).astype(numpy.int16)]) for _ in range(seconds))
    sound = numpy.concatenate([piece for piece, _ in zip(pieces, range(seconds))])
    return numpy.resize(sound, seconds * RATE)


class Process:
    """User and system time, wall time and peak memory of one process that reads this sound."""

    def __init__(self, command, sound=None):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        start = time.perf_counter()
        child = subprocess.Popen(command, stdin=subprocess.PIPE if sound is not None else subprocess.DEVNULL,
                                 stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        child.communicate(sound)
        self.wall = time.perf_counter() - start
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        self.cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        if child.returncode not in (0, 1):
            raise SystemExit(f"{command[0]} failed with status {child.returncode}")


def peak_mib(command):
    """Of a process of its own: in this one the peak is that of the largest child so far."""
    code = "import resource, subprocess, sys; subprocess.run(sys.argv[1:], stdin=sys.stdin, stdout=-3, stderr=-3); " \
           "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    with open(command[1]) as sound:
        return int(subprocess.run(["python3", "-c", code, *command[0]], stdin=sound, capture_output=True, text=True,
                                  check=True).stdout) / 1024


def make_models(program, folder, count):
    """The golden model, and others with the same backbone and other heads."""
    source = ROOT / "tests/data/compact/computer.pt"
    tensors = folder / "computer.safetensors"
    subprocess.run([program, "convert", source, tensors], check=True, stdout=subprocess.DEVNULL)
    bytes_ = tensors.read_bytes()
    size = int.from_bytes(bytes_[:8], "little")
    header, random, paths = json.loads(bytes_[8:8 + size]), numpy.random.default_rng(3), []
    for i in range(count):
        data = bytearray(bytes_[8 + size:])
        for name, entry in header.items():
            if i > 0 and name.startswith("head.") and not name.endswith("running_var") and entry.get("dtype") == "F32":
                begin, end = entry["data_offsets"]
                values = numpy.frombuffer(data[begin:end], "f")
                data[begin:end] = (values * random.uniform(1, 1.05, values.shape)).astype("f").tobytes()
        checkpoint, path = folder / f"m{i}.safetensors", folder / f"m{i}.onnx"
        checkpoint.write_bytes(bytes_[:8 + size] + data)
        subprocess.run([program, "export", "--checkpoint", checkpoint, "--output", path], check=True,
                       stdout=subprocess.DEVNULL)
        paths.append(str(path))
    return paths


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--wakebuilder", default=str(ROOT / "build/release/bin/wakebuilder"))
    parser.add_argument("--sound")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--json")
    args = parser.parse_args()
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    sound = make_sound(args.sound, SECONDS)
    raw, short = sound.tobytes(), sound[:2 * RATE].tobytes()
    models = pathlib.Path(openwakeword.__file__).parent / "resources/models"
    peer = openwakeword.model.Model(wakeword_model_paths=[str(models / "hey_jarvis_v0.1.onnx")])

    def peer_cpu():
        start = time.process_time()
        for begin in range(0, 20 * RATE - 1279, 1280):
            peer.predict(sound[begin:begin + 1280])
        return (time.process_time() - start) / 20

    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        paths = make_models(args.wakebuilder, folder, 10)
        one = [args.wakebuilder, "detect", paths[0], "-", "--json"]
        ten = [args.wakebuilder, "detect", *(word for path in paths for word in ("--model", path)), "-", "--json"]
        wav = folder / "two.wav"
        with wave.open(str(wav), "wb") as file:
            file.setnchannels(1), file.setsampwidth(2), file.setframerate(RATE), file.writeframes(short)
        figures = {"one": [], "ten": [], "openwakeword": [], "start": []}

        def live(command):
            return (Process(command, raw).cpu - Process(command, short).cpu) / (SECONDS - 2)

        for _ in range(args.rounds):
            figures["one"].append(live(one))
            figures["openwakeword"].append(peer_cpu())
            figures["ten"].append(live(ten))
            figures["start"].append(Process([args.wakebuilder, "detect", paths[0], str(wav)]).wall)
        hour, minute = folder / "hour.raw", folder / "minute.raw"
        hour.write_bytes(numpy.resize(sound, 3600 * RATE).tobytes())
        minute.write_bytes(numpy.resize(sound, 60 * RATE).tobytes())
        peaks = {name: peak_mib((one, path)) for name, path in (("minute", minute), ("hour", hour))}
    result = {name: statistics.median(values) for name, values in figures.items()}
    rows = [("`wakebuilder detect`, one model", result["one"]), ("`wakebuilder detect`, ten models", result["ten"]),
            (f"openWakeWord 0.4.0, one model, ONNX Runtime {onnxruntime.__version__}", result["openwakeword"])]
    print(f"load {os.getloadavg()[0]:.1f}, medians of {args.rounds} rounds, {SECONDS} s of sound\n")
    print("| live, one core | ms per second of sound | × |\n|---|--:|--:|")
    for name, seconds in rows:
        print(f"| {name} | {1000 * seconds:.2f} | {seconds / result['one']:.2f} |")
    print(f"\n{1 / result['one']:.0f} times real time; start to end of 2 s of sound {1000 * result['start']:.0f} ms; "
          f"peak memory {peaks['minute']:.1f} MiB for a minute, {peaks['hour']:.1f} MiB for an hour")
    if args.json:
        pathlib.Path(args.json).write_text(json.dumps({**result, "peak_mib": peaks}, indent=1) + "\n")


main()
