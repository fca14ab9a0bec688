/* The least that a lock between processes can cost: sem_timedwait and sem_post, without an info text, an
 * order, or a way back when a holder dies.
 *
 *   semaphore NAME               serves requests from standard input: see serve.ts
 *   semaphore NAME COMMAND...    runs a command while holding the lock
 */
#include <fcntl.h>
#include <semaphore.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;
static sem_t *semaphore;

static void get(void) {
  struct timespec deadline;
  clock_gettime(CLOCK_REALTIME, &deadline);
  deadline.tv_sec += 600;
  if (sem_timedwait(semaphore, &deadline) != 0) exit(75);
}

static void unget(void) { sem_post(semaphore); }

static long long now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static void pass(long microseconds) {
  struct timespec t = {microseconds / 1000000, microseconds % 1000000 * 1000};
  nanosleep(&t, NULL);
}

static void pairs(long count) {
  long long start = now();
  for (long pair = 0; pair < count; pair++) get(), unget();
  printf("%lld\n", now() - start);
}

static void sections(long count, long hold, long pause) {
  for (long section = 0; section < count; section++) {
    long long asked = now();
    get();
    long long granted = now();
    pass(hold);
    long long released = now();
    unget();
    printf("%lld %lld %lld\n", asked, granted, released);
    pass(pause);
  }
  printf("done\n");
}

static void contend(long count, const char *directory) {
  if (chdir(directory) != 0) exit(2);
  long overlaps = 0;
  for (long section = 0; section < count; section++) {
    get();
    int witness = open("witness", O_CREAT | O_EXCL | O_WRONLY, 0600);
    if (witness < 0) overlaps++;
    else close(witness), unlink("witness");
    unget();
  }
  printf("%ld\n", overlaps);
}

static int run(char **command) {
  pid_t child;
  int status = 0;
  get();
  int failed = posix_spawnp(&child, command[0], NULL, NULL, command, environ);
  if (!failed) waitpid(child, &status, 0);
  unget();
  return failed ? 127 : WEXITSTATUS(status);
}

int main(int count, char **words) {
  if (count < 2) return 64;
  char name[260];
  snprintf(name, sizeof name, "/%s", words[1]);
  semaphore = sem_open(name, O_CREAT, 0600, 1);
  if (semaphore == SEM_FAILED) return 2;
  if (count > 2) return run(words + 2);

  char line[4200], text[4100];
  long one, two, three;
  setvbuf(stdout, NULL, _IOFBF, 1 << 16);
  while (fgets(line, sizeof line, stdin) != NULL) {
    if (sscanf(line, "pairs %ld", &one) == 1) pairs(one);
    else if (sscanf(line, "sections %ld %ld %ld", &one, &two, &three) == 3) sections(one, two, three);
    else if (sscanf(line, "contend %ld %4000s", &one, text) == 2) contend(one, text);
    else if (strcmp(line, "get\n") == 0) get(), printf("%lld\n", now());
    else if (strcmp(line, "unget\n") == 0) printf("%lld\n", now()), unget();
    fflush(stdout);
  }
  return 0;
}
