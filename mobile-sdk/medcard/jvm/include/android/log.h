// Stands for Android's header of this name: on a desktop JVM what the binding has to say goes to the standard error.
#include <stdio.h>
#define ANDROID_LOG_INFO 4
#define ANDROID_LOG_FATAL 7
#define __android_log_print(priority, tag, ...) (fprintf(stderr, __VA_ARGS__), fputc('\n', stderr))
#define __android_log_assert(condition, tag, ...) __android_log_print(ANDROID_LOG_FATAL, tag, __VA_ARGS__)
