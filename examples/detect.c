/*
 * The C API: listen for wake words in samples of 16 bits, 16 kHz, mono, from a file or a
 * microphone:
 *
 *     arecord -q -f S16_LE -r 16000 -c 1 -t raw | example_detect_c computer.onnx
 */
#include <stdio.h>

#include <wakebuilder/wakebuilder.h>

static void print_detections(wakebuilder_detector* detector) {
  wakebuilder_detection heard;
  while (wakebuilder_poll(detector, &heard) == 1) {
    printf("%.3f s  %s  score %.3f\n", heard.time_s, heard.wake_word, heard.score);
    fflush(stdout);
  }
}

/* 0, or -1 with the reason in wakebuilder_last_error(). */
static int listen_to(wakebuilder_detector* detector, FILE* sound) {
  int16_t samples[WAKEBUILDER_SAMPLE_RATE_HZ / 10];
  size_t count;
  while ((count = fread(samples, sizeof samples[0], sizeof samples / sizeof samples[0], sound)) >
         0) {
    if (wakebuilder_push_s16(detector, samples, count) < 0) return -1;
    print_detections(detector);
  }
  if (wakebuilder_finish(detector) < 0) return -1;
  print_detections(detector);
  return 0;
}

static int complain(const char* sentence) {
  fprintf(stderr, "example_detect_c: %s\n", sentence);
  return 1;
}

int main(int argc, char** argv) {
  const char* model;
  wakebuilder_detector* detector;
  FILE* sound = stdin;
  int status;

  if (argc != 2 && argc != 3) {
    fprintf(stderr, "usage: example_detect_c MODEL.onnx [SOUND.raw]\n");
    return 2;
  }
  if (argc == 3 && (sound = fopen(argv[2], "rb")) == NULL)
    return complain("the sound cannot be opened");
  model = argv[1];
  detector = wakebuilder_open(&model, 1, NULL);
  if (detector == NULL) return complain(wakebuilder_last_error());
  status = listen_to(detector, sound) < 0 ? complain(wakebuilder_last_error()) : 0;
  wakebuilder_close(detector);
  if (sound != stdin) fclose(sound);
  return status;
}
