/*
 * libwakebuilder.so as a C program sees it.
 *
 * usage: capi_c_test MODEL.onnx SOUND.wav HEARD.json FOLDER
 *
 * HEARD.json is what `wakebuilder detect MODEL.onnx SOUND.wav --json` says, FOLDER a place for
 * files.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <wakebuilder/wakebuilder.h>

#define CHECK(condition) ((condition) ? (void)0 : die(__LINE__, #condition))
#define CHECK_ERROR(code, text) check_error(__LINE__, code, text)

/* The same numbers by the same code; the text of the JSON has all their digits. */
#define TOLERANCE 1e-12

static void die(int line, const char* what) {
  fprintf(stderr, "capi_test.c:%d: expected %s; last error %d: %s\n", line, what,
          wakebuilder_last_error_code(), wakebuilder_last_error());
  exit(1);
}

static void check_error(int line, int code, const char* text) {
  if (wakebuilder_last_error_code() == code && strstr(wakebuilder_last_error(), text) != NULL)
    return;
  die(line, text);
}

/* ---- files ---- */

typedef struct {
  unsigned char* bytes;
  size_t size;
} Blob;

static Blob read_file(const char* path) {
  Blob blob = {NULL, 0};
  FILE* file = fopen(path, "rb");
  CHECK(file != NULL);
  CHECK((blob.bytes = malloc(8u << 20)) != NULL);
  blob.size = fread(blob.bytes, 1, (8u << 20) - 1, file);
  blob.bytes[blob.size] = 0;
  fclose(file);
  return blob;
}

static const char* write_file(const char* folder, const char* name, Blob blob) {
  static char paths[16][1000];
  static int used = 0;
  char* path = paths[used++ % 16];
  FILE* file;
  snprintf(path, sizeof paths[0], "%s/%s", folder, name);
  CHECK((file = fopen(path, "wb")) != NULL);
  CHECK(fwrite(blob.bytes, 1, blob.size, file) == blob.size);
  CHECK(fclose(file) == 0);
  return path;
}

static void replace(Blob blob, const char* from, const char* to) {
  size_t length = strlen(from), i = 0, replaced = 0;
  CHECK(strlen(to) == length);
  for (i = 0; i + length <= blob.size; ++i) {
    if (memcmp(blob.bytes + i, from, length) != 0) continue;
    memcpy(blob.bytes + i, to, length);
    ++replaced;
  }
  CHECK(replaced == 1);
}

/* ---- what is expected ---- */

static const char* model;
static const char* folder;
static int16_t samples[100000];
static float numbers[100000];
static size_t count;
static double heard_time_s, heard_score, highest_score;

static void read_sound(const char* path) {
  const Blob wav = read_file(path);
  size_t i;
  CHECK(wav.size > 44 && memcmp(wav.bytes + 36, "data", 4) == 0);
  count = (wav.size - 44) / 2;
  CHECK(count <= sizeof samples / sizeof samples[0]);
  for (i = 0; i < count; ++i) {
    const int value = wav.bytes[44 + 2 * i] | wav.bytes[45 + 2 * i] << 8;
    samples[i] = (int16_t)(value >= 32768 ? value - 65536 : value);
    numbers[i] = (float)samples[i] / 32768.0F;
  }
  free(wav.bytes);
}

static double number_behind(const char* text, const char* key) {
  const char* found = strstr(text, key);
  CHECK(found != NULL);
  return strtod(found + strlen(key), NULL);
}

static void read_expected(const char* path) {
  const Blob json = read_file(path);
  const char* text = (const char*)json.bytes;
  const char* detection = strstr(text, "\"detections\":[{");
  CHECK(detection != NULL);
  highest_score = number_behind(text, "\"score\":");
  heard_time_s = number_behind(detection, "\"time_s\":");
  heard_score = number_behind(detection, "\"score\":");
  free(json.bytes);
}

/* ---- tests ---- */

static wakebuilder_detector* open_model(void) {
  wakebuilder_detector* detector = wakebuilder_open(&model, 1, NULL);
  CHECK(detector != NULL);
  return detector;
}

static void expect_the_word_alone(wakebuilder_detector* detector) {
  wakebuilder_detection heard;
  memset(&heard, 0, sizeof heard);
  CHECK(wakebuilder_poll(detector, &heard) == 1);
  CHECK(strcmp(heard.model, "computer") == 0);
  CHECK(strcmp(heard.wake_word, "computer") == 0);
  CHECK(heard.model_index == 0);
  CHECK(fabs(heard.time_s - heard_time_s) < TOLERANCE);
  CHECK(fabs(heard.score - heard_score) < TOLERANCE);
  heard.score = 7;
  CHECK(wakebuilder_poll(detector, &heard) == 0);
  CHECK(heard.score == 7); /* left alone */
  CHECK(wakebuilder_samples(detector) == count);
  CHECK(wakebuilder_dropped(detector) == 0);
}

static size_t smaller(size_t a, size_t b) { return a < b ? a : b; }

static void hears_the_word_however_the_sound_is_cut(void) {
  static const size_t pieces[] = {1, 7, 161, 333, 4097, 16001, 100000};
  wakebuilder_detector* detector = open_model();
  size_t i, begin;
  for (i = 0; i < 2 * sizeof pieces / sizeof pieces[0]; ++i) {
    const size_t piece = pieces[i / 2];
    for (begin = 0; begin < count; begin += piece) {
      const size_t n = smaller(piece, count - begin);
      CHECK((i % 2 ? wakebuilder_push_f32(detector, numbers + begin, n)
                   : wakebuilder_push_s16(detector, samples + begin, n)) >= 0);
    }
    CHECK(wakebuilder_finish(detector) == 1);
    CHECK(wakebuilder_finish(detector) == 1);
    expect_the_word_alone(detector);
    CHECK(wakebuilder_reset(detector) == 0);
    CHECK(wakebuilder_samples(detector) == 0);
    CHECK(wakebuilder_score(detector, 0) == 0);
  }
  wakebuilder_close(detector);
}

static void tells_the_newest_score(void) {
  wakebuilder_detector* detector = open_model();
  double highest = 0;
  size_t begin;
  CHECK(wakebuilder_score(detector, 0) == 0);
  for (begin = 0; begin < count; begin += 160) {
    CHECK(wakebuilder_push_s16(detector, samples + begin, smaller(160, count - begin)) >= 0);
    if (wakebuilder_score(detector, 0) > highest) highest = wakebuilder_score(detector, 0);
  }
  CHECK(fabs(highest - highest_score) < TOLERANCE);
  wakebuilder_close(detector);
}

static void judges_a_recording_that_is_shorter_than_a_window_at_its_end(void) {
  wakebuilder_detector* detector = open_model();
  CHECK(wakebuilder_push_s16(detector, samples, 16000) == 0);
  CHECK(wakebuilder_score(detector, 0) == 0);
  CHECK(wakebuilder_finish(detector) >= 0);
  CHECK(wakebuilder_score(detector, 0) > 0);
  CHECK(wakebuilder_push_s16(detector, samples, 16000) == -1);
  CHECK_ERROR(WAKEBUILDER_INVALID_ARGUMENT, "wakebuilder_reset() after wakebuilder_finish()");
  wakebuilder_close(detector);
}

static void takes_options(void) {
  wakebuilder_options options = WAKEBUILDER_OPTIONS_INIT;
  wakebuilder_detector* detector;
  options.threshold = 0.99;
  options.smoothing = 2;
  CHECK((detector = wakebuilder_open(&model, 1, &options)) != NULL);
  CHECK(wakebuilder_threshold(detector, 0) == 0.99);
  CHECK(wakebuilder_push_s16(detector, samples, count) == 0);
  CHECK(fabs(wakebuilder_score(detector, 0) - highest_score) > 1e-3);
  wakebuilder_close(detector);

  options.size = 3;
  CHECK(wakebuilder_open(&model, 1, &options) == NULL);
  CHECK_ERROR(WAKEBUILDER_INVALID_ARGUMENT, "wakebuilder_options.size: expected");
  options.size = sizeof options;
  options.threshold = 2;
  CHECK(wakebuilder_open(&model, 1, &options) == NULL);
  CHECK_ERROR(WAKEBUILDER_INVALID_ARGUMENT, "threshold");
  options.threshold = 0;
  options.gate_dbfs = 3;
  CHECK(wakebuilder_open(&model, 1, &options) == NULL);
  CHECK_ERROR(WAKEBUILDER_INVALID_ARGUMENT, "gate");
  options.gate_dbfs = 0;
  options.onnxruntime = "/absent/libonnxruntime.so";
  CHECK(wakebuilder_open(&model, 1, &options) == NULL);
  CHECK_ERROR(WAKEBUILDER_UNAVAILABLE, "/absent/libonnxruntime.so");
}

/* Whether there is such a device or not: a remark without strictness is an error with it. */
static void remarks_on_a_provider_that_cannot_be_had(void) {
  wakebuilder_options options = WAKEBUILDER_OPTIONS_INIT;
  wakebuilder_detector *lenient, *strict;
  options.providers = "cuda,cpu";
  CHECK((lenient = wakebuilder_open(&model, 1, &options)) != NULL);
  options.strict_provider = 1;
  strict = wakebuilder_open(&model, 1, &options);
  if (wakebuilder_remark(lenient, 0) == NULL) {
    CHECK(strict != NULL);
  } else {
    CHECK(strstr(wakebuilder_remark(lenient, 0), "cuda") != NULL);
    CHECK(wakebuilder_remark(lenient, 1) == NULL);
    CHECK(strict == NULL);
    CHECK_ERROR(WAKEBUILDER_UNAVAILABLE, "cuda");
  }
  wakebuilder_close(strict);
  wakebuilder_close(lenient);
}

/* The second is run as the file has it, before those that share a graph. */
static void keeps_the_order_of_models(void) {
  const char* models[2];
  wakebuilder_detector* detector;
  Blob blob = read_file(model);
  replace(blob, "precision", "precisioX");
  replace(blob,
          "threshold\x12\x03"
          "0.5",
          "threshold\x12\x03"
          "0.9");
  models[0] = model;
  models[1] = write_file(folder, "window.onnx", blob);
  free(blob.bytes);
  CHECK((detector = wakebuilder_open(models, 2, NULL)) != NULL);
  CHECK(strcmp(wakebuilder_model(detector, 0), "computer") == 0);
  CHECK(strcmp(wakebuilder_model(detector, 1), "window") == 0);
  CHECK(strcmp(wakebuilder_wake_word(detector, 1), "computer") == 0);
  CHECK(wakebuilder_threshold(detector, 0) == 0.5);
  CHECK(wakebuilder_threshold(detector, 1) == 0.9);
  CHECK(strstr(wakebuilder_remark(detector, 0), "window: ") != NULL);
  CHECK(wakebuilder_push_s16(detector, samples, count) == 1);
  CHECK(wakebuilder_score(detector, 1) > 0);
  expect_the_word_alone(detector);
  CHECK(wakebuilder_score(detector, 2) == -1);
  CHECK_ERROR(WAKEBUILDER_INVALID_ARGUMENT, "model_index: expected less than 2, found 2");
  CHECK(wakebuilder_threshold(detector, 2) == -1);
  CHECK(wakebuilder_model(detector, 2) == NULL);
  CHECK(wakebuilder_wake_word(detector, (size_t)-1) == NULL);
  wakebuilder_close(detector);
}

/* Eight names of one model, so that a second brings eight detections. */
static void keeps_no_more_detections_than_it_says(void) {
  const char* models[8];
  wakebuilder_detector* detector;
  wakebuilder_detection heard;
  Blob blob = read_file(model);
  int i, waiting = 0;
  for (i = 0; i < 8; ++i) {
    char name[40];
    snprintf(name, sizeof name, "copy%d.onnx", i);
    models[i] = write_file(folder, name, blob);
  }
  free(blob.bytes);
  CHECK((detector = wakebuilder_open(models, 8, NULL)) != NULL);
  for (i = 0; i < 400 && wakebuilder_dropped(detector) < 8; ++i)
    CHECK((waiting = wakebuilder_push_s16(detector, samples, count)) >= 0);
  CHECK(waiting == WAKEBUILDER_MAX_WAITING);
  CHECK(wakebuilder_dropped(detector) == 8);
  CHECK(wakebuilder_poll(detector, &heard) == 1);
  CHECK(heard.time_s > heard_time_s + 1); /* the eight of the first time are lost */
  for (i = 1; wakebuilder_poll(detector, &heard) == 1; ++i) continue;
  CHECK(i == WAKEBUILDER_MAX_WAITING);
  wakebuilder_close(detector);
}

static void refuses_samples_that_are_no_numbers(void) {
  wakebuilder_detector* detector = open_model();
  const float saved = numbers[20000];
  numbers[20000] = (float)NAN;
  CHECK(wakebuilder_push_f32(detector, numbers, count) == -1);
  CHECK_ERROR(WAKEBUILDER_INVALID_ARGUMENT, "1.25");
  CHECK(wakebuilder_samples(detector) == 0);
  numbers[20000] = -(float)INFINITY;
  CHECK(wakebuilder_push_f32(detector, numbers, count) == -1);
  numbers[20000] = saved;
  CHECK(wakebuilder_push_f32(detector, numbers, count) == 1); /* as if nothing had been */
  expect_the_word_alone(detector);
  wakebuilder_close(detector);
}

static void says_what_is_wrong_with_a_model(void) {
  static unsigned char text[] = "this is no model\n";
  const Blob blob = {text, sizeof text - 1};
  const char* models[2];
  models[0] = "/absent/jarvis.onnx";
  CHECK(wakebuilder_open(models, 1, NULL) == NULL);
  CHECK_ERROR(WAKEBUILDER_NOT_FOUND, "/absent/jarvis.onnx");
  models[0] = write_file(folder, "text.onnx", blob);
  CHECK(wakebuilder_open(models, 1, NULL) == NULL);
  CHECK_ERROR(WAKEBUILDER_UNSUPPORTED, "text.onnx: is not an ONNX model: looks like text");
  models[0] = models[1] = model;
  CHECK(wakebuilder_open(models, 2, NULL) == NULL);
  CHECK_ERROR(WAKEBUILDER_INVALID_ARGUMENT, "different names");
  models[1] = NULL;
  CHECK(wakebuilder_open(models, 2, NULL) == NULL);
  CHECK_ERROR(WAKEBUILDER_INVALID_ARGUMENT, "models[1]: expected a pointer, found NULL");
  CHECK(wakebuilder_open(NULL, 1, NULL) == NULL);
  CHECK_ERROR(WAKEBUILDER_INVALID_ARGUMENT, "models: expected a pointer, found NULL");
  CHECK(wakebuilder_open(NULL, 0, NULL) == NULL);
  CHECK_ERROR(WAKEBUILDER_INVALID_ARGUMENT, "expected a model to listen with, found none");
}

static void refuses_null(void) {
  wakebuilder_detector* detector = open_model();
  wakebuilder_detection heard;
  CHECK(wakebuilder_push_f32(detector, NULL, 1) == -1);
  CHECK_ERROR(WAKEBUILDER_INVALID_ARGUMENT, "samples: expected a pointer, found NULL");
  CHECK(wakebuilder_push_s16(detector, NULL, 1) == -1);
  CHECK(wakebuilder_push_f32(detector, NULL, 0) == 0);
  CHECK(wakebuilder_push_s16(detector, NULL, 0) == 0);
  CHECK(wakebuilder_push_f32(detector, numbers, (size_t)-1) == -1);
  CHECK_ERROR(WAKEBUILDER_INVALID_ARGUMENT, "count: expected");
  CHECK(wakebuilder_poll(detector, NULL) == -1);
  CHECK_ERROR(WAKEBUILDER_INVALID_ARGUMENT, "out: expected a pointer, found NULL");
  wakebuilder_close(detector);

  CHECK(wakebuilder_poll(NULL, &heard) == -1);
  CHECK_ERROR(WAKEBUILDER_INVALID_ARGUMENT, "detector: expected a pointer, found NULL");
  CHECK(wakebuilder_push_f32(NULL, numbers, 1) == -1);
  CHECK(wakebuilder_push_s16(NULL, samples, 1) == -1);
  CHECK(wakebuilder_finish(NULL) == -1);
  CHECK(wakebuilder_reset(NULL) == -1);
  CHECK(wakebuilder_samples(NULL) == 0);
  CHECK(wakebuilder_dropped(NULL) == 0);
  CHECK(wakebuilder_score(NULL, 0) == -1);
  CHECK(wakebuilder_threshold(NULL, 0) == -1);
  CHECK(wakebuilder_model(NULL, 0) == NULL);
  CHECK(wakebuilder_wake_word(NULL, 0) == NULL);
  CHECK(wakebuilder_remark(NULL, 0) == NULL);
  wakebuilder_close(NULL);
}

int main(int argc, char** argv) {
  CHECK(argc == 5);
  model = argv[1];
  folder = argv[4];
  CHECK(strcmp(wakebuilder_version(), WAKEBUILDER_TEST_VERSION) == 0);
  CHECK(strcmp(wakebuilder_last_error(), "") == 0);
  CHECK(wakebuilder_last_error_code() == WAKEBUILDER_OK);
  read_sound(argv[2]);
  read_expected(argv[3]);
  hears_the_word_however_the_sound_is_cut();
  tells_the_newest_score();
  judges_a_recording_that_is_shorter_than_a_window_at_its_end();
  takes_options();
  remarks_on_a_provider_that_cannot_be_had();
  keeps_the_order_of_models();
  keeps_no_more_detections_than_it_says();
  refuses_samples_that_are_no_numbers();
  says_what_is_wrong_with_a_model();
  refuses_null();
  return 0;
}
