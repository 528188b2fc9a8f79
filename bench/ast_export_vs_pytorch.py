"""Export of a full-size AST: wakebuilder with its proof against PyTorch's dynamo exporter, each as a process.

usage: bench/peers.sh bench/ast_export_vs_pytorch.py FOLDER [--wakebuilder PATH]
  FOLDER  model.safetensors, config.json, preprocessor_config.json of an ASTModel of width 768
"""
import argparse, os, subprocess, sys, tempfile, time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PEER = """
import sys, torch
torch.version.cuda = None  # torchaudio of another CUDA version refuses to load else
import transformers
model = transformers.ASTModel.from_pretrained(sys.argv[1]).eval()
x = torch.randn(1, model.config.max_length, 128)
torch.onnx.export(model, (x,), sys.argv[2], dynamo=True, input_names=["input_values"], opset_version=18)
"""


def run(command):
    """Seconds and peak MiB of a process."""
    start = time.monotonic()
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        sys.exit(f"{command[:3]} ended with status {child.returncode}")
    return time.monotonic() - start, usage.ru_maxrss / 1024


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("--wakebuilder", default=str(ROOT / "build/release/bin/wakebuilder"))
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as out:
        ours = [args.wakebuilder, "export", "--checkpoint", str(ROOT / "examples/jarvis.pt"), "--graph", "ast",
                "--base", args.folder, "--output", f"{out}/ours.onnx"]
        peer = [sys.executable, "-c", PEER, args.folder, f"{out}/peer.onnx"]
        ours, peer = (sorted(run(command) for _ in range(3))[1] for command in (ours, peer))
    print(f"wakebuilder, proof included   {ours[0]:6.2f} s  {ours[1]:6.0f} MiB")
    print(f"torch.onnx.export, dynamo     {peer[0]:6.2f} s  {peer[1]:6.0f} MiB")
    print(f"ratio                         {peer[0] / ours[0]:6.1f}    {peer[1] / ours[1]:6.1f}")


main()
