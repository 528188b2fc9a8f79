"""libwakebuilder.so as Python sees it, with ctypes and nothing else.

usage: ctypes_test.py LIBRARY MODEL.onnx SOUND.wav HEARD.json

HEARD.json is what `wakebuilder detect MODEL.onnx SOUND.wav --json` says.
"""

import ctypes
import json
import os
import sys
import tempfile
import threading
import unittest
import wave
from ctypes import POINTER, c_char_p, c_double, c_float, c_int, c_int16, c_size_t, c_uint32, c_uint64, c_void_p

INVALID_ARGUMENT, NOT_FOUND, UNSUPPORTED = 1, 2, 4


class Options(ctypes.Structure):
    _fields_ = [
        ("size", c_size_t),
        ("threshold", c_double),
        ("refractory_s", c_double),
        ("gate_dbfs", c_double),
        ("smoothing", c_uint32),
        ("strict_provider", c_uint32),
        ("providers", c_char_p),
        ("onnxruntime", c_char_p),
    ]


class Detection(ctypes.Structure):
    _fields_ = [
        ("model", c_char_p),
        ("wake_word", c_char_p),
        ("model_index", c_size_t),
        ("time_s", c_double),
        ("score", c_double),
    ]


FUNCTIONS = {
    "open": (c_void_p, [POINTER(c_char_p), c_size_t, POINTER(Options)]),
    "close": (None, [c_void_p]),
    "push_f32": (c_int, [c_void_p, POINTER(c_float), c_size_t]),
    "push_s16": (c_int, [c_void_p, POINTER(c_int16), c_size_t]),
    "finish": (c_int, [c_void_p]),
    "poll": (c_int, [c_void_p, POINTER(Detection)]),
    "reset": (c_int, [c_void_p]),
    "samples": (c_uint64, [c_void_p]),
    "score": (c_double, [c_void_p, c_size_t]),
    "last_error": (c_char_p, []),
    "last_error_code": (c_int, []),
}


class Library:
    """The functions of wakebuilder.h without their prefix: library.open(...)."""

    def __init__(self, path):
        library = ctypes.CDLL(path)
        for name, (result, arguments) in FUNCTIONS.items():
            function = library["wakebuilder_" + name]
            function.restype, function.argtypes = result, arguments
            setattr(self, name, function)

    def error(self):
        return self.last_error_code(), self.last_error().decode()


def open_models(*paths, options=None):
    array = (c_char_p * len(paths))(*[os.fsencode(path) for path in paths])
    return library.open(array, len(paths), ctypes.byref(options) if options else None)


def detections(detector):
    found, out = [], Detection()
    while library.poll(detector, out) == 1:
        found.append((out.time_s, out.score, out.model.decode()))
    return found


class Listening(unittest.TestCase):
    def setUp(self):
        self.detector = open_models(model)
        self.assertTrue(self.detector, library.error())

    def tearDown(self):
        library.close(self.detector)

    def hear(self, push, type_, samples, sizes):
        begin = 0
        while begin < len(samples):
            piece = samples[begin : begin + sizes[begin % len(sizes)]]
            self.assertGreaterEqual(push(self.detector, (type_ * len(piece))(*piece), len(piece)), 0)
            begin += len(piece)
        self.assertEqual(library.finish(self.detector), 1)
        return detections(self.detector)

    def test_hears_samples_of_16_bits_as_the_command_line_does(self):
        self.assertEqual(self.hear(library.push_s16, c_int16, sound, [1, 999, 77, 4096, 3]), expected)

    def test_hears_floats_as_the_command_line_does(self):
        floats = [sample / 32768 for sample in sound]
        self.assertEqual(self.hear(library.push_f32, c_float, floats, [12345, 5, 161]), expected)

    def test_hears_the_same_again_after_a_reset(self):
        self.hear(library.push_s16, c_int16, sound, [20000])
        self.assertEqual(library.reset(self.detector), 0)
        self.assertEqual(library.samples(self.detector), 0)
        self.assertEqual(self.hear(library.push_s16, c_int16, sound, [160]), expected)

    def test_refuses_nan_and_goes_on(self):
        piece = (c_float * 2)(0, float("nan"))
        self.assertEqual(library.push_f32(self.detector, piece, 2), -1)
        self.assertEqual(library.last_error_code(), INVALID_ARGUMENT)
        self.assertEqual(self.hear(library.push_s16, c_int16, sound, [160]), expected)

    def test_keeps_errors_of_threads_apart(self):
        library.finish(None)
        mine = library.error()

        def fail_elsewhere(errors):
            errors.append(library.error())
            library.poll(self.detector, None)
            errors.append(library.error())

        theirs = []
        thread = threading.Thread(target=fail_elsewhere, args=[theirs])
        thread.start()
        thread.join()
        self.assertEqual(theirs[0], (0, ""))
        self.assertEqual(theirs[1], (INVALID_ARGUMENT, "out: expected a pointer, found NULL"))
        self.assertEqual(library.error(), mine)

    def test_detectors_of_two_threads_hear_at_once(self):
        other = open_models(model)
        array, heard = (c_int16 * len(sound))(*sound), {}

        def listen(detector):
            library.push_s16(detector, array, len(sound))
            heard[detector] = detections(detector)

        threads = [threading.Thread(target=listen, args=[detector]) for detector in (self.detector, other)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        library.close(other)
        self.assertEqual(heard, {self.detector: expected, other: expected})


class Opening(unittest.TestCase):
    def test_says_which_model_is_not_there(self):
        self.assertIsNone(open_models("/absent/jarvis.onnx"))
        code, sentence = library.error()
        self.assertEqual(code, NOT_FOUND)
        self.assertIn("/absent/jarvis.onnx", sentence)

    def test_says_that_text_is_no_model(self):
        with tempfile.NamedTemporaryFile("w", suffix=".onnx") as file:
            file.write("this is no model\n")
            file.flush()
            self.assertIsNone(open_models(file.name))
        code, sentence = library.error()
        self.assertEqual(code, UNSUPPORTED)
        self.assertIn("is not an ONNX model: looks like text", sentence)

    def test_refuses_options_of_a_wrong_size(self):
        self.assertIsNone(open_models(model, options=Options()))
        code, sentence = library.error()
        self.assertEqual(code, INVALID_ARGUMENT)
        self.assertIn(f"wakebuilder_options.size: expected {ctypes.sizeof(Options)}, found 0", sentence)

    def test_takes_a_threshold(self):
        detector = open_models(model, options=Options(size=ctypes.sizeof(Options), threshold=0.99))
        self.assertEqual(library.push_s16(detector, (c_int16 * len(sound))(*sound), len(sound)), 0)
        self.assertGreater(library.score(detector, 0), 0)
        library.close(detector)

    def test_refuses_null(self):
        self.assertIsNone(library.open(None, 1, None))
        self.assertEqual(library.error(), (INVALID_ARGUMENT, "models: expected a pointer, found NULL"))


if __name__ == "__main__":
    library = Library(sys.argv[1])
    model = sys.argv[2]
    with wave.open(sys.argv[3]) as recording:
        sound = memoryview(recording.readframes(recording.getnframes())).cast("h").tolist()
    with open(sys.argv[4]) as answer:
        expected = [(d["time_s"], d["score"], d["model"]) for d in json.load(answer)["detections"]]
    unittest.main(argv=sys.argv[:1])
