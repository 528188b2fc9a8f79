"""Live detection against openWakeWord 0.4.0: processor time per second of sound, in one run on one core.

usage: bench/peers.sh bench/detect_vs_openwakeword.py [--sound DIR] [--seconds N] [--rounds N] [--json FILE]
                                                      [--wakebuilder PROGRAM]

wakebuilder's rows are whole processes (user and system time) less the same on 2 s of sound: raw samples on
standard input, or a WAV, features included; a score each 160 ms. openWakeWord's row is its own Model.predict on
pieces of 80 ms, as its documentation has it, one model, one thread, in a process that has everything loaded; below
it the same on pieces of 160 ms (two scores each), and its three models alone in ONNX Runtime, on inputs of the
shapes of 80 ms, without the Python between them. All take turns; medians are shown.

--sound is a folder of recordings (.wav, .flac, 16 kHz), put behind one another in a seeded order. Without it the
sound is the recorded word of src/pipeline/data again and again, with noise between. Needs a release build.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
import wave

os.environ["OMP_NUM_THREADS"] = "1"

import numpy
import onnxruntime
import openwakeword
import openwakeword.model
import soundfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
PEER_MODELS = pathlib.Path(openwakeword.__file__).parent / "resources/models"
PEER_HEAD = PEER_MODELS / "hey_jarvis_v0.1.onnx"
RATE = 16_000
STEP = 1280  # samples of a step of openWakeWord, 80 ms
SHORT = 2  # seconds of the sound that is subtracted
PEER_SECONDS = 60  # of a round: what a step costs does not depend on the sound
TEN = 10

# A user's program: everything loaded, then the raw sound in argv[2].
PEER_PROGRAM = """
import sys, numpy, openwakeword.model
model = openwakeword.model.Model(wakeword_model_paths=[sys.argv[1]])
sound = numpy.fromfile(sys.argv[2], numpy.int16)
for begin in range(0, len(sound) - 1279, 1280):
    model.predict(sound[begin:begin + 1280])
"""

# Forks from a small process: the peak of a child begins with the memory of its parent.
PEAK_PROGRAM = """
import resource, subprocess, sys
subprocess.run(sys.argv[2:], stdin=open(sys.argv[1]), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


def make_sound(folder, seconds):
    random = numpy.random.default_rng(1)
    word = soundfile.read(ROOT / "src/pipeline/data/computer.wav", dtype="int16")[0]

    def pieces():
        files = sorted(p for p in pathlib.Path(folder or ".").rglob("*") if p.suffix in (".wav", ".flac"))
        random.shuffle(files)
        for file in files if folder else ():
            yield soundfile.read(file, dtype="int16", always_2d=True)[0][:, 0]
        while not folder:
            yield numpy.concatenate([word, random.normal(0, 200, RATE).astype(numpy.int16)])

    sound, length = [], 0
    for piece in pieces():
        sound.append(piece)
        length += len(piece)
        if length >= seconds * RATE:
            break
    return numpy.resize(numpy.concatenate(sound), seconds * RATE)


def write_wav(path, sound):
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(sound.tobytes())
    return str(path)


class Process:
    """User and system time and wall time of one process; `sound` is a file on its standard input."""

    def __init__(self, command, sound=os.devnull):
        with open(sound, "rb") as file:
            start = time.perf_counter()
            child = subprocess.Popen(command, stdin=file, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            _, status, usage = os.wait4(child.pid, 0)
            self.wall = time.perf_counter() - start
        child.returncode = os.waitstatus_to_exitcode(status)
        self.cpu = usage.ru_utime + usage.ru_stime
        if child.returncode not in (0, 1):
            raise SystemExit(f"{command[0]} failed with status {child.returncode}")


def peak_mib(command, sound=os.devnull):
    answer = subprocess.run([sys.executable, "-c", PEAK_PROGRAM, sound, *command], capture_output=True, text=True,
                            check=True)
    return int(answer.stdout) / 1024


def make_models(program, folder, count):
    """The golden model, and others with the same backbone and other heads."""
    tensors = folder / "computer.safetensors"
    subprocess.run([program, "convert", ROOT / "tests/data/compact/computer.pt", tensors], check=True,
                   stdout=subprocess.DEVNULL)
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
    if len({pathlib.Path(path).read_bytes() for path in paths}) != count:
        raise SystemExit("the models are to have different heads")
    return paths


class Peer:
    def __init__(self, sound):
        self.sound = sound[:PEER_SECONDS * RATE]
        warnings.filterwarnings("ignore", message=".*CUDAExecutionProvider.*")  # it asks for that first
        self.model = openwakeword.model.Model(wakeword_model_paths=[str(PEER_HEAD)])
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self.sessions = []
        # As AudioFeatures._streaming_features feeds them: 1280 samples and 480 before, 76 frames, 16 embeddings.
        for name, shape in (("melspectrogram.onnx", (1, STEP + 480)), ("embedding_model.onnx", (1, 76, 32, 1)),
                            (PEER_HEAD.name, (1, 16, 96))):
            session = onnxruntime.InferenceSession(PEER_MODELS / name, options, ["CPUExecutionProvider"])
            value = numpy.random.default_rng(2).normal(0, 1, shape).astype("f")
            self.sessions.append((session, {session.get_inputs()[0].name: value}))

    def cpu(self, step, size=STEP):
        """Seconds of processor time per second of sound."""
        start = time.process_time()
        for begin in range(0, len(self.sound), size):
            step(self.sound[begin:begin + size])
        return (time.process_time() - start) / PEER_SECONDS

    def whole(self, size=STEP):
        return self.cpu(self.model.predict, size)

    def models_alone(self):
        def step(_):
            for session, inputs in self.sessions:
                session.run(None, inputs)
        return self.cpu(step)


def measure(args, folder):
    sound = make_sound(args.sound, args.seconds)
    raw, short_raw = str(folder / "long.raw"), str(folder / "short.raw")
    sound.tofile(raw)
    sound[:SHORT * RATE].tofile(short_raw)
    wav, short_wav = write_wav(folder / "long.wav", sound), write_wav(folder / "short.wav", sound[:SHORT * RATE])
    paths, peer = make_models(args.wakebuilder, folder, TEN), Peer(sound)
    one = [args.wakebuilder, "detect", paths[0]]
    ten = [args.wakebuilder, "detect", *(word for path in paths for word in ("--model", path))]
    peer_program = [sys.executable, "-c", PEER_PROGRAM, str(PEER_HEAD)]
    figures = {name: [] for name in ("live", "peer", "file", "peer_160", "ten", "peer_models", "file_wall", "start",
                                  "peer_start")}

    def per_second(long, short, what):
        return (getattr(long, what) - getattr(short, what)) / (args.seconds - SHORT)

    for _ in range(args.rounds):
        long, short = Process([*one, "-"], raw), Process([*one, "-"], short_raw)
        figures["live"].append(per_second(long, short, "cpu"))
        figures["peer"].append(peer.whole())
        long, short = Process([*one, wav]), Process([*one, short_wav])
        figures["file"].append(per_second(long, short, "cpu"))
        figures["file_wall"].append(per_second(long, short, "wall"))
        figures["peer_160"].append(peer.whole(2 * STEP))
        long_ten, short_ten = Process([*ten, "-"], raw), Process([*ten, "-"], short_raw)
        figures["ten"].append(per_second(long_ten, short_ten, "cpu"))
        figures["peer_models"].append(peer.models_alone())
        figures["start"].append(short.wall)
        figures["peer_start"].append(Process([*peer_program, short_raw]).wall)

    minute, hour = str(folder / "minute.raw"), str(folder / "hour.raw")
    numpy.resize(sound, 60 * RATE).tofile(minute)
    numpy.resize(sound, 3600 * RATE).tofile(hour)
    peaks = {"minute": peak_mib([*one, "-"], minute), "hour": peak_mib([*one, "-"], hour),
             "ten": peak_mib([*ten, "-"], minute), "peer": peak_mib([*peer_program, minute])}
    return figures, peaks


def show(args, figures, peaks):
    middle = {name: statistics.median(values) for name, values in figures.items()}
    rows = [("`wakebuilder detect`, standard input", "live"), ("`wakebuilder detect`, WAV", "file"),
            (f"`wakebuilder detect`, standard input, {TEN} models", "ten"),
            ("openWakeWord 0.4.0, `Model.predict`, 80 ms", "peer"),
            ("the same, pieces of 160 ms", "peer_160"), ("its three models alone in ONNX Runtime", "peer_models")]
    print(f"ONNX Runtime {onnxruntime.__version__} (openWakeWord), load {os.getloadavg()[0]:.1f}, "
          f"medians of {args.rounds} rounds, {args.seconds} s of sound\n")
    print("| one core | processor, ms per second of sound | least to most | × |\n|---|--:|--:|--:|")
    for text, name in rows:
        print(f"| {text} | {1000 * middle[name]:.2f} | {1000 * min(figures[name]):.2f} to "
              f"{1000 * max(figures[name]):.2f} | {middle[name] / middle['live']:.2f} |")
    print(f"\nfile mode: {1 / middle['file_wall']:.0f} times real time"
          f"\n2 s of sound, start to end of the process: {1000 * middle['start']:.0f} ms; "
          f"openWakeWord in Python {1000 * middle['peer_start']:.0f} ms"
          f"\npeak memory: {peaks['minute']:.1f} MiB for a minute, {peaks['hour']:.1f} MiB for an hour, "
          f"{peaks['ten']:.1f} MiB with {TEN} models; openWakeWord in Python {peaks['peer']:.1f} MiB")
    return middle


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--wakebuilder", default=str(ROOT / "build/release/bin/wakebuilder"))
    parser.add_argument("--sound")
    parser.add_argument("--seconds", type=int, default=600)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--json")
    args = parser.parse_args()
    if args.seconds < PEER_SECONDS:
        parser.error(f"--seconds: expected at least {PEER_SECONDS}")
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    with tempfile.TemporaryDirectory() as folder:
        figures, peaks = measure(args, pathlib.Path(folder))
    middle = show(args, figures, peaks)
    if args.json:
        report = {"load": os.getloadavg()[0], "seconds": args.seconds, "rounds": args.rounds,
                  "medians_s": middle, "all_s": figures, "peak_mib": peaks}
        pathlib.Path(args.json).write_text(json.dumps(report, indent=1) + "\n")


main()
