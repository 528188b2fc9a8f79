/*
 * wakebuilder.h: wake words in a stream of sound, from C or whatever can call C.
 *
 *     const char* model = "computer.onnx";
 *     wakebuilder_detector* detector = wakebuilder_open(&model, 1, NULL);
 *     if (detector == NULL) puts(wakebuilder_last_error());
 *     while (read_microphone(samples, 1600)) {
 *       wakebuilder_detection heard;
 *       wakebuilder_push_s16(detector, samples, 1600);
 *       while (wakebuilder_poll(detector, &heard) == 1) puts(heard.wake_word);
 *     }
 *     wakebuilder_close(detector);
 *
 * Sound. 16 kHz, mono. The samples may come in pieces of any size: how they are cut changes nothing
 * in the answers. Nothing waits for time: sound is heard as fast as it is pushed, inside the push.
 *
 * Errors. A function that fails returns NULL or a negative number, as said beside it, and leaves a
 * sentence and a code: wakebuilder_last_error(), wakebuilder_last_error_code(). NULL where a
 * pointer is expected is such an error, no crash. Nothing is printed, and no C++ exception gets
 * out.
 *
 * Ownership. What goes in is only looked at during the call. Texts that come out belong to the
 * library; beside each function is how long they live. All texts are UTF-8, or the bytes of a path.
 *
 * Threads. A detector may be used by one thread at a time, not always the same one; different
 * detectors by different threads at once. The first wakebuilder_open() loads ONNX Runtime, and each
 * sets ORT_DISABLE_TELEMETRY=1 in the environment, unless it is so already: a program whose other
 * threads call setenv() or getenv() sets it itself before it starts them.
 *
 * ABI. Everything here stays as it is for all of libwakebuilder.so.0: functions and error codes are
 * only added, wakebuilder_options only grows at its end, wakebuilder_detection does not change.
 */
#ifndef WAKEBUILDER_WAKEBUILDER_H
#define WAKEBUILDER_WAKEBUILDER_H

/* NOLINTBEGIN(modernize-deprecated-headers, modernize-use-using, readability-identifier-naming): C
 */

#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define WAKEBUILDER_API __attribute__((visibility("default")))
#else
#define WAKEBUILDER_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* Samples in a second. */
#define WAKEBUILDER_SAMPLE_RATE_HZ 16000

/* Detections that wait for wakebuilder_poll() at most. */
#define WAKEBUILDER_MAX_WAITING 1024

/* Why a call failed. */
enum {
  WAKEBUILDER_OK = 0,               /* nothing has failed on this thread yet */
  WAKEBUILDER_INVALID_ARGUMENT = 1, /* a NULL, a number out of range, a sample that is NaN */
  WAKEBUILDER_NOT_FOUND = 2,        /* the model file is not there */
  WAKEBUILDER_CORRUPT = 3,          /* a damaged file */
  WAKEBUILDER_UNSUPPORTED = 4,      /* no ONNX model, or one that hears no sound */
  WAKEBUILDER_MISMATCH = 5,         /* a model that contradicts its own metadata */
  WAKEBUILDER_CHECK_FAILED = 6,
  WAKEBUILDER_IO = 7,            /* a file or folder cannot be read */
  WAKEBUILDER_UNAVAILABLE = 8,   /* ONNX Runtime is not there, or a provider that must be */
  WAKEBUILDER_OUT_OF_MEMORY = 9, /* of main memory */
  WAKEBUILDER_INTERNAL = 10      /* a bug of this library: please report its sentence */
};

/* Models that listen to one stream of sound. */
typedef struct wakebuilder_detector wakebuilder_detector;

/*
 * How to listen. Zeros are the defaults. Begin with WAKEBUILDER_OPTIONS_INIT, then set what should
 * be otherwise:
 *
 *     wakebuilder_options options = WAKEBUILDER_OPTIONS_INIT;
 *     options.threshold = 0.7;
 */
typedef struct wakebuilder_options {
  /* sizeof(wakebuilder_options): later versions add members at the end. */
  size_t size;
  /* Probability from which on a word counts as heard, up to 1; 0, negative or NaN: each model's
   * own. */
  double threshold;
  /* Seconds after a detection without another one of the same model, up to 3600; 0, negative or
   * NaN: each model's own. For none: 1e-9. */
  double refractory_s;
  /* Look only at windows that are as loud as this, in dB under full scale: -55, down to -200;
   * silence costs little then. 0 or NaN: look at all. */
  double gate_dbfs;
  /* Scores that are averaged, 1 to 100; 0: each model's own. */
  uint32_t smoothing;
  /* Not 0: a provider that cannot be had is an error; else it is a wakebuilder_remark(). */
  uint32_t strict_provider;
  /* What computes, preferred first: "cuda,cpu", "tensorrt:trt_fp16_enable=1;cuda"; NULL or "": cpu.
   */
  const char* providers;
  /* Path of libonnxruntime.so. NULL or "": $WAKEBUILDER_ONNXRUNTIME, else ../lib/libonnxruntime.so
   * seen from the program, else the one this library was built with, else the system's. */
  const char* onnxruntime;
} wakebuilder_options;

#define WAKEBUILDER_OPTIONS_INIT \
  { sizeof(wakebuilder_options), 0, 0, 0, 0, 0, NULL, NULL }

/* A wake word was said. */
typedef struct wakebuilder_detection {
  const char* model;     /* "computer" of computer.onnx; lives until wakebuilder_close() */
  const char* wake_word; /* what people say: "computer"; lives until wakebuilder_close() */
  size_t model_index;    /* of the models that were opened */
  double time_s;         /* end of the window that it was heard in, in seconds from the begin */
  double score;          /* probability, 0 to 1, mean of the last windows */
} wakebuilder_detection;

/*
 * Opens `count` models (paths of .onnx files with different names) to listen to one stream.
 * `options` may be NULL. Returns a detector that wakebuilder_close() frees, or NULL.
 */
WAKEBUILDER_API wakebuilder_detector* wakebuilder_open(const char* const* models, size_t count,
                                                       const wakebuilder_options* options);

/* Frees a detector and the texts that came from it; NULL is no error and does nothing. */
WAKEBUILDER_API void wakebuilder_close(wakebuilder_detector* detector);

/*
 * Listens to `count` more samples, nominally -1 to 1. Returns how many detections wait for
 * wakebuilder_poll() now, or -1: a sample that is NaN or infinite is WAKEBUILDER_INVALID_ARGUMENT,
 * and nothing of the piece was used. After an error of any other code, and after
 * wakebuilder_finish(), every push fails until wakebuilder_reset(). `samples` may be NULL if
 * `count` is 0.
 */
WAKEBUILDER_API int wakebuilder_push_f32(wakebuilder_detector* detector, const float* samples,
                                         size_t count);

/* The same for samples of 16 bits in the byte order of the machine, -32768 to 32767. */
WAKEBUILDER_API int wakebuilder_push_s16(wakebuilder_detector* detector, const int16_t* samples,
                                         size_t count);

/*
 * The end of a recording: one that was shorter than a window is judged now. Returns how many
 * detections wait, or -1. Live sound needs it not. A second call changes nothing.
 */
WAKEBUILDER_API int wakebuilder_finish(wakebuilder_detector* detector);

/*
 * Takes the oldest detection that waits. Returns 1 and fills `out`, or 0 when none waits, or -1;
 * `out` is left alone then. Once WAKEBUILDER_MAX_WAITING wait, each new one pushes the oldest out.
 */
WAKEBUILDER_API int wakebuilder_poll(wakebuilder_detector* detector, wakebuilder_detection* out);

/* A new stream begins: the sound so far, and detections that wait, are forgotten. 0, or -1. */
WAKEBUILDER_API int wakebuilder_reset(wakebuilder_detector* detector);

/* Samples that were pushed since the begin of the stream; 0 also for NULL, which is an error. */
WAKEBUILDER_API uint64_t wakebuilder_samples(const wakebuilder_detector* detector);

/* Detections pushed out unseen since the begin of the stream; 0 also for NULL, an error. */
WAKEBUILDER_API uint64_t wakebuilder_dropped(const wakebuilder_detector* detector);

/*
 * The newest score of a model (index into the models that were opened), 0 to 1: what is compared
 * with the threshold. 0 before the first, which comes with the first whole window. -1: an error.
 */
WAKEBUILDER_API double wakebuilder_score(const wakebuilder_detector* detector, size_t model_index);

/* The threshold that a model's score is compared with, or -1. */
WAKEBUILDER_API double wakebuilder_threshold(const wakebuilder_detector* detector,
                                             size_t model_index);

/* "computer" of computer.onnx, or NULL: an error. Lives until wakebuilder_close(). */
WAKEBUILDER_API const char* wakebuilder_model(const wakebuilder_detector* detector,
                                              size_t model_index);

/* What people say, or NULL: an error. Lives until wakebuilder_close(). */
WAKEBUILDER_API const char* wakebuilder_wake_word(const wakebuilder_detector* detector,
                                                  size_t model_index);

/*
 * What the user should know of a detector that works all the same, one sentence for each index from
 * 0 on, e.g. of a provider that cannot be had. NULL behind the last, which is no error, or for a
 * detector that is NULL. Lives until wakebuilder_close().
 */
WAKEBUILDER_API const char* wakebuilder_remark(const wakebuilder_detector* detector, size_t index);

/*
 * A sentence about the last call on this thread that failed, "" before the first. Calls that
 * succeed leave it as it is. Lives until the next call on this thread that fails.
 */
WAKEBUILDER_API const char* wakebuilder_last_error(void);

/* Its code. */
WAKEBUILDER_API int wakebuilder_last_error_code(void);

/* The version of the library, "0.1.0". Lives for ever. */
WAKEBUILDER_API const char* wakebuilder_version(void);

#ifdef __cplusplus
} /* extern "C" */
#endif

/* NOLINTEND(modernize-deprecated-headers, modernize-use-using, readability-identifier-naming) */

#endif /* WAKEBUILDER_WAKEBUILDER_H */
