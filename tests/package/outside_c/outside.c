/* Calls the installed library: a model that is not there is an error with a sentence. */
#include <stdio.h>

#include <wakebuilder/wakebuilder.h>

int main(void) {
  const char* model = "absent.onnx";
  if (wakebuilder_open(&model, 1, NULL) != NULL) return 1;
  if (wakebuilder_last_error_code() != WAKEBUILDER_NOT_FOUND) return 2;
  printf("%s\n", wakebuilder_last_error());
  return 0;
}
