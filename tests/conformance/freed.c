/* Looks for plaintext in memory that is given back: preloaded by memory.sh, for Linux with glibc.
 *
 *   FREED_CANARIES  name=HEX name=HEX …: the bytes to look for. In hex, so that the variable itself holds none.
 *   FREED_REPORT    the file to which lines `where name count` are appended at exit.
 *   FREED_PROGRAM   the name of the program to watch; others, such as a shell that starts it, pass everything on.
 *   FREED_TRACE     when set, the report also has the distinct stacks of the hits, for addr2line.
 *
 * `freed`: a block was freed, moved or shortened and still held the bytes. `kept`: the bytes were on the heap at exit, in a
 * block that nobody freed. `stack`: they were on the main stack at exit, where the compiler had put a copy.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

extern void *__libc_malloc(size_t), *__libc_realloc(void *, size_t);
extern void __libc_free(void *);

enum { MOST = 64, LONGEST = 256, STACKS = 400, DEPTH = 48 };
static struct { char name[40]; unsigned char bytes[LONGEST]; size_t length, freed, kept, stack; } canaries[MOST];
static int count;
static char report[4096];
static int tracing;
static __thread int busy;
static struct { void *frames[DEPTH]; int depth, canary; size_t hits; } stacks[STACKS];
static int stack_count;

static void trace(int canary) {
  void *frames[DEPTH];
  busy = 1;
  int depth = backtrace(frames, DEPTH);
  busy = 0;
  for (int i = 0; i < stack_count; i++)
    if (stacks[i].canary == canary && stacks[i].depth == depth &&
        !memcmp(stacks[i].frames, frames, sizeof *frames * depth)) {
      stacks[i].hits++;
      return;
    }
  if (stack_count == STACKS) return;
  memcpy(stacks[stack_count].frames, frames, sizeof *frames * depth);
  stacks[stack_count].depth = depth;
  stacks[stack_count].canary = canary;
  stacks[stack_count++].hits = 1;
}

/* Looks through a block, and wipes it when something was found: whoever gets it next is not to blame. */
static void look(void *start, size_t length) {
  int found = 0;
  for (int i = 0; i < count; i++)
    if (memmem(start, length, canaries[i].bytes, canaries[i].length)) {
      found = 1;
      __atomic_add_fetch(&canaries[i].freed, 1, __ATOMIC_RELAXED);
      if (tracing && !busy) trace(i);
    }
  if (found) memset(start, 0, length);
}

void free(void *block) {
  if (block && count) look(block, malloc_usable_size(block));
  __libc_free(block);
}

/* Shortens in place, as glibc does. Never grows in place, so that what a growing buffer leaves behind is seen even where
 * there happened to be room. */
void *realloc(void *block, size_t size) {
  if (!block || !count || !size) return __libc_realloc(block, size);
  size_t old = malloc_usable_size(block);
  if (size <= old) {
    look((char *)block + size, old - size);
    return __libc_realloc(block, size);
  }
  void *new = __libc_malloc(size);
  if (!new) return NULL;
  memcpy(new, block, old);
  free(block);
  return new;
}

static int digit(char c) { return c <= '9' ? c - '0' : (c | 32) - 'a' + 10; }

__attribute__((constructor)) static void start(void) {
  char *list = getenv("FREED_CANARIES"), *file = getenv("FREED_REPORT"), *program = getenv("FREED_PROGRAM");
  void *warm[4];
  if (!list || !file || !program || strcmp(program, program_invocation_short_name)) return;
  snprintf(report, sizeof report, "%s", file);
  tracing = getenv("FREED_TRACE") != NULL;
  backtrace(warm, 4); /* loads what it needs now */
  int found = 0;
  for (char *word = list; *word && found < MOST; word += strspn(word, " ")) {
    size_t name = strcspn(word, "= "), i = 0;
    snprintf(canaries[found].name, sizeof canaries->name, "%.*s", (int)name, word);
    for (word += name + (word[name] == '='); word[0] && word[0] != ' ' && word[1] && i < LONGEST; word += 2)
      canaries[found].bytes[i++] = digit(word[0]) << 4 | digit(word[1]);
    canaries[found].length = i;
    if (i) found++;
  }
  /* The programs that it starts are not watched. */
  unsetenv("LD_PRELOAD");
  unsetenv("FREED_CANARIES");
  unsetenv("FREED_REPORT");
  unsetenv("FREED_PROGRAM");
  unsetenv("FREED_TRACE");
  count = found;
}

__attribute__((noinline)) static void leftovers(void) {
  static char maps[1 << 18];
  int file = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
  size_t length = 0;
  for (ssize_t got; file >= 0 && (got = read(file, maps + length, sizeof maps - 1 - length)) > 0;) length += got;
  if (file >= 0) close(file);
  maps[length] = 0;
  for (char *line = strtok(maps, "\n"); line; line = strtok(NULL, "\n")) {
    unsigned long from, to, inode;
    char mode[5], name[64] = "";
    if (sscanf(line, "%lx-%lx %4s %*s %*s %lu %63s", &from, &to, mode, &inode, name) < 4) continue;
    if (mode[0] != 'r' || mode[1] != 'w' || inode) continue;
    int stack = !strcmp(name, "[stack]"), heap = !strcmp(name, "[heap]") || !*name;
    /* Not what lies right behind a library: its variables, ours among them. */
    if ((!stack && !heap) || ((unsigned long)canaries >= from && (unsigned long)canaries < to)) continue;
    for (int i = 0; i < count; i++)
      for (char *at = (char *)from; (at = memmem(at, (char *)to - at, canaries[i].bytes, canaries[i].length)); at++)
        stack ? canaries[i].stack++ : canaries[i].kept++;
  }
}

__attribute__((destructor)) static void stop(void) {
  if (!count) return;
  leftovers();
  int found = count;
  count = 0;
  FILE *out = fopen(report, "ae");
  if (!out) return;
  for (int i = 0; i < found; i++) {
    if (canaries[i].freed) fprintf(out, "freed %s %zu\n", canaries[i].name, canaries[i].freed);
    if (canaries[i].kept) fprintf(out, "kept %s %zu\n", canaries[i].name, canaries[i].kept);
    if (canaries[i].stack) fprintf(out, "stack %s %zu\n", canaries[i].name, canaries[i].stack);
  }
  for (int i = 0; i < stack_count; i++) {
    fprintf(out, "trace %s %zu", canaries[stacks[i].canary].name, stacks[i].hits);
    for (int j = 0; j < stacks[i].depth; j++) {
      Dl_info info;
      if (dladdr(stacks[i].frames[j], &info) && info.dli_fbase)
        fprintf(out, " %s+%#lx", strrchr(info.dli_fname, '/') ? strrchr(info.dli_fname, '/') + 1 : info.dli_fname,
                (unsigned long)stacks[i].frames[j] - (unsigned long)info.dli_fbase - 1);
    }
    fputc('\n', out);
  }
  fclose(out);
}
