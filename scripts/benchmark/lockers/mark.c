/* The work that a lock protects, as a command of a few hundred microseconds.
 *
 *   mark FILE LABEL        appends a line to FILE: LABEL, when this began, when it ended (CLOCK_MONOTONIC, ns)
 *   mark FILE LABEL hold   the same, but says "held" and ends when somebody opens the FIFO FILE.hold, as not
 *                          all that run commands hand their standard input on
 *   mark section DIR       adds 1 to DIR/counter; DIR/overlaps gets a byte if DIR/witness says that
 *                          somebody else is doing so
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static long long now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static int section(const char *directory) {
  if (chdir(directory) != 0) return 2;
  int witness = open("witness", O_CREAT | O_EXCL | O_WRONLY, 0600);
  if (witness < 0) {
    int overlaps = open("overlaps", O_CREAT | O_APPEND | O_WRONLY, 0600);
    return write(overlaps, "x", 1) == 1 ? 1 : 2;
  }
  long number = 0;
  FILE *counter = fopen("counter", "r");
  if (counter != NULL && fscanf(counter, "%ld", &number) == 1) fclose(counter);
  counter = fopen("counter", "w");
  if (counter == NULL) return 2;
  fprintf(counter, "%ld\n", number + 1);
  fclose(counter);
  close(witness);
  return unlink("witness") == 0 ? 0 : 2;
}

int main(int count, char **words) {
  long long begun = now();
  if (count < 3) return 64;
  if (strcmp(words[1], "section") == 0) return section(words[2]);
  int file = open(words[1], O_CREAT | O_APPEND | O_WRONLY, 0600);
  if (file < 0) return 2;
  if (count > 3) {
    char fifo[4096];
    snprintf(fifo, sizeof fifo, "%s.hold", words[1]);
    if (mkfifo(fifo, 0600) != 0 || write(1, "held\n", 5) != 5) return 2;
    if (open(fifo, O_RDONLY) < 0) return 2;
  }
  char line[400];
  int length = snprintf(line, sizeof line, "%s %lld %lld\n", words[2], begun, now());
  return write(file, line, length) == length ? 0 : 2;
}
